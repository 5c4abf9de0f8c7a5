/**
 * A level-triggered queue of keys. A key is in it once however often it is added; while it is worked on, it is not
 * given out a second time, but comes again afterwards when it was added meanwhile.
 */
import { backoffMs, type BackoffOptions } from './backoff.ts';
import type { Clock, Random } from './clock.ts';
import { Heap } from './heap.ts';
import { type Gauge, type Metrics, noMetrics } from './metrics.ts';

export interface WorkQueueOptions {
  /** Label `controller` of its metrics. */
  name: string;
  clock: Clock;
  random: Random;
  /** After failures in a row of one key. @default 500 ms doubling to 5 min */
  backoff?: BackoffOptions;
  /** @default none */
  metrics?: Metrics;
}

interface Delayed {
  readonly key: string;
  readonly dueMs: number;
}

export class WorkQueue {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: BackoffOptions;
  readonly #depth: Gauge;
  /** To be given out, in this order. */
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  /** Added while active. */
  readonly #again = new Set<string>();
  /** When each waiting key is due; entries of the heap that differ from it are void. */
  readonly #due = new Map<string, number>();
  readonly #timers = new Heap<Delayed>((a, b) => a.dueMs < b.dueMs);
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #alarm: { dueMs: number; abort: AbortController } | undefined;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#name = options.name;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#backoff = { baseMs: 500, maxMs: 300_000, ...options.backoff };
    this.#depth = (options.metrics ?? noMetrics).gauge({
      name: 'workqueue_depth',
      help: 'Keys ready to be worked on; those that wait for their time are not counted.',
      labels: { controller: [options.name] },
    });
  }

  /** Keys ready to be worked on. */
  get depth(): number {
    return this.#ready.size;
  }

  /** Asks for the key to be worked on as soon as a worker is free. */
  add(key: string): void {
    if (this.#closed) return;
    if (this.#active.has(key)) {
      this.#again.add(key);
      return;
    }
    const taker = this.#ready.has(key) ? undefined : this.#takers.shift();
    if (taker === undefined) this.#ready.add(key);
    else this.#give(key, taker);
    this.#measure();
  }

  /** As `add`, `ms` milliseconds from now. Of several such wishes for a key only the earliest is kept. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) return this.add(key);
    const dueMs = this.#clock.monotonic() + ms;
    if ((this.#due.get(key) ?? Infinity) <= dueMs) return;
    this.#due.set(key, dueMs);
    this.#timers.push({ key, dueMs });
    this.#arm();
  }

  /** As `addAfter`, by the key's failures in a row, this one included. @returns the wait, at least `atLeastMs`. */
  addFailed(key: string, atLeastMs = 0): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const ms = Math.max(atLeastMs, backoffMs(failures, this.#random, this.#backoff));
    this.addAfter(key, ms);
    return ms;
  }

  /** Failures of the key since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The key's failures count no more. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, as soon as there is one; `done(key)` must follow. @returns undefined when the queue is closed. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const [key] = this.#ready;
    return new Promise((resolve) => {
      if (key === undefined) {
        this.#takers.push(resolve);
        return;
      }
      this.#ready.delete(key);
      this.#give(key, resolve);
      this.#measure();
    });
  }

  /** The work on the key has ended. */
  done(key: string): void {
    this.#active.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Gives out nothing more and forgets what waits. Work in hand goes on. */
  close(): void {
    this.#closed = true;
    this.#alarm?.abort.abort();
    this.#ready.clear();
    this.#again.clear();
    this.#due.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    this.#measure();
  }

  #give(key: string, taker: (key: string) => void): void {
    this.#active.add(key);
    taker(key);
  }

  #measure(): void {
    this.#depth.set(this.#ready.size, { controller: this.#name });
  }

  /** One timer for all keys: for the one that is due first. */
  #arm(): void {
    const first = this.#timers.peek();
    if (first === undefined || (this.#alarm !== undefined && this.#alarm.dueMs <= first.dueMs)) return;
    this.#alarm?.abort.abort();
    const alarm = { dueMs: first.dueMs, abort: new AbortController() };
    this.#alarm = alarm;
    this.#clock.sleep(first.dueMs - this.#clock.monotonic(), alarm.abort.signal).then(
      () => this.#ring(alarm),
      // An earlier key has its own timer, or the queue is closed.
      () => undefined,
    );
  }

  #ring(alarm: { dueMs: number }): void {
    if (this.#alarm !== alarm) return;
    this.#alarm = undefined;
    const nowMs = Math.max(alarm.dueMs, this.#clock.monotonic());
    for (let first = this.#timers.peek(); first !== undefined; first = this.#timers.peek()) {
      const isVoid = this.#due.get(first.key) !== first.dueMs;
      if (!isVoid && first.dueMs > nowMs) break;
      this.#timers.pop();
      if (isVoid) continue;
      this.#due.delete(first.key);
      this.add(first.key);
    }
    this.#arm();
  }
}
