/** The loop that brings what is to what should be, key by key. */
import type { BackoffOptions } from './backoff.ts';
import type { Clock, Random } from './clock.ts';
import { errorFields, TerminalError } from './errors.ts';
import { isKubernetesError, KubernetesError } from './kubernetes.ts';
import type { Logger } from './log.ts';
import { type Counter, type Histogram, type Metrics, noMetrics } from './metrics.ts';
import { WorkQueue } from './workqueue.ts';

/** What came of a reconciliation that did not fail. */
export type Outcome =
  /** Nothing to do before something changes. */
  | { readonly done: true }
  /** Look again after so many milliseconds, or earlier when something changes. */
  | { readonly requeueAfterMs: number };

export const DONE: Outcome = { done: true };

export interface ControllerOptions {
  /** Label `controller` of metrics, field `controller` of log lines. */
  name: string;
  /**
   * Brings one object to what it should be. The signal aborts on shutdown: steps in hand are to be finished, no
   * others begun. An error is tried again with back-off (not before Retry-After); a TerminalError is not.
   */
  reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Keys worked on at a time; a key never twice. @default 1 */
  concurrency?: number;
  /** @default 500 ms doubling to 5 min */
  backoff?: BackoffOptions;
  /** @default none */
  metrics?: Metrics;
}

const OUTCOMES = ['done', 'requeue', 'error', 'terminal'] as const;

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #logger: Logger;
  readonly #duration: Histogram;
  readonly #outcomes: Counter;
  readonly #errors: Counter;

  constructor(options: ControllerOptions) {
    const { name, metrics = noMetrics } = options;
    this.name = name;
    this.#options = options;
    this.#queue = new WorkQueue(options);
    this.#logger = options.logger.child({ controller: name });
    this.#duration = metrics.histogram({
      name: 'reconcile_duration_seconds',
      help: 'Time a reconciliation took.',
      labels: { controller: [name] },
    });
    this.#outcomes = metrics.counter({
      name: 'reconcile_total',
      help: 'Reconciliations by what came of them.',
      labels: { controller: [name], outcome: OUTCOMES },
    });
    this.#errors = metrics.counter({
      name: 'reconcile_errors_total',
      help: 'Reconciliations that failed; conflicts, which are usual, included.',
      labels: { controller: [name] },
    });
  }

  /** Keys ready to be worked on. */
  get depth(): number {
    return this.#queue.depth;
  }

  /** Asks for a reconciliation of the key. */
  enqueue(key: string): void {
    this.#queue.add(key);
  }

  /** Asks for a reconciliation of the key after `ms` milliseconds. */
  enqueueAfter(key: string, ms: number): void {
    this.#queue.addAfter(key, ms);
  }

  /** Works until the signal aborts and the steps in hand are finished. To be called once. Never fails. */
  async run(signal: AbortSignal): Promise<void> {
    const close = (): void => this.#queue.close();
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
    const { concurrency = 1 } = this.#options;
    await Promise.all(Array.from({ length: concurrency }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      await this.#process(key, signal);
      this.#queue.done(key);
    }
  }

  async #process(key: string, signal: AbortSignal): Promise<void> {
    const { clock, reconcile } = this.#options;
    const startedMs = clock.monotonic();
    try {
      this.#succeeded(key, await reconcile(key, signal));
    } catch (error) {
      this.#failed(key, error, signal);
    } finally {
      this.#duration.observe((clock.monotonic() - startedMs) / 1_000, { controller: this.name });
    }
  }

  #succeeded(key: string, outcome: Outcome): void {
    this.#queue.forget(key);
    if ('requeueAfterMs' in outcome) this.#queue.addAfter(key, outcome.requeueAfterMs);
    this.#count('done' in outcome ? 'done' : 'requeue');
  }

  #failed(key: string, error: unknown, signal: AbortSignal): void {
    const fields = { key, ...errorFields(error) };
    // What a shutdown or a lost lease breaks off is no failure, and there is no next time here.
    if (signal.aborted) return this.#logger.info('Reconciliation broken off', fields);
    this.#errors.inc({ controller: this.name });
    if (error instanceof TerminalError) {
      this.#queue.forget(key);
      this.#count('terminal');
      return this.#logger.error('Reconciliation failed for good', fields);
    }
    const retryAfterMs = error instanceof KubernetesError ? error.retryAfterMs : undefined;
    const waitMs = Math.round(this.#queue.addFailed(key, retryAfterMs));
    this.#count('error');
    // The object was changed by somebody else; the next look settles it.
    if (isKubernetesError(error, 'conflict')) this.#logger.debug('Reconciliation met a conflict', fields);
    else this.#logger.warn('Reconciliation failed', { ...fields, waitMs });
  }

  #count(outcome: (typeof OUTCOMES)[number]): void {
    this.#outcomes.inc({ controller: this.name, outcome });
  }
}
