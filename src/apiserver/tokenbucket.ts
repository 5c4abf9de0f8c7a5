/** Rates: so many at once, so many a second. */
import type { Clock } from '../runtime/clock.ts';

export interface Rate {
  /** Refill. */
  perSecond: number;
  /** Most that can be taken at once. */
  burst: number;
}

/** Holds up to `burst` permits and gains `perSecond` of them. Starts full. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Clock;
  #permits: number;
  #atMs: number;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#permits = rate.burst;
    this.#atMs = clock.monotonic();
  }

  /** Takes a permit. @returns 0, or the milliseconds until there is one, having taken none. */
  take(): number {
    const now = this.#clock.monotonic();
    const gained = ((now - this.#atMs) * this.#rate.perSecond) / 1000;
    this.#permits = Math.min(this.#rate.burst, this.#permits + gained);
    this.#atMs = now;
    if (this.#permits < 1) return ((1 - this.#permits) * 1000) / this.#rate.perSecond;
    this.#permits -= 1;
    return 0;
  }
}

/** A bucket for each key. Beyond `maxKeys` the key that was used longest ago is forgotten, and so starts full again. */
export class KeyedBuckets {
  readonly #rate: Rate;
  readonly #maxKeys: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: { rate: Rate; maxKeys: number; clock: Clock }) {
    this.#rate = options.rate;
    this.#maxKeys = options.maxKeys;
    this.#clock = options.clock;
  }

  /** As TokenBucket.take, for one key. */
  take(key: string): number {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, this.#clock);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#maxKeys) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket.take();
  }
}
