/** Watches: the changes after a revision, as the selection of the watch sees them. */
import type { KubeObject, WatchEvent } from '../../runtime/kubernetes.ts';
import type { Timer, VirtualClock } from '../clock.ts';
import { refusal } from './errors.ts';
import { copyJson } from './json.ts';
import { withMeta } from './object.ts';
import type { Selected } from './selection.ts';
import { selectFrom } from './selection.ts';
import type { Store } from './store.ts';
import { type Change, fieldText, parseRevision, type Table } from './table.ts';

export type Event = WatchEvent<KubeObject>;

export interface WatchRequest {
  table: Table;
  selected: Selected;
  resourceVersion: string;
  /** When the server ends the watch. */
  timeoutMs: number;
}

/** Where a watch delivers; called in the order of events. */
export interface Sink {
  event(event: Event): void;
  /** No more events. */
  end(): void;
}

const BOOKMARK_BEFORE_END_MS = 2_000;

/** One watch as the hub sees it. */
interface Watcher {
  readonly request: WatchRequest;
  readonly sink: Sink;
  /** Events up to this revision have been delivered. */
  seen: number;
  readonly timers: Timer[];
}

/** Field by whose value watchers of a table are found, so that a change does not have to ask every one. */
const SHARD_FIELDS = ['spec.nodeName', 'metadata.name'];

/** Delivers changes to all watches of a store. */
export class WatchHub {
  readonly #store: Store;
  readonly #clock: VirtualClock;
  readonly #bookmarkMs: number;
  /** By table, then by what the watch selects: `field=value`, or the empty text for everything else. */
  readonly #watchers = new Map<Table, Map<string, Set<Watcher>>>();

  constructor(store: Store, clock: VirtualClock, bookmarkMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#bookmarkMs = bookmarkMs;
    store.subscribe((change, table) => this.#deliver(change, table));
  }

  /** How many watches are open. */
  get open(): number {
    const sets = [...this.#watchers.values()].flatMap((shards) => [...shards.values()]);
    return sets.reduce((sum, watchers) => sum + watchers.size, 0);
  }

  /**
   * Opens a watch: first what happened since its revision, then what happens.
   * @returns what closes it; its sink hears no more
   * @throws KubernetesError expired (410) when its revision is forgotten
   */
  watch(request: WatchRequest, sink: Sink): () => void {
    const { table } = request;
    const watcher: Watcher = { request, sink, seen: 0, timers: [] };
    this.#catchUp(watcher);
    const shard = this.#shard(table, shardOf(request.selected));
    shard.add(watcher);
    const close = (): void => {
      shard.delete(watcher);
      for (const timer of watcher.timers) timer.cancel();
    };
    this.#schedule(watcher, close);
    return close;
  }

  /** Ends all watches of a resource that is no longer served. */
  endAll(table: Table): void {
    const watchers = [...(this.#watchers.get(table)?.values() ?? [])].flatMap((shard) => [...shard]);
    this.#watchers.delete(table);
    for (const { timers, sink } of watchers) {
      for (const timer of timers) timer.cancel();
      sink.end();
    }
  }

  #catchUp(watcher: Watcher): void {
    const { table, selected, resourceVersion } = watcher.request;
    const from = resourceVersion === '' ? 0 : parseRevision(resourceVersion, 'resourceVersion');
    watcher.seen = from;
    if (from === 0) {
      for (const object of selectFrom(table, selected))
        watcher.sink.event({ type: 'ADDED', object: copyJson(object) });
      watcher.seen = this.#store.revision;
      return;
    }
    const missed = table.since(from);
    if (missed === undefined)
      throw refusal('expired', `too old resource version: ${from} (${table.compactedRevision + 1})`);
    for (const change of missed) offer(watcher, change);
  }

  #schedule(watcher: Watcher, close: () => void): void {
    const { timeoutMs } = watcher.request;
    const bookmark = (): void => {
      const revision = Math.max(watcher.seen, this.#store.revision);
      watcher.sink.event({ type: 'BOOKMARK', resourceVersion: String(revision) });
    };
    const again = (): void => {
      watcher.timers[0] = this.#clock.after(this.#bookmarkMs, () => {
        bookmark();
        again();
      });
    };
    again();
    if (timeoutMs > BOOKMARK_BEFORE_END_MS)
      watcher.timers[1] = this.#clock.after(timeoutMs - BOOKMARK_BEFORE_END_MS, bookmark);
    watcher.timers[2] = this.#clock.after(timeoutMs, () => {
      close();
      watcher.sink.end();
    });
  }

  #deliver(change: Change, table: Table): void {
    const shards = this.#watchers.get(table);
    if (shards === undefined) return;
    for (const key of new Set(['', ...shardsOf(change)])) {
      for (const watcher of shards.get(key) ?? []) offer(watcher, change);
    }
  }

  #shard(table: Table, key: string): Set<Watcher> {
    const shards = this.#watchers.get(table) ?? new Map<string, Set<Watcher>>();
    this.#watchers.set(table, shards);
    const watchers = shards.get(key) ?? new Set();
    shards.set(key, watchers);
    return watchers;
  }
}

function shardOf({ fixed }: Selected): string {
  const term = fixed.find(({ field }) => SHARD_FIELDS.includes(field));
  return term === undefined ? '' : `${term.field}=${term.value}`;
}

const shardsOf = ({ object, previous }: Change): string[] =>
  SHARD_FIELDS.flatMap((field) =>
    [object, ...(previous === undefined ? [] : [previous])].map(
      (state) => `${field}=${fieldText(state, field)}`,
    ),
  );

/** A change as the selection sees it: objects come and go by matching, too. */
function offer(watcher: Watcher, change: Change): void {
  if (change.revision <= watcher.seen) return;
  watcher.seen = change.revision;
  const event = seenBy(watcher.request.selected, change);
  if (event !== undefined) watcher.sink.event(event);
}

function seenBy(selected: Selected, { type, object, previous, revision }: Change): Event | undefined {
  const matched = previous !== undefined && selected.matches(previous);
  const matches = type !== 'DELETED' && selected.matches(object);
  if (matches) return { type: matched ? 'MODIFIED' : 'ADDED', object: copyJson(object) };
  if (!matched || previous === undefined) return undefined;
  // What left the selection is shown as it was when it last matched.
  const last = type === 'DELETED' ? object : previous;
  return { type: 'DELETED', object: copyJson(withMeta(last, { resourceVersion: String(revision) })) };
}
