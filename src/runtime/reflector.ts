/**
 * Keeps a copy of a selection of objects in step with the API server, for ever: lists in pages, then watches with
 * bookmarks, and starts again after whatever may happen. Errors are transitions between states, not the end.
 */
import { Backoff } from './backoff.ts';
import type { Clock, Random } from './clock.ts';
import { errorFields } from './errors.ts';
import {
  isKubernetesError,
  type KubeObject,
  KubernetesError,
  type KubernetesPort,
  type Resource,
  type Selection,
  type WatchEvent,
} from './kubernetes.ts';
import type { Logger } from './log.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import { type ReflectorMetrics, reflectorMetrics } from './reflectormetrics.ts';
import { compareResourceVersions } from './resourceversion.ts';
import { type IndexFunction, keyText, type ReadonlyStore, Store } from './store.ts';
import { linkAbort, type LinkedAbort, sleepUnlessAborted } from './timers.ts';

export interface ReflectorOptions<T extends KubeObject, I extends string = never> {
  port: Pick<KubernetesPort, 'list' | 'watch'>;
  resource: Resource<T>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** @default every object of the resource */
  selection?: Selection;
  /** What is kept of an object; must keep name, namespace, uid and resourceVersion. @default all but managedFields */
  transform?: (object: T) => T;
  /** @default none */
  indexes?: Readonly<Record<I, IndexFunction<T>>>;
  /** @default none */
  metrics?: Metrics;
  /** Objects in a page of a list. @default 500 */
  pageSize?: number;
  /**
   * A watch without event or bookmark for so long is replaced: it may be dead. The API server sends a bookmark a
   * minute, but none while its etcd tells it of no progress.
   * @default 90000
   */
  silenceMs?: number;
}

/** @param old undefined when it is new; @param object undefined when it is gone */
// oxlint-disable-next-line max-params
export type ChangeListener<T> = (key: string, old: T | undefined, object: T | undefined) => void;

/** What a reflector is about to do. */
export type ReflectorState<T> =
  | { phase: 'listing'; found: Map<string, T>; continue?: string; paged: boolean }
  | { phase: 'watching'; from: string; silences: number }
  | { phase: 'waiting'; ms: number; next: ReflectorState<T> };

/** The server ends a watch after 4 to 8 minutes, so that many do not begin anew together. */
const WATCH_SECONDS = 240;
/** A watch that ends sooner, without an event, was no success. */
const SHORT_WATCH_MS = 1_000;
/** A watch that lasted so long was a success even without an event. */
const LONG_WATCH_MS = 10_000;
/** So many silent watches in a row, and the position itself is in doubt. */
const SILENCES_TO_LIST = 4;

export class Reflector<T extends KubeObject, I extends string = never> {
  readonly resource: Resource<T>;
  readonly #options: ReflectorOptions<T, I>;
  readonly #store: Store<T, I>;
  readonly #transform: (object: T) => T;
  readonly #backoff: Backoff;
  readonly #logger: Logger;
  readonly #metrics: ReflectorMetrics;
  readonly #changes = new Set<ChangeListener<T>>();
  readonly #progress = new Set<() => void>();
  #position: string | undefined;
  #lastContactMs: number | undefined;

  constructor(options: ReflectorOptions<T, I>) {
    this.resource = options.resource;
    this.#options = options;
    this.#store = new Store<T, I>(options.indexes ?? ({} as Record<I, IndexFunction<T>>));
    this.#transform = options.transform ?? withoutManagedFields;
    this.#backoff = new Backoff(options.random, { baseMs: 800, maxMs: 15_000 });
    this.#logger = options.logger.child({ resource: options.resource.plural });
    this.#metrics = reflectorMetrics(options.metrics ?? noMetrics, options.resource.plural);
  }

  /** The copy. Empty before the first list is complete; stays as it was while the server is away. */
  get store(): ReadonlyStore<T, I> {
    return this.#store;
  }

  /** True from the end of the first list on. */
  get synced(): boolean {
    return this.#position !== undefined;
  }

  /** The resource version that the copy has reached by list, event or bookmark; undefined before the first list. */
  get position(): string | undefined {
    return this.#position;
  }

  /**
   * Monotonic time at which the server last answered: a page, an event, a bookmark, a watch accepted or ended in
   * order. Undefined before the first page.
   */
  get lastContactMonotonicMs(): number | undefined {
    return this.#lastContactMs;
  }

  /**
   * True when the copy includes a write that was answered with this resource version.
   * @throws TypeError when it is no resource version.
   */
  passed(resourceVersion: string): boolean {
    return this.#position !== undefined && compareResourceVersions(this.#position, resourceVersion) >= 0;
  }

  /** Calls `listener` after each change of the copy. @returns ends it. */
  onChange(listener: ChangeListener<T>): () => void {
    this.#changes.add(listener);
    return () => void this.#changes.delete(listener);
  }

  /** Calls `listener` each time the position moves, after the changes it brings. @returns ends it. */
  onProgress(listener: () => void): () => void {
    this.#progress.add(listener);
    return () => void this.#progress.delete(listener);
  }

  /** Resolves once the first list is complete. @throws the signal's reason when it aborts first. */
  whenSynced(signal: AbortSignal): Promise<void> {
    return this.#when(() => this.synced, signal);
  }

  /** Resolves once `passed(resourceVersion)`. @throws the signal's reason when it aborts first. */
  whenPassed(resourceVersion: string, signal: AbortSignal): Promise<void> {
    return this.#when(() => this.passed(resourceVersion), signal);
  }

  /** Runs until the signal aborts; then resolves. Never fails. */
  async run(signal: AbortSignal): Promise<void> {
    let state: ReflectorState<T> = listing(true);
    while (!signal.aborted) state = await this.step(state, signal);
  }

  /** Does what `state` says. @returns what to do next; never fails. */
  async step(state: ReflectorState<T>, signal: AbortSignal): Promise<ReflectorState<T>> {
    switch (state.phase) {
      case 'waiting':
        await sleepUnlessAborted(this.#options.clock, state.ms, signal);
        return state.next;
      case 'listing':
        return this.#list(state, signal);
      case 'watching':
        return this.#watch(state, signal);
    }
  }

  async #list(
    state: ReflectorState<T> & { phase: 'listing' },
    signal: AbortSignal,
  ): Promise<ReflectorState<T>> {
    const { port, resource, selection, pageSize = 500 } = this.#options;
    try {
      const page = await port.list(resource, {
        ...selection,
        ...(state.paged && { limit: pageSize }),
        ...(state.continue !== undefined && { continue: state.continue }),
      });
      if (signal.aborted) return state;
      for (const item of page.items) state.found.set(keyText(item.metadata), this.#transform(item));
      this.#contact();
      if (page.continue !== undefined) return { ...state, continue: page.continue };
      this.#metrics.lists.inc({ resource: resource.plural });
      this.#replace(state.found, page.resourceVersion);
      return { phase: 'watching', from: page.resourceVersion, silences: 0 };
    } catch (error) {
      if (signal.aborted) return state;
      if (isKubernetesError(error, 'throttled', 'server', 'unknown')) return this.#wait(error, state);
      // Expired: the rest of the pages is gone; a list without pages cannot be overtaken by compaction.
      return this.#wait(error, listing(!isKubernetesError(error, 'expired')));
    }
  }

  async #watch(
    state: ReflectorState<T> & { phase: 'watching' },
    signal: AbortSignal,
  ): Promise<ReflectorState<T>> {
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    const heard = { atMs: startedMs, events: 0 };
    const life = linkAbort(signal);
    const watchdog = this.#endWhenSilent(life, heard);
    try {
      for await (const event of this.#events(state, life.signal)) {
        if (life.signal.aborted) break;
        this.#take(event);
        heard.atMs = clock.monotonic();
        heard.events += 1;
        this.#backoff.succeeded();
      }
      if (signal.aborted) return state;
      if (life.signal.aborted) return this.#silent(state, heard.events);
      return this.#ended(heard.events, clock.monotonic() - startedMs);
    } catch (error) {
      if (signal.aborted) return state;
      return this.#failed(error);
    } finally {
      life.abort();
      life.release();
      await watchdog;
    }
  }

  #events(state: { from: string }, signal: AbortSignal): AsyncIterable<WatchEvent<T>> {
    const { port, resource, selection, random } = this.#options;
    return port.watch(resource, {
      ...selection,
      resourceVersion: state.from,
      timeoutSeconds: Math.floor(WATCH_SECONDS * (1 + random())),
      onOpen: () => this.#contact(),
      signal,
    });
  }

  async #endWhenSilent(life: LinkedAbort, heard: { atMs: number }): Promise<void> {
    const { clock, silenceMs = 90_000 } = this.#options;
    for (;;) {
      const leftMs = heard.atMs + silenceMs - clock.monotonic();
      if (leftMs <= 0) return life.abort();
      if (!(await sleepUnlessAborted(clock, leftMs, life.signal))) return;
    }
  }

  #silent(state: { from: string; silences: number }, events: number): ReflectorState<T> {
    this.#metrics.failures.inc({ resource: this.resource.plural, code: 'silent' });
    const silences = events > 0 ? 1 : state.silences + 1;
    this.#logger.warn('Watch fell silent', { silences });
    if (silences >= SILENCES_TO_LIST) return listing(true);
    return { phase: 'watching', from: this.#position ?? state.from, silences };
  }

  #ended(events: number, lastedMs: number): ReflectorState<T> {
    const next = this.#resume();
    if (events === 0 && lastedMs < SHORT_WATCH_MS)
      return { phase: 'waiting', ms: this.#backoff.failed(), next };
    if (lastedMs >= LONG_WATCH_MS) this.#backoff.succeeded();
    this.#contact();
    return next;
  }

  #failed(error: unknown): ReflectorState<T> {
    if (isKubernetesError(error, 'throttled', 'server', 'unknown')) return this.#wait(error, this.#resume());
    const first = this.#backoff.failures === 0;
    const waiting = this.#wait(error, listing(true));
    return first && isKubernetesError(error, 'expired') ? listing(true) : waiting;
  }

  #wait(error: unknown, next: ReflectorState<T>): ReflectorState<T> {
    const code = error instanceof KubernetesError ? error.code : 'internal';
    const ms = this.#backoff.failed(error instanceof KubernetesError ? error.retryAfterMs : undefined);
    this.#metrics.failures.inc({ resource: this.resource.plural, code });
    const fields = { ...errorFields(error), next: next.phase, waitMs: Math.round(ms) };
    if (code === 'internal') this.#logger.error('Reflector failed', fields);
    else this.#logger.info('Reflector starts again', fields);
    return { phase: 'waiting', ms, next };
  }

  #resume(): ReflectorState<T> {
    return this.#position === undefined
      ? listing(true)
      : { phase: 'watching', from: this.#position, silences: 0 };
  }

  /** Makes the copy equal to a complete list. */
  #replace(found: ReadonlyMap<string, T>, resourceVersion: string): void {
    const changed: [string, T | undefined, T | undefined][] = [];
    for (const key of this.#store.keys())
      if (!found.has(key)) changed.push([key, this.#store.set(key, undefined), undefined]);
    for (const [key, object] of found) {
      const old = this.#store.set(key, object);
      if (old === undefined || !sameVersion(old, object)) changed.push([key, old, object]);
    }
    this.#moveTo(resourceVersion, changed);
  }

  #take(event: WatchEvent<T>): void {
    this.#contact();
    if (event.type === 'BOOKMARK') return this.#moveTo(event.resourceVersion, []);
    const { metadata } = event.object;
    const resourceVersion = metadata.resourceVersion ?? '';
    // Older than what we have: cannot be news, and must not turn the copy back.
    if (this.passed(resourceVersion)) return;
    const key = keyText(metadata);
    const object = event.type === 'DELETED' ? undefined : this.#transform(event.object);
    const old = this.#store.set(key, object);
    this.#moveTo(resourceVersion, old === undefined && object === undefined ? [] : [[key, old, object]]);
  }

  #moveTo(resourceVersion: string, changed: [string, T | undefined, T | undefined][]): void {
    this.#position = resourceVersion;
    this.#metrics.objects.set(this.#store.size, { resource: this.resource.plural });
    for (const change of changed) for (const listener of this.#changes) this.#call(() => listener(...change));
    for (const listener of this.#progress) this.#call(listener);
  }

  /** A listener's fault must not stop the others, nor the reflector. */
  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#logger.error('Listener failed', errorFields(error));
    }
  }

  #contact(): void {
    this.#lastContactMs = this.#options.clock.monotonic();
  }

  #when(holds: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      if (holds()) return resolve();
      const settle = (act: () => void): void => {
        ended();
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = (): void => settle(() => reject(signal.reason as Error));
      const ended = this.onProgress(() => {
        if (holds()) settle(resolve);
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

const listing = <T>(paged: boolean): ReflectorState<T> => ({
  phase: 'listing',
  found: new Map<string, T>(),
  paged,
});

const sameVersion = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.resourceVersion === b.metadata.resourceVersion && a.metadata.uid === b.metadata.uid;

/** Nobody here reads `managedFields`, often the largest part of an object. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (!('managedFields' in object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields: unknown };
  return { ...object, metadata };
}
