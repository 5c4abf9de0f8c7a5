/**
 * Writes objects of one kind and knows when the copy of them may be decided on again (protocol 1). After a write the
 * copy must have passed the answered resourceVersion; after a conflict it must show something else; a write whose
 * outcome is unknown is followed by a live GET. Until then the object is not `ready`, and nobody decides about it.
 */
import { backoffMs } from '../../runtime/backoff.ts';
import type { Clock, Random } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError, KubernetesError } from '../../runtime/kubernetes.ts';
import type {
  DeleteOptions,
  Key,
  KubeObject,
  KubernetesPort,
  PatchOptions,
  Resource,
} from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { keyText, parseKey } from '../../runtime/store.ts';

/** What a writer asks of the copy: a Reflector, or anything like one. */
export interface Copy<T extends KubeObject> {
  readonly store: { get(key: string): T | undefined };
  passed(resourceVersion: string): boolean;
}

export interface WriterOptions<T extends KubeObject> {
  port: KubernetesPort;
  resource: Resource<T>;
  copy: Copy<T>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Called when an object becomes ready again by time or by a look-up, not by an event. */
  onReady: () => void;
}

/** Why an object may not be decided on yet. */
type Hold =
  /** The copy has not seen our write. */
  | { until: 'passed'; resourceVersion: string }
  /** The copy is older than what the server refused us for. */
  | { until: 'changed'; from: string | undefined; failures: number; atMs: number }
  /** We deleted it. */
  | { until: 'gone'; uid: string | undefined }
  /** Nobody knows whether the write happened. */
  | { until: 'lookedUp'; failures: number; atMs: number }
  /** Refused: tried again later. */
  | { until: 'time'; failures: number; atMs: number };

/** A conflict with a copy that shows no change for so long is taken for a lost event: look it up. */
const CONFLICT_PATIENCE_MS = 10_000;

export class Writer<T extends KubeObject> {
  readonly #options: WriterOptions<T>;
  readonly #holds = new Map<string, Hold>();
  readonly #failures = new Map<string, number>();

  constructor(options: WriterOptions<T>) {
    this.#options = options;
  }

  /** Whether the copy of an object may be decided on. */
  ready(key: Key | string): boolean {
    const text = typeof key === 'string' ? key : keyText(key);
    const hold = this.#holds.get(text);
    if (hold === undefined) return true;
    if (!this.#isOver(text, hold)) return false;
    this.#holds.delete(text);
    return true;
  }

  /** Whether any object may not be ready; false is certain. */
  get mayHold(): boolean {
    return this.#holds.size > 0;
  }

  /** Objects that are not ready. */
  get holding(): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const key of this.#holds.keys()) if (!this.ready(key)) keys.add(key);
    return keys;
  }

  /** Monotonic time at which the next look-up or retry is due; undefined when none is. */
  get nextDueMs(): number | undefined {
    let due: number | undefined;
    for (const [key, hold] of this.#holds) {
      if (this.ready(key)) continue;
      if ('atMs' in hold && (due === undefined || hold.atMs < due)) due = hold.atMs;
    }
    return due;
  }

  #isOver(key: string, hold: Hold): boolean {
    const { copy, clock } = this.#options;
    switch (hold.until) {
      case 'passed':
        return copy.passed(hold.resourceVersion);
      case 'changed':
        return copy.store.get(key)?.metadata.resourceVersion !== hold.from;
      case 'gone': {
        const object = copy.store.get(key);
        // A finalizer may keep it: then the copy shows that it is on its way.
        if (object === undefined || object.metadata.uid !== hold.uid) return true;
        return object.metadata.deletionTimestamp !== undefined;
      }
      case 'lookedUp':
        return false;
      case 'time':
        return clock.monotonic() >= hold.atMs;
    }
  }

  /**
   * Merge-patches an object. The body carries the resourceVersion of what was decided on.
   * @returns the object as answered; undefined when the write failed: what to do about that is arranged.
   * @throws KubernetesError `fenced`.
   */
  async patch(key: Key, body: object, options?: PatchOptions): Promise<T | undefined> {
    const { port, resource } = this.#options;
    const basis = (body as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
    return this.#write({ key, basis }, async () => {
      const written = await port.patch(resource, key, body, options);
      this.#passedBy(key, written);
      return written;
    });
  }

  /** Creates an object. @returns and @throws as `patch`. */
  async create(object: T): Promise<T | undefined> {
    const { port, resource } = this.#options;
    return this.#write({ key: object.metadata, basis: undefined }, async () => {
      const written = await port.create(resource, object);
      this.#passedBy(object.metadata, written);
      return written;
    });
  }

  /** Deletes an object. @returns whether it was accepted. @throws as `patch`. */
  async delete(key: Key, options: DeleteOptions): Promise<boolean> {
    const { port, resource } = this.#options;
    const done = await this.#write({ key, basis: options.resourceVersion }, async () => {
      await port.delete(resource, key, options);
      this.#holds.set(keyText(key), { until: 'gone', uid: options.uid });
      return true;
    });
    return done === true;
  }

  /** Looks up, live, every object whose last write may or may not have happened and whose time has come. */
  async lookUpDoubtful(): Promise<void> {
    const now = this.#options.clock.monotonic();
    const due: [string, number][] = [];
    for (const [key, hold] of this.#holds) {
      if ((hold.until === 'lookedUp' || hold.until === 'changed') && hold.atMs <= now && !this.ready(key))
        due.push([key, hold.failures]);
    }
    await Promise.all(due.map(([key, failures]) => this.#lookUp(key, failures)));
  }

  async #lookUp(key: string, failures: number): Promise<void> {
    const { port, resource, logger, copy, onReady } = this.#options;
    try {
      const live = await port.get(resource, parseKey(key));
      this.#passedBy(live.metadata, live);
    } catch (error) {
      if (isKubernetesError(error, 'fenced')) throw error;
      if (isKubernetesError(error, 'notFound')) {
        this.#holds.set(key, { until: 'gone', uid: copy.store.get(key)?.metadata.uid });
      } else {
        logger.info('Look-up after a write of unknown outcome failed', { key, ...errorFields(error) });
        this.#holds.set(key, { until: 'lookedUp', failures: failures + 1, atMs: this.#later(failures + 1) });
        return;
      }
    }
    onReady();
  }

  #passedBy(key: Key, written: T): void {
    const text = keyText(key);
    this.#failures.delete(text);
    this.#holds.set(text, { until: 'passed', resourceVersion: written.metadata.resourceVersion ?? '0' });
  }

  /** @param on the object, and the version of it that was decided on */
  async #write<R>(
    on: { key: Key; basis: string | undefined },
    write: () => Promise<R>,
  ): Promise<R | undefined> {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof KubernetesError) || error.code === 'fenced') throw error;
      this.#failed(keyText(on.key), on.basis, error);
      return undefined;
    }
  }

  #failed(key: string, from: string | undefined, error: KubernetesError): void {
    const { resource, logger, clock } = this.#options;
    const fields = { resource: resource.plural, key, ...errorFields(error) };
    if (error.outcomeUnknown) {
      logger.info('Write had no clear answer', fields);
      this.#holds.set(key, { until: 'lookedUp', failures: 0, atMs: clock.monotonic() });
      return;
    }
    if (['conflict', 'notFound', 'alreadyExists'].includes(error.code)) {
      logger.debug('Write was refused because the object had changed', fields);
      const atMs = clock.monotonic() + CONFLICT_PATIENCE_MS;
      this.#holds.set(key, { until: 'changed', from, failures: 0, atMs });
      return;
    }
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    logger.warn('Write was refused', fields);
    const atMs = Math.max(this.#later(failures), clock.monotonic() + (error.retryAfterMs ?? 0));
    this.#holds.set(key, { until: 'time', failures, atMs });
  }

  #later(failures: number): number {
    const { clock, random } = this.#options;
    return clock.monotonic() + backoffMs(failures, random, { baseMs: 500, maxMs: 60_000 });
  }
}
