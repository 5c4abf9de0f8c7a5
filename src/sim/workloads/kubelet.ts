/**
 * Double of the kubelet of one machine: registers the Node, keeps its Lease and Ready condition, runs the pods that
 * are bound to it and ends their deletions. Needs nothing but the port and a clock, so that it also works against a
 * real API server.
 */
import { type Lease, Leases, type Node, Nodes, type Pod, Pods } from '../../api/core.ts';
import { type Clock, rfc3339, rfc3339Micro } from '../../runtime/clock.ts';
import { isKubernetesError, type KubernetesPort } from '../../runtime/kubernetes.ts';
import { aborted, linkAbort, sleepUnlessAborted } from '../../runtime/timers.ts';
import { follow } from './follow.ts';
import { PodRun } from './podrun.ts';

/** What a machine boots with. */
export interface Boot {
  /** `status.nodeInfo.bootID`. */
  bootId: string;
  /** `status.nodeInfo.osImage`. @default Bottlerocket OS 1.42.0 (aws-k8s-1.36) */
  osImage?: string;
}

export interface KubeletOptions extends Boot {
  port: KubernetesPort;
  clock: Clock;
  nodeName: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  providerID?: string;
  /** @default amd64 */
  architecture?: string;
  /** @default v1.36.1 */
  kubeletVersion?: string;
  /** From the start of the kubelet to Node Ready. @default 1000 */
  readyMs?: number;
  /** From binding to a running pod. @default 1000 */
  podStartMs?: number;
  /** From a deletion to the end of the pod, at most its grace period. @default 500 */
  podStopMs?: number;
  /** What a pod does otherwise than podStartMs and podStopMs say; `runMs`: it ends by itself after so long. */
  podTimes?: (pod: Pod) => { startMs?: number; stopMs?: number; runMs?: number };
  /** Whether what a pod needs before it can start, its volumes say, is there. @default always */
  mayStart?: (pod: Pod) => boolean;
  /** Whether a running pod is ready. @default always */
  probe?: (pod: Pod) => boolean;
  /** @default 5000 */
  probeEveryMs?: number;
  /** How often the Lease is renewed. @default 10000 */
  leaseEveryMs?: number;
  /** How often an unchanged status is written. @default 300000 */
  statusEveryMs?: number;
  /** A pod has begun to run, or runs again after a boot. */
  onPodStarted?: (pod: Pod) => void;
  /** A running pod is to end; its deletion is complete once this has resolved, within its grace period. @default at once */
  onPodStopping?: (pod: Pod) => Promise<void>;
  /** A pod has ended, by its deletion or by a power cut. */
  onPodStopped?: (pod: Pod, cause: 'deleted' | 'powerOff') => void;
}

export const OS_IMAGE = 'Bottlerocket OS 1.42.0 (aws-k8s-1.36)';
/** Without it a scheduler has no room for anything. */
const CAPACITY = { cpu: '4', memory: '16Gi', pods: '110' };
const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const RETRY_MS = 1_000;
/** After so long without a renewal the Node may have been declared lost. */
const MISSED_MS = 30_000;

interface Condition {
  type: string;
  status: string;
  reason?: string;
  lastTransitionTime?: string;
}

/** See the head of this file. */
export class KubeletDouble {
  readonly nodeName: string;
  readonly #options: KubeletOptions;
  readonly #pods = new Map<string, PodRun>();
  #boot: Boot;
  #isOn = true;
  /** Aborted at the next change of power. */
  #power = new AbortController();

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#boot = options;
    this.nodeName = options.nodeName;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The machine works until the signal aborts; then it is as if its power were cut. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const power = linkAbort(signal);
      const change = this.#power.signal;
      change.addEventListener('abort', () => power.abort(), { once: true });
      if (this.#isOn) await this.#session(power.signal);
      else await aborted(power.signal);
      power.release();
    }
  }

  /** The machine falls silent at once, as at a reboot; its pods end unseen. Without effect when it is off. */
  powerOff(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#switch();
  }

  /** The machine comes up again, with what it boots now. @throws Error when it is on */
  powerOn(boot: Boot): void {
    if (this.#isOn) throw new Error(`The machine of ${this.nodeName} is on`);
    this.#boot = boot;
    this.#isOn = true;
    this.#switch();
  }

  #switch(): void {
    for (const pod of this.#pods.values()) pod.powerOff();
    this.#pods.clear();
    const before = this.#power;
    this.#power = new AbortController();
    before.abort();
  }

  async #session(signal: AbortSignal): Promise<void> {
    await this.#persist(signal, () => this.#register());
    await Promise.all([this.#keepLease(signal), this.#keepStatus(signal), this.#followPods(signal)]);
    for (const pod of this.#pods.values()) pod.powerOff();
    this.#pods.clear();
  }

  async #register(): Promise<void> {
    const { port, nodeName, labels = {}, annotations = {}, providerID } = this.#options;
    try {
      await port.get(Nodes, { name: nodeName });
    } catch (error) {
      if (!isKubernetesError(error, 'notFound')) throw error;
      const node: Node = {
        metadata: { name: nodeName, labels: { ...this.#ownLabels(), ...labels }, annotations },
        spec: { ...(providerID !== undefined && { providerID }) },
      };
      await port.create(Nodes, node);
    }
  }

  #ownLabels(): Record<string, string> {
    const { nodeName, architecture = 'amd64' } = this.#options;
    return {
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': architecture,
    };
  }

  async #keepStatus(signal: AbortSignal): Promise<void> {
    const { clock, readyMs = 1000, statusEveryMs = 300_000 } = this.#options;
    await this.#persist(signal, () => this.#writeStatus(false));
    await sleepUnlessAborted(clock, readyMs, signal);
    while (!signal.aborted) {
      await this.#persist(signal, () => this.#writeStatus(true));
      await sleepUnlessAborted(clock, statusEveryMs, signal);
    }
  }

  /** On top of what the Node is now, so that conditions of others stay. */
  async #writeStatus(ready: boolean): Promise<void> {
    const { port, clock, nodeName, architecture = 'amd64', kubeletVersion = 'v1.36.1' } = this.#options;
    const node = await port.get(Nodes, { name: nodeName });
    const { bootId, osImage = OS_IMAGE } = this.#boot;
    const conditions: Condition[] = node.status?.conditions ?? [];
    const status = ready ? 'True' : 'False';
    const now = rfc3339(clock.now());
    const before = conditions.find(({ type }) => type === 'Ready');
    const condition = {
      type: 'Ready',
      status,
      reason: ready ? 'KubeletReady' : 'KubeletNotReady',
      message: ready ? 'kubelet is posting ready status' : 'container runtime is down',
      lastHeartbeatTime: now,
      lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? now) : now,
    };
    const { resourceVersion } = node.metadata;
    const body = {
      metadata: { ...(resourceVersion !== undefined && { resourceVersion }) },
      status: {
        conditions: [...conditions.filter(({ type }) => type !== 'Ready'), condition],
        capacity: CAPACITY,
        allocatable: CAPACITY,
        nodeInfo: { bootID: bootId, osImage, kubeletVersion, architecture, operatingSystem: 'linux' },
      },
    };
    await port.patch(Nodes, { name: nodeName }, body, { subresource: 'status' });
  }

  async #keepLease(signal: AbortSignal): Promise<void> {
    const { clock, leaseEveryMs = 10_000 } = this.#options;
    let renewedMs = clock.monotonic();
    while (!signal.aborted) {
      await this.#persist(signal, () => this.#renew());
      const missed = clock.monotonic() - renewedMs > leaseEveryMs + MISSED_MS;
      renewedMs = clock.monotonic();
      if (missed) await this.#persist(signal, () => this.#writeStatus(true));
      await sleepUnlessAborted(clock, leaseEveryMs, signal);
    }
  }

  async #renew(): Promise<void> {
    const { port, clock, nodeName } = this.#options;
    const renewTime = rfc3339Micro(clock.now());
    try {
      await port.patch(Leases, { name: nodeName, namespace: LEASE_NAMESPACE }, { spec: { renewTime } });
    } catch (error) {
      if (!isKubernetesError(error, 'notFound')) throw error;
      const node = await port.get(Nodes, { name: nodeName });
      const { name, uid = '' } = node.metadata;
      const lease: Lease = {
        metadata: {
          name,
          namespace: LEASE_NAMESPACE,
          ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
        },
        spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
      };
      await port.create(Leases, lease);
    }
  }

  #followPods(signal: AbortSignal): Promise<void> {
    const { port, clock } = this.#options;
    return follow<Pod>(
      {
        port,
        clock,
        resource: Pods,
        selection: { fieldSelector: `spec.nodeName=${this.nodeName}` },
        onList: (pods) => this.#sync(pods, signal),
        onChange: (pod) => this.#update(pod, signal),
        onGone: (pod) => this.#forget(pod.metadata.uid ?? ''),
      },
      signal,
    );
  }

  #sync(pods: Pod[], signal: AbortSignal): void {
    const present = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of this.#pods.keys()) if (!present.has(uid)) this.#forget(uid);
    for (const pod of pods) this.#update(pod, signal);
  }

  #update(pod: Pod, signal: AbortSignal): void {
    const uid = pod.metadata.uid ?? '';
    const known = this.#pods.get(uid);
    if (known !== undefined) return known.update(pod);
    if (
      ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '') &&
      pod.metadata.deletionTimestamp === undefined
    )
      return;
    const run = new PodRun(pod, this.#podOptions(pod), signal);
    this.#pods.set(uid, run);
    void run.run();
    run.update(pod);
  }

  #forget(uid: string): void {
    this.#pods.get(uid)?.gone();
    this.#pods.delete(uid);
  }

  #podOptions(of: Pod) {
    const { port, clock, podStartMs = 1000, podStopMs = 500, probeEveryMs = 5000 } = this.#options;
    const { probe = () => true, onPodStarted, onPodStopping, onPodStopped, mayStart } = this.#options;
    return {
      port,
      clock,
      startMs: podStartMs,
      stopMs: podStopMs,
      probe,
      probeEveryMs,
      ...this.#options.podTimes?.(of),
      ...(mayStart !== undefined && { mayStart }),
      onStarted: (pod: Pod) => onPodStarted?.(pod),
      ...(onPodStopping !== undefined && { onStopping: onPodStopping }),
      onStopped: (pod: Pod, cause: 'deleted' | 'powerOff') => onPodStopped?.(pod, cause),
    };
  }

  /** Tries again until it is done. A Node that is gone is not made again: only a start registers one. */
  async #persist(signal: AbortSignal, write: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await write();
        return;
      } catch (error) {
        if (isKubernetesError(error, 'notFound')) return;
        if (!isKubernetesError(error)) throw error;
        await sleepUnlessAborted(this.#options.clock, RETRY_MS, signal);
      }
    }
  }
}
