/** The lines of a stream on their way from the API server to an agent. */
import type { StreamLine } from '../../api/wire.ts';
import { ConnectionReset } from '../../sim/process/life.ts';

/** See the head of this file. */
export class LineQueue {
  readonly #lines: StreamLine[] = [];
  readonly #held: () => Promise<void> | undefined;
  #state: 'open' | 'ended' | 'broken' = 'open';
  #news = Promise.withResolvers<void>();

  /** @param held the network: resolves when what is sent now arrives */
  constructor(held: () => Promise<void> | undefined) {
    this.#held = held;
  }

  write(line: string): boolean {
    this.#lines.push(JSON.parse(line) as StreamLine);
    this.#news.resolve();
    return true;
  }

  /** No more lines. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#news.resolve();
  }

  /** The process that wrote them has died. */
  break(): void {
    this.#state = 'broken';
    this.#news.resolve();
  }

  /** The next; undefined when there are no more. @throws ConnectionReset */
  async next(): Promise<StreamLine | undefined> {
    while (this.#lines.length === 0 && this.#state === 'open') {
      await this.#news.promise;
      this.#news = Promise.withResolvers<void>();
    }
    await this.#held();
    if (this.#state === 'broken') throw new ConnectionReset();
    return this.#lines.shift();
  }
}
