/** What is being done, for whoever comes later as well. */
export class Progress {
  readonly #said: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  /** @param log receives every line, too */
  constructor(log: (line: string) => void) {
    this.#listeners.add(log);
  }

  say(line: string): void {
    this.#said.push(line);
    for (const listener of this.#listeners) listener(line);
  }

  /** Tells `listener` all that has been said, and what will be. @returns how to stop that */
  follow(listener: (line: string) => void): () => void {
    for (const line of this.#said) listener(line);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
