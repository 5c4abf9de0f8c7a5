/**
 * The development cluster: a real control plane, machines that are processes, and the operator installed from
 * `config/`, whose pods those machines run. `npm run dev` and the e2e suite use it.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APISERVER_SERVICE, NAMESPACE } from '../../src/api/names.ts';
import type { Durations } from '../../src/sim/host/durations.ts';
import type { Programs } from '../programs/controlplane.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { Supervisor, type Child } from '../process/supervisor.ts';
import { DevCluster, logDir, machineDir, registryDir, type Component } from './cluster.ts';
import { LoadBalancer } from './loadbalancer.ts';
import type { MachineConfig } from './machine/config.ts';
import { INFRA, installOperator, installWorkloads } from './manifests.ts';

const MACHINE = join(import.meta.dirname, 'machine', 'main.ts');
const UP_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 10_000;

export interface WorldOptions {
  programs: Programs;
  /** Bottlerocket machines. @default 5 */
  nodes?: number;
  /** What they run at first. @default 1.40.0 */
  version?: string;
  /** Versions their repository offers. @default 1.40.0, 1.41.0, 1.42.0 */
  releases?: readonly string[];
  /** How long a host takes for things. @default FAST */
  durations?: Partial<Durations>;
  /** Install the sample workloads. @default true */
  workloads?: boolean;
  /** Says what is being done, one line at a time. */
  progress?: (line: string) => void;
  /** Interrupts the start. */
  signal?: AbortSignal;
}

/** A host that one likes to watch: an update is over in about 20 s. */
export const FAST: Partial<Durations> = {
  refreshMs: [200, 600],
  prepareMs: [1500, 3000],
  activateMs: [200, 500],
  deactivateMs: [200, 500],
  shutdownMs: [500, 1500],
  bootMs: [2500, 5000],
  panicMs: 1000,
  apiRestartMs: 1000,
};

const VARIANT = 'aws-k8s-1.36';
const ZONES = ['a', 'b', 'c'];
/** Labels that the samples in config/samples select by. */
const SAMPLE_LABELS = { env: 'dev' };

/** A cluster and its end. */
export interface World {
  cluster: DevCluster;
  /** Ends everything that was started; the logs stay only if that is wished. */
  stop(options?: { keepLogs?: boolean }): Promise<void>;
}

/** What is running while a world comes up. */
class Machines {
  readonly #options: WorldOptions;
  readonly #plane: ControlPlane;
  readonly #cluster: DevCluster;
  readonly #supervisor: Supervisor;
  readonly #children: Child[] = [];

  constructor(parts: {
    options: WorldOptions;
    plane: ControlPlane;
    cluster: DevCluster;
    supervisor: Supervisor;
  }) {
    this.#options = parts.options;
    this.#plane = parts.plane;
    this.#cluster = parts.cluster;
    this.#supervisor = parts.supervisor;
  }

  /** @param index decides its zone */
  async start(name: string, index: number): Promise<void> {
    const config = this.#configOf(name, index);
    mkdirSync(config.dir, { recursive: true });
    const file = join(config.dir, 'machine.json');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const child = await this.#supervisor.start({
      name,
      command: process.execPath,
      args: [MACHINE, file],
      logFile: join(config.logDir, `${name}.log`),
    });
    this.#children.push(child);
  }

  /** @throws Error with the last words of a machine that ended */
  check(): void {
    const dead = this.#children.find((child) => child.ending !== undefined);
    if (dead !== undefined) throw new Error(`The machine ${dead.name} ended:\n${dead.tail()}`);
  }

  #configOf(name: string, index: number): MachineConfig {
    const { version = '1.40.0', releases = ['1.40.0', '1.41.0', '1.42.0'], durations = FAST } = this.#options;
    const zone = `test-1${ZONES[index % ZONES.length]}`;
    const isInfra = name === 'infra';
    const { server, caFile, token } = this.#plane;
    const { dir, servicePort } = this.#cluster.facts;
    const image = { arch: 'x86_64', variant: VARIANT, version };
    return {
      nodeName: name,
      labels: {
        'topology.kubernetes.io/region': 'test-1',
        'topology.kubernetes.io/zone': zone,
        ...(isInfra ? { [INFRA]: 'true' } : SAMPLE_LABELS),
      },
      providerID: `test:///${zone}/${name}`,
      endpoint: { server, caFile, token },
      dir: machineDir(dir, name),
      logDir: logDir(dir),
      registryDir: registryDir(dir),
      service: { name: `${APISERVER_SERVICE}.${NAMESPACE}.svc`, port: servicePort },
      timing: { readyMs: 500, podStartMs: 500, podStopMs: 500, probeEveryMs: 1000 },
      ...(isInfra ? {} : { host: { image, releases, seed: name, durations } }),
    };
  }
}

async function nodesReady(cluster: DevCluster): Promise<boolean> {
  const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const states = (await cluster.kubectl(['get', 'nodes', '-o', `jsonpath=${path}`])).trim().split('\n');
  return states.length > cluster.nodes.length && states.every((state) => state === 'True');
}

/** True when every process of the operator answers its readiness probe; of the controllers one is enough. */
export function operatorReady(cluster: DevCluster): boolean {
  const ready = (component: Component): number =>
    cluster.processes(component).filter((each) => each.ready).length;
  return ready('controller') >= 1 && ready('apiserver') === 2 && ready('agent') === cluster.nodes.length;
}

/** Installs the operator and brings the machines up; resolves when the operator is ready. */
async function bringUp(cluster: DevCluster, machines: Machines, options: WorldOptions): Promise<void> {
  const { progress = () => undefined, workloads = true, signal } = options;
  const waitFor = (what: string, ready: () => boolean | Promise<boolean>): Promise<void> =>
    cluster.waitFor(
      what,
      () => {
        signal?.throwIfAborted();
        machines.check();
        return ready();
      },
      UP_TIMEOUT_MS,
    );
  progress('Installing the operator from config/');
  await installOperator(cluster.facts, cluster.facts.dir);
  progress(`Starting ${cluster.nodes.length} Bottlerocket hosts and one other machine`);
  for (const [index, name] of ['infra', ...cluster.nodes].entries()) await machines.start(name, index);
  await waitFor('all nodes are Ready', () => nodesReady(cluster));
  await cluster.kubectl(['taint', 'node', 'infra', `${INFRA}=true:NoSchedule`, '--overwrite']);
  if (workloads) await installWorkloads(cluster.facts);
  progress('Waiting for the operator to be ready');
  await waitFor('the operator is ready', () => operatorReady(cluster));
}

const nodeNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `node-${index + 1}`);

/** Starts a world; resolves when the operator is ready in it. Everything is ended again when it fails. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { progress = () => undefined, programs, signal } = options;
  progress('Starting etcd, kube-apiserver, kube-controller-manager and kube-scheduler');
  const plane = await startControlPlane({ programs, controllers: true });
  const dir = mkdtempSync(join(tmpdir(), 'brupop-dev-'));
  for (const path of [logDir(dir), registryDir(dir)]) mkdirSync(path);
  const balancer = new LoadBalancer(() =>
    cluster.processes('apiserver').flatMap(({ ready, ports }) => (ready ? (ports['https'] ?? []) : [])),
  );
  const { server, caFile, token, kubeconfig, pids } = plane;
  const cluster = new DevCluster({
    endpoint: { server, caFile, token },
    kubeconfig,
    pids,
    kubectl: programs.kubectl,
    dir,
    nodes: nodeNames(options.nodes ?? 5),
    servicePort: await balancer.listen(),
  });
  const supervisor = new Supervisor([dir]);
  const stop = async ({ keepLogs = false } = {}): Promise<void> => {
    // Machines first, while they can still tell the API server what ends; hard, if they cannot.
    await supervisor.stopAll({ graceMs: STOP_GRACE_MS, keepScratch: keepLogs });
    balancer.close();
    await plane.stop();
  };
  try {
    await bringUp(cluster, new Machines({ options, plane, cluster, supervisor }), options);
    return { cluster, stop };
  } catch (error) {
    await stop({ keepLogs: signal?.aborted !== true });
    throw error;
  }
}
