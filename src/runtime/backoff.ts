/** Exponential back-off with jitter. */
import type { Random } from './clock.ts';

export interface BackoffOptions {
  /** Wait after the first failure, before jitter. @default 500 */
  baseMs?: number;
  /** No wait is longer, unless the server asked for it. @default 15000 */
  maxMs?: number;
}

/**
 * How long to wait after the `failures`-th failure in a row (1 is the first): the base doubled each time up to the
 * maximum, of which a random part between a half and the whole is taken, so that many clients spread out and yet
 * nobody returns at once.
 */
export function backoffMs(failures: number, random: Random, options: BackoffOptions = {}): number {
  const { baseMs = 500, maxMs = 15_000 } = options;
  const exponent = Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(maxMs, baseMs * 2 ** exponent) * (0.5 + random() / 2);
}

/** Counts failures in a row of one activity. */
export class Backoff {
  readonly #random: Random;
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(random: Random, options: BackoffOptions = {}) {
    this.#random = random;
    this.#options = options;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. @returns milliseconds to wait, never less than `atLeastMs` (the server's Retry-After). */
  failed(atLeastMs = 0): number {
    this.#failures += 1;
    return Math.max(atLeastMs, backoffMs(this.#failures, this.#random, this.#options));
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
