/** When the host is asked to look for updates while nothing else is to be done: hourly, never in step with others. */
import type { Random } from '../runtime/clock.ts';
import { parseRfc3339 } from '../runtime/clock.ts';

/** Between two checks, before jitter. */
export const CHECK_INTERVAL_MS = 3_600_000;
/** After a check that failed. */
const RETRY_MS = 600_000;
/** The first check of an agent waits up to this long. */
const FIRST_MS = 10_000;

/** See the head of this file. All instants are of the monotonic clock, except where it says otherwise. */
export class CheckSchedule {
  readonly #random: Random;
  #nextMs: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * True when a check is due. The first call plans the first one: soon when the host has forgotten its last check or
   * none is recorded, else an hour after it. `now` and `checkedAt` are of the wall clock.
   */
  isDue(
    monotonicMs: number,
    last: { now: number; checkedAt: string | null | undefined; forgotten: boolean },
  ): boolean {
    if (this.#nextMs === undefined) {
      const checkedMs = last.forgotten ? undefined : parseRfc3339(last.checkedAt);
      const agoMs = checkedMs === undefined ? CHECK_INTERVAL_MS : Math.max(0, last.now - checkedMs);
      const restMs = Math.max(0, CHECK_INTERVAL_MS - agoMs);
      this.#nextMs = monotonicMs + restMs + this.#random() * FIRST_MS;
    }
    return monotonicMs >= this.#nextMs;
  }

  /** The host was told to check, for whatever reason. */
  started(monotonicMs: number): void {
    this.#nextMs = monotonicMs + this.#jittered(CHECK_INTERVAL_MS);
  }

  /** It failed. */
  failed(monotonicMs: number): void {
    this.#nextMs = monotonicMs + this.#jittered(RETRY_MS);
  }

  #jittered(ms: number): number {
    return ms * (0.9 + this.#random() * 0.2);
  }
}
