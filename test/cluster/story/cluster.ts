/** The handle of a cluster of `npm run cluster`. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { ClusterClient } from '../../../hack/cluster/daemon/client.ts';
import { NETWORK, paths } from '../../../hack/cluster/layout.ts';
import { enterAll, findRunning } from '../../../hack/cluster/outer/init.ts';
import { run } from '../../../hack/cluster/run.ts';
import { readSpec } from '../../../hack/cluster/spec.ts';
import { kubectl } from '../../../hack/dev/kubectl.ts';
import { createKubernetesClient, type KubernetesClient } from '../../../src/runtime/client/client.ts';
import { kubeConfigLoader } from '../../../src/runtime/client/credentials.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { ControlRequest } from '../../../src/sim/host/control.ts';
import type { ClusterHandle, ControlPlaneProgram, PowerEvent } from './handle.ts';

interface KubeConfigFile {
  clusters: { cluster: { server: string } }[];
}

/** The administrator's kubeconfig, for a port of loopback in place of the address inside. */
async function outsideKubeconfig(from: string, port: number): Promise<string> {
  const config = parse(await readFile(from, 'utf8')) as KubeConfigFile;
  for (const { cluster } of config.clusters) cluster.server = `https://localhost:${port}`;
  return stringify(config);
}

/** See the head of this file. */
export class RealCluster implements ClusterHandle {
  readonly nodes: readonly string[];
  readonly kubernetes: KubernetesClient;
  readonly logDir: string;
  readonly #name: string;
  readonly #closed: (() => Promise<void>) | undefined;
  readonly #client: ClusterClient;
  readonly #scratch: string;
  readonly #kubectl: { kubectl: string; kubeconfig: string };

  private constructor(parts: {
    name: string;
    nodes: readonly string[];
    client: ClusterClient;
    scratch: string;
    kubectl: string;
    closed?: () => Promise<void>;
  }) {
    const kubeconfig = join(parts.scratch, 'kubeconfig');
    this.#name = parts.name;
    this.#closed = parts.closed;
    this.nodes = parts.nodes;
    this.logDir = paths(parts.client.dir).logs;
    this.#client = parts.client;
    this.#scratch = parts.scratch;
    this.#kubectl = { kubectl: parts.kubectl, kubeconfig };
    this.kubernetes = createKubernetesClient({
      kubeConfig: kubeConfigLoader({ file: kubeconfig }),
      clock: systemClock,
    });
  }

  /**
   * A cluster that runs, by its state directory.
   * @param closed called when it is let go of @throws Error when there is none
   */
  static async open(dir: string, closed?: () => Promise<void>): Promise<RealCluster> {
    const spec = await readSpec(dir);
    if (spec === undefined) throw new Error(`There is no cluster in ${dir}`);
    const client = new ClusterClient(dir);
    const port = await client.forward(NETWORK.gateway, NETWORK.apiPort);
    const scratch = await mkdtemp(join(tmpdir(), 'brupop-story-'));
    await writeFile(join(scratch, 'kubeconfig'), await outsideKubeconfig(client.kubeconfig, port), {
      mode: 0o600,
    });
    const nodes = spec.machines.filter(({ host }) => host !== undefined).map(({ name }) => name);
    const { kubectl: program } = spec.programs.controlPlane;
    const { name } = spec;
    return new RealCluster({ name, nodes, client, scratch, kubectl: program, ...(closed && { closed }) });
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(this.#kubectl, args, input);
  }

  power(machine: string, to: 'off' | 'on' | 'reboot'): Promise<void> {
    return this.#client.power(machine, to);
  }

  watchPower(listener: (event: PowerEvent) => void): Promise<() => void> {
    return this.#client.watch(({ at, machine, state }) => listener({ atMs: at, machine, state }));
  }

  host(machine: string, request: ControlRequest): Promise<unknown> {
    return this.#client.host(machine, request);
  }

  component(program: ControlPlaneProgram, to: 'away' | 'back'): Promise<void> {
    return this.#client.component(program, to);
  }

  async run(machine: string, command: readonly string[]): Promise<string> {
    const outer = await findRunning(this.#name);
    if (outer === undefined) throw new Error(`The cluster ${this.#name} has ended`);
    const inside = await this.#client.enter(machine, command);
    return run('nsenter', ...enterAll(outer), '--', ...inside);
  }

  load(archive: string): Promise<void> {
    return this.#client.load(archive);
  }

  /** Lets go of it; the cluster goes on. */
  async close(): Promise<void> {
    this.kubernetes.close();
    this.#client.close();
    await rm(this.#scratch, { recursive: true, force: true });
    await this.#closed?.();
  }
}
