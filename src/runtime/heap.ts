/** A binary heap: the entry that `before` puts first comes out first. */
export class Heap<E> {
  readonly #entries: E[] = [];
  readonly #before: (a: E, b: E) => boolean;

  constructor(before: (a: E, b: E) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The first entry; it stays. */
  peek(): E | undefined {
    return this.#entries[0];
  }

  push(entry: E): void {
    const entries = this.#entries;
    let hole = entries.length;
    entries.push(entry);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = entries[parent] as E;
      if (!this.#before(entry, above)) break;
      entries[hole] = above;
      hole = parent;
    }
    entries[hole] = entry;
  }

  /** Takes the first entry out. */
  pop(): E | undefined {
    const first = this.#entries[0];
    const last = this.#entries.pop();
    if (last !== undefined && this.#entries.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: E): void {
    const entries = this.#entries;
    let hole = 0;
    for (;;) {
      const child = this.#firstChild(hole);
      const below = entries[child];
      if (below === undefined || !this.#before(below, entry)) break;
      entries[hole] = below;
      hole = child;
    }
    entries[hole] = entry;
  }

  #firstChild(parent: number): number {
    const left = 2 * parent + 1;
    const [a, b] = [this.#entries[left], this.#entries[left + 1]];
    return a !== undefined && b !== undefined && this.#before(b, a) ? left + 1 : left;
  }
}
