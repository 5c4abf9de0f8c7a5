/**
 * Since when this controller sees (protocol 7): it leads, its copies are in step, its clock is right, and an API server
 * is there that agents can report to. A deadline that passed before that passed unseen.
 */
import type { Clock } from '../../runtime/clock.ts';

/** A copy that was not shown to be in step for so long may be old; bookmarks come every minute. */
export const STALE_MS = 95_000;

export interface SightFacts {
  /** Monotonic time up to which the copies are known to be in step. */
  inStepMonotonicMs: number | undefined;
  /** An API server that agents can report to is Ready. */
  isApiserverReady: boolean;
  /** By a clock that is far off, deadlines pass that have not, and the other way round. */
  isClockWrong: boolean;
}

export class Sight {
  readonly #clock: Clock;
  #sinceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in what is known now. @returns since when we see, by the wall clock; undefined = we do not. */
  look({ inStepMonotonicMs, isApiserverReady, isClockWrong }: SightFacts): number | undefined {
    const isInStep =
      inStepMonotonicMs !== undefined && this.#clock.monotonic() - inStepMonotonicMs < STALE_MS;
    if (!isInStep || !isApiserverReady || isClockWrong) this.#sinceMs = undefined;
    else this.#sinceMs ??= this.#clock.now();
    return this.#sinceMs;
  }
}
