/** Watches a cluster and remembers what it saw, so that a test can ask about every moment and not only the last. */
import { Nodes, type Node, Pods, type Pod } from '../../src/api/core.ts';
import { NAMESPACE } from '../../src/api/names.ts';
import { BottlerocketShadows, type BottlerocketShadow } from '../../src/api/v2/bottlerocketshadow.ts';
import type { KubeObject, KubernetesPort, Resource, Selection } from '../../src/runtime/kubernetes.ts';

/** Follows one kind from a list on. */
async function follow<T extends KubeObject>(
  port: KubernetesPort,
  { resource, selection }: { resource: Resource<T>; selection: Selection },
  { signal, seen }: { signal: AbortSignal; seen: (type: 'seen' | 'gone', object: T) => void },
): Promise<void> {
  const { items, resourceVersion } = await port.list(resource, selection);
  for (const item of items) seen('seen', item);
  let from = resourceVersion;
  while (!signal.aborted) {
    for await (const event of port.watch(resource, { ...selection, resourceVersion: from, signal })) {
      if (event.type === 'BOOKMARK') from = event.resourceVersion;
      else {
        from = event.object.metadata.resourceVersion ?? from;
        seen(event.type === 'DELETED' ? 'gone' : 'seen', event.object);
      }
    }
  }
}

/** What a rollout looked like from outside. */
export class Recorder {
  readonly #stop = new AbortController();
  readonly #following: Promise<void>[] = [];
  readonly #inFlight = new Set<string>();
  readonly #ready = new Map<string, Set<string>>();
  /** Most nodes in flight at one moment. */
  mostInFlight = 0;
  /** Fewest ready pods of each app, once it was complete. */
  readonly fewestReady = new Map<string, number>();
  /** States that `spec.state` of each node went through, without repeats. */
  readonly states = new Map<string, string[]>();
  /** Boot ids of each node, in order. */
  readonly bootIds = new Map<string, string[]>();
  /** Nodes that were cordoned at some moment. */
  readonly cordoned = new Set<string>();
  /** Reasons that were shown for each node. */
  readonly reasons = new Map<string, Set<string>>();
  readonly #wanted: Readonly<Record<string, number>>;

  /** @param wanted ready pods of each `app` of the namespace shop when it is complete */
  constructor(wanted: Readonly<Record<string, number>> = {}) {
    this.#wanted = wanted;
  }

  /** Begins to watch. */
  start(port: KubernetesPort): this {
    const { signal } = this.#stop;
    this.#following.push(
      follow(
        port,
        { resource: BottlerocketShadows, selection: { namespace: NAMESPACE } },
        { signal, seen: (type, shadow) => this.#shadow(type, shadow) },
      ),
      follow(port, { resource: Nodes, selection: {} }, { signal, seen: (_, node) => this.#node(node) }),
      follow(
        port,
        { resource: Pods, selection: { namespace: 'shop' } },
        { signal, seen: (type, pod) => this.#pod(type, pod) },
      ),
    );
    return this;
  }

  /** Ends the watches. @throws what a watch threw, since then something may have been missed */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#following);
  }

  #shadow(type: 'seen' | 'gone', { metadata, spec, status }: BottlerocketShadow): void {
    const node = metadata.name.replace(/^brs-/, '');
    if (type === 'seen' && spec.state !== 'Idle') this.#inFlight.add(node);
    else this.#inFlight.delete(node);
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight.size);
    append(this.states, node, spec.state);
    const reason = status?.update?.reason;
    if (reason !== undefined) this.reasons.set(node, (this.reasons.get(node) ?? new Set()).add(reason));
  }

  #node({ metadata, spec, status }: Node): void {
    if (spec?.unschedulable === true) this.cordoned.add(metadata.name);
    const bootId = status?.nodeInfo?.bootID;
    if (bootId !== undefined && bootId !== '') append(this.bootIds, metadata.name, bootId);
  }

  #pod(type: 'seen' | 'gone', { metadata, status }: Pod): void {
    const app = metadata.labels?.['app'] ?? '';
    const ready = this.#ready.get(app) ?? new Set();
    this.#ready.set(app, ready);
    const isReady = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True');
    if (type === 'seen' && isReady === true) ready.add(metadata.uid ?? '');
    else ready.delete(metadata.uid ?? '');
    const wanted = this.#wanted[app];
    if (wanted === undefined || (ready.size < wanted && !this.fewestReady.has(app))) return;
    this.fewestReady.set(app, Math.min(ready.size, this.fewestReady.get(app) ?? ready.size));
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key) ?? [];
  if (values.at(-1) !== value) values.push(value);
  map.set(key, values);
}
