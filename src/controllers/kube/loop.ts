/**
 * A level-triggered loop: a pass looks at everything, does what is to be done now and says when to look again. It is
 * woken by changes and by time; what happens during a pass is looked at in the next.
 */
import { Backoff } from '../../runtime/backoff.ts';
import type { Clock, Random } from '../../runtime/clock.ts';
import { errorFields, isAbort } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { sleepUnlessAborted } from '../../runtime/timers.ts';

export interface LoopOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  /** @returns milliseconds until the next look; undefined = when something changes. */
  pass: (signal: AbortSignal) => Promise<number | undefined>;
  /** Changes within this time are looked at together. @default 20 */
  settleMs?: number;
}

/** No timer waits longer; what is due later is looked at again and again, which is free. */
const MAX_SLEEP_MS = 3_600_000;

export class Loop {
  readonly #options: LoopOptions;
  readonly #backoff: Backoff;
  #isDue = true;
  #wake: () => void = () => undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random, { baseMs: 200, maxMs: 15_000 });
  }

  /** Something changed: another pass is due. */
  trigger(): void {
    this.#isDue = true;
    this.#wake();
  }

  /** Runs passes until the signal aborts; the pass under way is finished. A pass that fails is tried again later. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isDue = false;
      const waitMs = await this.#pass(signal);
      await this.#rest(waitMs, signal);
      if (!signal.aborted)
        await sleepUnlessAborted(this.#options.clock, this.#options.settleMs ?? 20, signal);
    }
  }

  async #pass(signal: AbortSignal): Promise<number | undefined> {
    try {
      const waitMs = await this.#options.pass(signal);
      this.#backoff.succeeded();
      return waitMs;
    } catch (error) {
      if (isAbort(error, signal)) return undefined;
      const waitMs = this.#backoff.failed();
      // The lease has run out: leader election ends this loop, or renews and it goes on.
      if (isKubernetesError(error, 'fenced')) this.#options.logger.info('Pass stopped without a lease');
      else this.#options.logger.error('Pass failed', errorFields(error));
      return waitMs;
    }
  }

  /** Waits for a change or for the time to pass. */
  async #rest(waitMs: number | undefined, signal: AbortSignal): Promise<void> {
    if (this.#isDue || signal.aborted) return;
    const woken = new AbortController();
    const onAbort = (): void => woken.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#wake = onAbort;
    const ms = Math.min(Math.max(waitMs ?? MAX_SLEEP_MS, 0), MAX_SLEEP_MS);
    await sleepUnlessAborted(this.#options.clock, ms, woken.signal);
    this.#wake = () => undefined;
    signal.removeEventListener('abort', onAbort);
  }
}
