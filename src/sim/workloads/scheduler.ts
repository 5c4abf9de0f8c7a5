/** Double of the scheduler: binds pending pods to Ready, schedulable nodes with the fewest pods. */
import { type Node, Nodes, type Pod, Pods } from '../../api/core.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { resourceId } from '../cluster/definition.ts';
import { KeyQueue } from '../cluster/keyqueue.ts';

export interface SchedulerOptions {
  /** From a pending pod to its binding. @default 20 */
  delayMs?: number;
  /** Pods a node has room for. @default 110 */
  podsPerNode?: number;
}

/** Real schedulers look at pods that fit nowhere again after a while, too. */
const RETRY_MS = 5_000;

export class SchedulerDouble {
  readonly #cluster: SimCluster;
  readonly #podsPerNode: number;
  readonly #queue: KeyQueue;

  constructor(cluster: SimCluster, { delayMs = 20, podsPerNode = 110 }: SchedulerOptions = {}) {
    this.#cluster = cluster;
    this.#podsPerNode = podsPerNode;
    this.#queue = new KeyQueue({ clock: cluster.clock, delayMs, handle: () => this.#schedule() });
  }

  /** Schedules until the signal aborts. */
  start(signal: AbortSignal): void {
    const interesting = new Set([resourceId(Pods), resourceId(Nodes)]);
    const { store } = this.#cluster.server;
    const pods = store.table(Pods);
    store.subscribe((_, { definition: { resource } }) => {
      if (signal.aborted || !interesting.has(resourceId(resource))) return;
      if (pods.countHaving('spec.nodeName', '') > 0) this.#queue.add('pods');
    });
    this.#queue.add('pods');
  }

  #pending(): Pod[] {
    const unbound = this.#cluster.server.store.table(Pods).having('spec.nodeName', '') as unknown as Pod[];
    return unbound.filter(
      ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase === 'Pending',
    );
  }

  #schedule(): void {
    const pending = this.#pending();
    if (pending.length === 0) return;
    const nodes = this.#cluster.peekAll(Nodes).filter(isSchedulable);
    const load = new Map(nodes.map(({ metadata: { name } }) => [name, this.#load(name)]));
    for (const pod of pending) {
      const target = this.#choose(pod, nodes, load);
      if (target === undefined) continue;
      load.set(target, (load.get(target) ?? 0) + 1);
      const { name, namespace = '' } = pod.metadata;
      this.#cluster.bind({ name, namespace }, target);
    }
    if (this.#pending().length > 0) this.#queue.add('pods', RETRY_MS);
  }

  #load(node: string): number {
    return this.#cluster.server.store.table(Pods).countHaving('spec.nodeName', node);
  }

  /** The first by load, then by name, that has room and fits. */
  #choose(pod: Pod, nodes: readonly Readonly<Node>[], load: ReadonlyMap<string, number>): string | undefined {
    let best: string | undefined;
    let bestLoad = this.#podsPerNode;
    for (const node of nodes) {
      const { name } = node.metadata;
      const pods = load.get(name) ?? 0;
      if (pods < bestLoad && fits(pod, node)) [best, bestLoad] = [name, pods];
    }
    return best;
  }
}

/** Ready, not cordoned, and without a taint that keeps pods away. */
export function isSchedulable({ spec, status }: Readonly<Node>): boolean {
  const isReady = status?.conditions?.some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
  const isTainted = spec?.taints?.some(({ effect }) => effect !== 'PreferNoSchedule') === true;
  return isReady === true && spec?.unschedulable !== true && !isTainted;
}

const fits = (pod: Pod, { metadata: { labels = {} } }: Readonly<Node>): boolean =>
  Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
