/**
 * The development cluster: a real control plane, machines that are processes, and the operator installed from
 * `config/`, whose pods those machines run. `npm run dev` and the e2e suite use it.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { APISERVER_SERVICE, NAMESPACE } from '../../src/api/names.ts';
import type { ControlRequest } from '../../src/sim/host/control.ts';
import type { Durations } from '../../src/sim/host/durations.ts';
import type { Programs } from '../controlplane/programs.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { Supervisor } from '../process/supervisor.ts';
import { askHost } from './hostcontrol.ts';
import { kubectl } from './kubectl.ts';
import { LoadBalancer } from './loadbalancer.ts';
import type { MachineConfig } from './machine/config.ts';
import { controlOf } from './machine/paths.ts';
import type { Registration } from './machine/process.ts';
import { INFRA, installOperator, installWorkloads } from './manifests.ts';

const MACHINE = join(import.meta.dirname, 'machine', 'main.ts');
const POLL_MS = 200;
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

/** See the head of this file. */
export class World {
  readonly plane: ControlPlane;
  /** Names of the Bottlerocket nodes. */
  readonly nodes: readonly string[];
  readonly #options: WorldOptions;
  readonly #supervisor: Supervisor;
  readonly #dir: string;
  readonly #loadBalancer = new LoadBalancer(() => this.#apiServers());
  #stopped: Promise<void> | undefined;

  /** Use `startWorld`. */
  constructor(parts: { plane: ControlPlane; supervisor: Supervisor; dir: string; options: WorldOptions }) {
    this.plane = parts.plane;
    this.#options = parts.options;
    this.#supervisor = parts.supervisor;
    this.#dir = parts.dir;
    this.nodes = Array.from({ length: parts.options.nodes ?? 5 }, (_, index) => `node-${index + 1}`);
  }

  /** kubectl of the version of the control plane. */
  get kubectlPath(): string {
    return this.#options.programs.kubectl;
  }

  /** Directory with a log for each machine and each pod of the operator. */
  get logDir(): string {
    return join(this.#dir, 'logs');
  }

  /** Brings everything up; resolves when the operator is Ready. @throws Error naming the logs when it is not */
  async up(): Promise<void> {
    const { progress = () => undefined, workloads = true, programs } = this.#options;
    for (const part of ['logs', 'machines', 'registry'])
      mkdirSync(join(this.#dir, part), { recursive: true });
    const access = { kubectl: programs.kubectl, kubeconfig: this.plane.kubeconfig };
    const apiPort = await this.#loadBalancer.listen();
    progress('Installing the operator from config/');
    await installOperator(access, this.#dir);
    progress(`Starting ${this.nodes.length} Bottlerocket hosts and one other machine`);
    for (const [index, name] of ['infra', ...this.nodes].entries()) {
      await this.#startMachine(name, { index, apiPort });
    }
    await this.#waitFor('all nodes are Ready', () => this.#nodesReady());
    await kubectl(access, ['taint', 'node', 'infra', `${INFRA}=true:NoSchedule`, '--overwrite']);
    if (workloads) await installWorkloads(access);
    progress('Waiting for the operator to be ready');
    await this.#waitFor('the operator is ready', () => this.#operatorReady());
  }

  /** kubectl with the rights of an administrator. @returns its standard output */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(
      { kubectl: this.#options.programs.kubectl, kubeconfig: this.plane.kubeconfig },
      args,
      input,
    );
  }

  /** Asks the simulated host of a node: faults, releases, power. */
  host(node: string, request: ControlRequest): Promise<unknown> {
    return askHost(controlOf(this.#machineDir(node)), request);
  }

  /** The operator's processes that run now. */
  processes(component?: 'agent' | 'controller' | 'apiserver'): Registration[] {
    const dir = join(this.#dir, 'registry');
    const all = readdirSync(dir)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => readRegistration(join(dir, name)));
    return component === undefined ? all : all.filter((each) => each.component === component);
  }

  /** Waits until `ready`. @throws Error after the time, naming what did not happen and where the logs are */
  async waitFor(what: string, ready: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await ready())) {
      this.#options.signal?.throwIfAborted();
      const dead = this.#deadMachine();
      if (dead !== undefined) throw new Error(`A machine ended: ${dead}`);
      if (performance.now() > deadline) {
        throw new Error(`Not so after ${timeoutMs} ms: ${what}. The logs are in ${this.logDir}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Ends everything it started; the logs stay only if that is wished. May be called again. */
  stop(options: { keepLogs?: boolean } = {}): Promise<void> {
    this.#stopped ??= this.#stop(options.keepLogs ?? false);
    return this.#stopped;
  }

  async #stop(keepScratch: boolean): Promise<void> {
    // Machines first, while they can still tell the API server what ends; hard, if they cannot.
    await this.#supervisor.stopAll({ graceMs: STOP_GRACE_MS, keepScratch });
    this.#loadBalancer.close();
    await this.plane.stop();
  }

  #waitFor(what: string, ready: () => boolean | Promise<boolean>): Promise<void> {
    return this.waitFor(what, ready, 90_000);
  }

  #machineDir(name: string): string {
    return join(this.#dir, 'machines', name);
  }

  #deadMachine(): string | undefined {
    for (const child of this.#machines) {
      if (child.ending !== undefined) return `${child.name}: ${child.tail()}`;
    }
    return undefined;
  }

  readonly #machines: Awaited<ReturnType<Supervisor['start']>>[] = [];

  async #startMachine(name: string, { index, apiPort }: { index: number; apiPort: number }): Promise<void> {
    const config = this.#configOf(name, index, apiPort);
    mkdirSync(config.dir, { recursive: true });
    const file = join(config.dir, 'machine.json');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const child = await this.#supervisor.start({
      name,
      command: process.execPath,
      args: [MACHINE, file],
      logFile: join(this.logDir, `${name}.log`),
    });
    this.#machines.push(child);
  }

  #configOf(name: string, index: number, apiPort: number): MachineConfig {
    const { version = '1.40.0', releases = ['1.40.0', '1.41.0', '1.42.0'], durations = FAST } = this.#options;
    const zone = `test-1${ZONES[index % ZONES.length]}`;
    const isInfra = name === 'infra';
    const { server, caFile, token } = this.plane;
    return {
      nodeName: name,
      labels: {
        'topology.kubernetes.io/region': 'test-1',
        'topology.kubernetes.io/zone': zone,
        ...(isInfra ? { [INFRA]: 'true' } : {}),
      },
      providerID: `test:///${zone}/${name}`,
      endpoint: { server, caFile, token },
      dir: this.#machineDir(name),
      logDir: this.logDir,
      registryDir: join(this.#dir, 'registry'),
      service: { name: `${APISERVER_SERVICE}.${NAMESPACE}.svc`, port: apiPort },
      timing: { readyMs: 500, podStartMs: 500, podStopMs: 500, probeEveryMs: 1000 },
      ...(isInfra
        ? {}
        : {
            host: { image: { arch: 'x86_64', variant: VARIANT, version }, releases, seed: name, durations },
          }),
    };
  }

  #apiServers(): number[] {
    return this.processes('apiserver').flatMap(({ ready, ports }) => (ready ? (ports['https'] ?? []) : []));
  }

  async #nodesReady(): Promise<boolean> {
    const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
    const states = (await this.kubectl(['get', 'nodes', '-o', `jsonpath=${path}`])).trim().split('\n');
    return states.length > this.nodes.length && states.every((state) => state === 'True');
  }

  #operatorReady(): boolean {
    const ready = (component: 'agent' | 'controller' | 'apiserver'): number =>
      this.processes(component).filter((each) => each.ready).length;
    return ready('controller') >= 1 && ready('apiserver') === 2 && ready('agent') === this.nodes.length;
  }
}

/** A file that is just being written, or was removed, is none. */
function readRegistration(path: string): Registration[] {
  try {
    return [JSON.parse(readFileSync(path, 'utf8')) as Registration];
  } catch {
    return [];
  }
}

/** Starts a world; resolves when the operator is ready in it. Everything is gone again when it fails. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { progress = () => undefined, programs, signal } = options;
  const dir = mkdtempSync(join(tmpdir(), 'brupop-dev-'));
  progress('Starting etcd, kube-apiserver, kube-controller-manager and kube-scheduler');
  const plane = await startControlPlane({ programs, controllers: true });
  const world = new World({ plane, supervisor: new Supervisor([dir]), dir, options });
  try {
    signal?.throwIfAborted();
    await world.up();
    return world;
  } catch (error) {
    await world.stop({ keepLogs: signal?.aborted !== true });
    throw error;
  }
}
