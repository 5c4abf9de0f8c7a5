/** Files of several archives laid over each other, as the layers of an image are. */
import { posix } from 'node:path';
import type { ReadEntry } from './read.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** More links in a row than Linux follows. */
const MOST_LINKS = 40;

export class FileTree {
  readonly #entries = new Map<string, ReadEntry>();
  /** Paths below which something was at some time: looking for it takes long. */
  readonly #parents = new Set<string>();

  /** Lays an entry over what is there. Whiteouts of an image's layers remove. */
  add(entry: ReadEntry): void {
    const name = posix.basename(entry.path);
    const parent = posix.dirname(entry.path);
    if (name === OPAQUE) this.#remove(parent, { itself: false });
    else if (name.startsWith(WHITEOUT)) {
      this.#remove(posix.join(parent, name.slice(WHITEOUT.length)), { itself: true });
    } else if (entry.path !== '') {
      if (entry.type !== 'directory') this.#remove(entry.path, { itself: true });
      this.#entries.set(entry.path, entry);
      for (let at = parent; at !== '.' && !this.#parents.has(at); at = posix.dirname(at))
        this.#parents.add(at);
    }
  }

  #remove(path: string, { itself }: { itself: boolean }): void {
    if (itself) this.#entries.delete(path);
    if (path !== '.' && !this.#parents.has(path)) return;
    for (const each of this.#entries.keys()) {
      if (path === '.' || each.startsWith(`${path}/`)) this.#entries.delete(each);
    }
  }

  get(path: string): ReadEntry | undefined {
    return this.#entries.get(path);
  }

  values(): IterableIterator<ReadEntry> {
    return this.#entries.values();
  }

  /**
   * What a path leads to, and the links on the way to it.
   * @returns undefined when it leads nowhere
   */
  resolve(path: string): { entry: ReadEntry; links: ReadEntry[] } | undefined {
    const links: ReadEntry[] = [];
    let rest = path.split('/').filter((part) => part !== '');
    let at = '';
    while (rest.length > 0) {
      const next = posix.join(at, rest[0] ?? '');
      const entry = this.#entries.get(next);
      if (entry?.type === 'symlink' || entry?.type === 'hardlink') {
        if (links.push(entry) > MOST_LINKS) return undefined;
        const from = entry.type === 'hardlink' ? '/' : `/${at}`;
        const target = posix.resolve(from, entry.target ?? '');
        rest = [...target.split('/').filter((part) => part !== ''), ...rest.slice(1)];
        at = '';
        continue;
      }
      at = next;
      rest = rest.slice(1);
    }
    const entry = this.#entries.get(at);
    return entry === undefined ? undefined : { entry, links };
  }
}
