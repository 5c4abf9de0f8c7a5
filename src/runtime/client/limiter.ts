/** Bounds how many requests are under way at a time; the others wait in their order. */
export class Limiter {
  readonly #limit: number;
  #active = 0;
  readonly #waiting: { start: () => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Resolves when it is the caller's turn; `release` must follow.
   * @throws the signal's reason when it aborts first; then there is nothing to release.
   */
  async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#active < this.#limit) {
      this.#active += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      const entry = {
        start: (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.#waiting.push(entry);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Hands the place to the next in line. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#active -= 1;
    else next.start();
  }
}
