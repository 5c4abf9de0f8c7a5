/** When the host is asked to look for updates while nothing else is to be done: hourly by default, never in step with others. */
import type { Random } from '../runtime/clock.ts';
import { parseRfc3339 } from '../runtime/clock.ts';

/** Between two checks, before jitter, unless told otherwise. */
export const CHECK_INTERVAL_MS = 3_600_000;
/** After a check that failed. */
const RETRY_MS = 600_000;
/** The first check of an agent waits up to this long. */
const FIRST_MS = 10_000;

/** See the head of this file. All instants are of the monotonic clock, except where it says otherwise. */
export class CheckSchedule {
  readonly #random: Random;
  readonly #intervalMs: number;
  #nextMs: number | undefined;

  /** @param intervalMs between two checks, before jitter */
  constructor(random: Random, intervalMs = CHECK_INTERVAL_MS) {
    this.#random = random;
    this.#intervalMs = intervalMs;
  }

  /** Time until the next check is due; undefined when it is due or not planned yet. */
  untilMs(monotonicMs: number): number | undefined {
    const restMs = (this.#nextMs ?? monotonicMs) - monotonicMs;
    return restMs > 0 ? restMs : undefined;
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
      const agoMs = checkedMs === undefined ? this.#intervalMs : Math.max(0, last.now - checkedMs);
      const restMs = Math.max(0, this.#intervalMs - agoMs);
      this.#nextMs = monotonicMs + restMs + this.#random() * FIRST_MS;
    }
    return monotonicMs >= this.#nextMs;
  }

  /** The host was told to check, for whatever reason. */
  started(monotonicMs: number): void {
    this.#nextMs = monotonicMs + this.#jittered(this.#intervalMs);
  }

  /** It failed. */
  failed(monotonicMs: number): void {
    this.#nextMs = monotonicMs + this.#jittered(Math.min(RETRY_MS, this.#intervalMs));
  }

  #jittered(ms: number): number {
    return ms * (0.9 + this.#random() * 0.2);
  }
}
