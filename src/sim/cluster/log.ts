/** What happened, a line each. Two runs of one seed give the same bytes; the digest tells it without keeping them. */
import { createHash, type Hash } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';

export interface EventLogOptions {
  /** How many of the last lines are kept. @default 10,000 */
  keep?: number;
  /** Also told of every line. */
  sink?: (line: string) => void;
}

export class EventLog {
  readonly #clock: Clock;
  readonly #keep: number;
  readonly #sink: ((line: string) => void) | undefined;
  readonly #hash: Hash = createHash('sha256');
  #lines: string[] = [];
  #count = 0;

  constructor(clock: Clock, options: EventLogOptions = {}) {
    this.#clock = clock;
    this.#keep = options.keep ?? 10_000;
    this.#sink = options.sink;
  }

  /** The last lines, oldest first. */
  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keep);
  }

  /** How many lines there were. */
  get count(): number {
    return this.#count;
  }

  /** Of all lines so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** A line: instant in milliseconds of virtual time, who, what, and facts as JSON. */
  add(by: string, what: string, facts: object): void {
    const line = `${this.#clock.monotonic()} ${by} ${what} ${JSON.stringify(facts)}`;
    this.#count++;
    this.#hash.update(line).update('\n');
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.#keep) this.#lines = this.#lines.slice(-this.#keep);
    this.#sink?.(line);
  }
}
