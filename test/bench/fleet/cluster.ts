/**
 * A cluster with a fleet of Bottlerocket nodes and a controller: a real kube-apiserver, the CRDs and roles of config/,
 * and the bundled controller as a process of its own that has the rights of its ServiceAccount and no others. Kubelets
 * and agents are only there by what they wrote.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { OPERATOR, ROOT, bundle } from '../../../hack/bundle.ts';
import type { ControlPlane } from '../../../hack/controlplane/start.ts';
import { startControlPlane } from '../../../hack/controlplane/start.ts';
import { kubectl } from '../../../hack/dev/kubectl.ts';
import { freePorts } from '../../../hack/process/ports.ts';
import type { Child } from '../../../hack/process/supervisor.ts';
import { Supervisor } from '../../../hack/process/supervisor.ts';
import { Nodes, Pods } from '../../../src/api/core.ts';
import type { Pod } from '../../../src/api/core.ts';
import { CONTROLLER_SERVICE_ACCOUNT, NAMESPACE } from '../../../src/api/names.ts';
import type { UpdatePolicySpec } from '../../../src/api/v1/updatepolicy.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { inParallel } from '../../../src/controllers/kube/pool.ts';
import type { KubernetesClient } from '../../../src/runtime/client/client.ts';
import { createKubernetesClient } from '../../../src/runtime/client/client.ts';
import { kubeConfigLoader } from '../../../src/runtime/client/credentials.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Context } from '../context.ts';
import { declaredVariables, podTemplate } from '../manifest.ts';
import { reportOf, shadowOf } from '../objects.ts';
import type { Requests } from '../rollout/requests.ts';
import { parseRequests } from '../rollout/requests.ts';
import { agentPod, apiserverPod, fullNode, readyPodStatus } from './objects.ts';
import { total, writesAmong } from './requests.ts';

/** Nodes without kubelets are not to be tainted for it, neither here nor in a cluster that is at rest. */
const APISERVER_FLAGS = ['--disable-admission-plugins=TaintNodesByCondition'];
const POLL_MS = 500;
const LIMIT_MS = 180_000;

export interface FleetOptions extends Context {
  nodes: number;
}

const countOf = (requests: Requests): number => {
  const writes = writesAmong(requests);
  return total(writes) - (writes.get('create events') ?? 0);
};

const config = (...path: string[]): string => join(ROOT, 'config', ...path);

/** See the head of this file. */
export class FleetCluster {
  readonly plane: ControlPlane;
  /** With the rights of an administrator. */
  readonly client: KubernetesClient;
  readonly #supervisor: Supervisor;
  readonly #dir: string;
  readonly #signal: AbortSignal;
  /** By index; their status as it was reported last. */
  readonly #shadows: BottlerocketShadow[] = [];
  #healthPort = 0;

  private constructor(plane: ControlPlane, signal: AbortSignal) {
    this.plane = plane;
    this.#signal = signal;
    this.#dir = mkdtempSync(join(tmpdir(), 'brupop-bench-fleet-'));
    this.#supervisor = new Supervisor([this.#dir]);
    this.client = createKubernetesClient({
      kubeConfig: kubeConfigLoader({ file: plane.kubeconfig }),
      clock: systemClock,
      limits: { writeMs: 30_000 },
    });
  }

  /** Starts the control plane, installs CRDs and roles, and registers nodes whose hosts run `offered` already. */
  static async start(
    { progress, programs, signal, nodes }: FleetOptions,
    offered: string,
  ): Promise<FleetCluster> {
    await bundle(OPERATOR);
    const found = await programs();
    const plane = await startControlPlane({ programs: found, apiserverFlags: APISERVER_FLAGS, signal });
    const cluster = new FleetCluster(plane, signal);
    try {
      const target = { kubectl: found.kubectl, kubeconfig: plane.kubeconfig };
      await kubectl(target, ['apply', '-f', config('default', 'namespace.yaml')]);
      await kubectl(target, ['apply', '-k', config('crd')]);
      await kubectl(target, ['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
      await kubectl(target, ['apply', '-k', config('rbac')]);
      progress(`registering ${nodes} nodes`);
      await cluster.#createPod(apiserverPod, 0);
      await inParallel([...Array(nodes).keys()], (index) => cluster.#register(index, offered));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async createPolicy(name: string, spec: UpdatePolicySpec): Promise<void> {
    await this.client.create(UpdatePolicies, { metadata: { name }, spec });
  }

  /** Starts the controller as its Deployment does. */
  async startController(): Promise<Child> {
    const kubeconfig = await this.plane.issueKubeconfig({
      namespace: NAMESPACE,
      serviceAccount: CONTROLLER_SERVICE_ACCOUNT,
      expirationSeconds: 24 * 3600,
    });
    [this.#healthPort = 0] = await freePorts(1);
    return this.#supervisor.start({
      name: 'controller',
      command: process.execPath,
      args: [join(ROOT, OPERATOR.file), 'controller'],
      logFile: join(this.#dir, 'controller.log'),
      env: {
        ...declaredVariables(podTemplate('controller.yaml')),
        POD_NAME: 'brupop-controller-0',
        POD_NAMESPACE: NAMESPACE,
        LISTEN_HOST: '127.0.0.1',
        HEALTH_PORT: String(this.#healthPort),
        BRUPOP_KUBECONFIG: kubeconfig,
      },
    });
  }

  /** What the controller has asked of kube-apiserver so far. */
  async requests(): Promise<Requests> {
    const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/metrics`, { signal: this.#signal });
    return parseRequests(await answer.text());
  }

  /**
   * Resolves when the controller leads and has not written for so long; Events, of which it sends few a second, do not
   * count. @throws Error when it ends or never rests.
   */
  async whenQuiet(controller: Child, quietMs: number): Promise<void> {
    const endMs = performance.now() + LIMIT_MS;
    let [writes, sinceMs] = [0, performance.now()];
    while (writes === 0 || performance.now() - sinceMs < quietMs) {
      await pause(POLL_MS, undefined, { signal: this.#signal });
      if (controller.ending !== undefined || performance.now() > endMs)
        throw new Error(`The controller does not come to rest:\n${controller.tail()}`);
      const now = countOf(await this.requests().catch(() => new Map()));
      if (now !== writes) [writes, sinceMs] = [now, performance.now()];
    }
  }

  /** Says for the agent of a node what its host is offered. */
  async report(index: number, offered: string): Promise<void> {
    const shadow = this.#shadows[index];
    if (shadow === undefined) throw new RangeError(`No node ${index}`);
    const status = reportOf(shadow, index, offered);
    await this.client.patch(BottlerocketShadows, shadow.metadata, { status }, { subresource: 'status' });
    this.#shadows[index] = { ...shadow, status };
  }

  async stop(): Promise<void> {
    await this.#supervisor.stopAll();
    this.client.close();
    await this.plane.stop();
  }

  async #register(index: number, offered: string): Promise<void> {
    this.#signal.throwIfAborted();
    const node = await this.client.create(Nodes, fullNode(index, Date.now()));
    const { metadata, spec } = await this.client.create(BottlerocketShadows, shadowOf(node));
    this.#shadows[index] = { metadata, spec };
    await this.report(index, offered);
    await this.#createPod(agentPod(index), index);
  }

  async #createPod(pod: Pod, index: number): Promise<void> {
    await this.client.create(Pods, pod);
    const status = readyPodStatus(index, Date.now());
    await this.client.patch(Pods, pod.metadata, { status }, { subresource: 'status' });
  }
}
