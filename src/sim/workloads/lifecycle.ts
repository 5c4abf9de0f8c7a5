/**
 * Double of the node lifecycle controller: declares silent nodes lost, keeps the taints that say so, and after a
 * while gives their pods up.
 */
import { type Node, Nodes, type Pod, Pods, Leases, type Taint } from '../../api/core.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { KeyQueue } from '../cluster/keyqueue.ts';
import { controllerOf } from '../cluster/pods.ts';
import { resourceId } from '../cluster/definition.ts';
import { sameJson } from '../cluster/json.ts';
import type { ApiObject } from '../cluster/object.ts';
import { patch } from '../cluster/patch.ts';
import { remove } from '../cluster/remove.ts';

export interface LifecycleOptions {
  /** A node is lost after so much silence. @default 40000 */
  graceMs?: number;
  /** The pods of a lost node are deleted after so long. @default 300000 */
  podEvictionMs?: number;
  /** How often silence is looked for. @default 5000 */
  monitorMs?: number;
}

const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const REACTION_MS = 50;

interface Seen {
  heartbeatMs: number;
  /** Since when the pods are in danger. */
  lostMs: number | undefined;
}

export class NodeLifecycleDouble {
  readonly #cluster: SimCluster;
  readonly #options: Required<LifecycleOptions>;
  readonly #seen = new Map<string, Seen>();
  readonly #queue: KeyQueue;

  constructor(cluster: SimCluster, options: LifecycleOptions = {}) {
    this.#cluster = cluster;
    this.#options = { graceMs: 40_000, podEvictionMs: 300_000, monitorMs: 5_000, ...options };
    this.#queue = new KeyQueue({
      clock: cluster.clock,
      delayMs: REACTION_MS,
      handle: (name) => this.#taint(name),
    });
  }

  /** Watches over the nodes until the signal aborts. */
  start(signal: AbortSignal): void {
    const { clock, server } = this.#cluster;
    for (const node of this.#cluster.peekAll(Nodes)) this.#heard(node.metadata.name);
    server.store.subscribe(({ type, object, previous }, { definition: { resource } }) => {
      if (signal.aborted) return;
      const id = resourceId(resource);
      if (id === resourceId(Leases) && object.metadata.namespace === 'kube-node-lease')
        this.#heard(object.metadata.name);
      if (id === resourceId(Nodes)) this.#follow(type, object as Node, previous as Node | undefined);
    });
    const monitor = (): void => {
      if (signal.aborted) return;
      for (const [name, seen] of this.#seen) this.#monitor(name, seen);
      clock.after(this.#options.monitorMs, monitor);
    };
    clock.after(this.#options.monitorMs, monitor);
  }

  #heard(name: string): void {
    const heartbeatMs = this.#cluster.clock.monotonic();
    const seen = this.#seen.get(name);
    if (seen === undefined) this.#seen.set(name, { heartbeatMs, lostMs: undefined });
    else seen.heartbeatMs = heartbeatMs;
  }

  #follow(type: string, node: Node, previous: Node | undefined): void {
    const { name } = node.metadata;
    if (type === 'DELETED') {
      this.#seen.delete(name);
      this.#cluster.clock.after(this.#options.graceMs, () => this.#collectPods(name));
      return;
    }
    // Only the kubelet changes its heartbeat.
    if (previous === undefined || !sameJson(heartbeatOf(node), heartbeatOf(previous))) this.#heard(name);
    this.#queue.add(name);
  }

  #monitor(name: string, seen: Seen): void {
    const node = this.#cluster.peek(Nodes, { name });
    if (node === undefined) return;
    const nowMs = this.#cluster.clock.monotonic();
    if (nowMs - seen.heartbeatMs > this.#options.graceMs && readiness(node) !== 'Unknown')
      this.#declareLost(node);
    if (readiness(node) === 'True') seen.lostMs = undefined;
    else seen.lostMs ??= nowMs;
    if (seen.lostMs !== undefined && nowMs - seen.lostMs > this.#options.podEvictionMs) this.#evictPods(name);
  }

  #declareLost(node: Node): void {
    const { name } = node.metadata;
    const now = rfc3339(this.#cluster.clock.now());
    const others = (node.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    const lost = {
      ...node.status?.conditions?.find(({ type }) => type === 'Ready'),
      type: 'Ready',
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: now,
    };
    this.#patch(Nodes, { name }, { status: { conditions: [...others, lost] } });
    for (const pod of this.#podsOf(name)) this.#markNotReady(pod);
  }

  #markNotReady({ metadata: { name, namespace = '' }, status }: Pod): void {
    const conditions = status?.conditions ?? [];
    if (!conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True')) return;
    const changed = conditions.map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False' } : condition,
    );
    this.#patch(Pods, { name, namespace }, { status: { conditions: changed } });
  }

  /** Taints follow conditions and the cordon; those of others stay. */
  #taint(name: string): void {
    const node = this.#cluster.peek(Nodes, { name });
    if (node === undefined) return;
    const taints = node.spec?.taints ?? [];
    const others = taints.filter(({ key }) => ![UNSCHEDULABLE, NOT_READY, UNREACHABLE].includes(key));
    const wanted = [...others, ...wantedTaints(node)];
    if (sameKeys(taints, wanted)) return;
    const { server } = this.#cluster;
    patch(server, server.store.table(Nodes), { key: { name }, body: { spec: { taints: wanted } } });
  }

  /** Those of DaemonSets tolerate it. */
  #evictPods(name: string): void {
    for (const pod of this.#podsOf(name)) {
      const isDaemon = controllerOf(pod as unknown as ApiObject)?.kind === 'DaemonSet';
      if (!isDaemon && pod.metadata.deletionTimestamp === undefined) this.#delete(pod, undefined);
    }
  }

  /** Pods of a node that is gone have nobody to end them. */
  #collectPods(name: string): void {
    if (this.#cluster.peek(Nodes, { name }) !== undefined) return;
    for (const pod of this.#podsOf(name)) this.#delete(pod, 0);
  }

  #podsOf(name: string): Pod[] {
    return this.#cluster.server.store.table(Pods).having('spec.nodeName', name) as unknown as Pod[];
  }

  #delete({ metadata: { name, namespace = '' } }: Pod, gracePeriodSeconds: number | undefined): void {
    const { server } = this.#cluster;
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    remove(server, server.store.table(Pods), { key: { name, namespace }, options });
  }

  #patch(
    resource: typeof Nodes | typeof Pods,
    key: { name: string; namespace?: string },
    body: object,
  ): void {
    const { server } = this.#cluster;
    patch(server, server.store.table(resource), { key, body, subresource: 'status' });
  }
}

const readiness = (node: Node): string | undefined =>
  node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;

const heartbeatOf = (node: Node): unknown =>
  (node.status?.conditions as { type: string; lastHeartbeatTime?: string }[] | undefined)?.find(
    ({ type }) => type === 'Ready',
  )?.lastHeartbeatTime;

const both = (key: string): Taint[] => [
  { key, effect: 'NoSchedule' },
  { key, effect: 'NoExecute' },
];

function wantedTaints(node: Node): Taint[] {
  const status = readiness(node);
  return [
    ...(node.spec?.unschedulable === true ? [{ key: UNSCHEDULABLE, effect: 'NoSchedule' }] : []),
    ...(status === 'Unknown' ? both(UNREACHABLE) : []),
    ...(status === 'False' ? both(NOT_READY) : []),
    ...(status === undefined ? [{ key: NOT_READY, effect: 'NoSchedule' }] : []),
  ];
}

const taintKeys = (taints: Taint[]): string[] =>
  taints.map(({ key, effect }) => `${key}:${effect}`).toSorted();

const sameKeys = (a: Taint[], b: Taint[]): boolean => sameJson(taintKeys(a), taintKeys(b));
