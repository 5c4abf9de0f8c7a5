/** A pause that news ends. */
import type { Clock } from '../runtime/clock.ts';
import { linkAbort, sleepUnlessAborted } from '../runtime/timers.ts';

/** News that come while nobody rests are not lost: the next pause ends at once. */
export class Wakeup {
  readonly #clock: Clock;
  #isNews = false;
  #end: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** There are news. */
  wake(): void {
    this.#isNews = true;
    this.#end?.();
  }

  /** What happened so far is known. */
  seen(): void {
    this.#isNews = false;
  }

  /** Pauses for `ms`, or until there are news or the signal aborts. @returns whether the time passed. */
  async rest(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#isNews) return false;
    const pause = linkAbort(signal);
    this.#end = () => pause.abort();
    try {
      return await sleepUnlessAborted(this.#clock, ms, pause.signal);
    } finally {
      this.#end = undefined;
      pause.release();
    }
  }
}
