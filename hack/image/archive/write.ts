/** Writes tar archives of which every byte follows from what is in them. */
import { BLOCK_BYTES, encodeHeader } from './header.ts';

/** Content that is not in memory. */
export interface Source {
  bytes: number;
  open(): AsyncIterable<Uint8Array>;
}

export type TarEntry =
  | {
      type: 'file';
      path: string;
      content: Uint8Array | Source;
      /** @default 0o644 */
      mode?: number;
    }
  | { type: 'symlink'; path: string; target: string }
  | {
      type: 'directory';
      path: string;
      /** @default 0o755 */
      mode?: number;
    };

export const file = (path: string, content: Uint8Array | string, mode = 0o644): TarEntry => ({
  type: 'file',
  path,
  content: typeof content === 'string' ? Buffer.from(content) : content,
  mode,
});

export const directory = (path: string, mode = 0o755): TarEntry => ({ type: 'directory', path, mode });

export const symlink = (path: string, target: string): TarEntry => ({ type: 'symlink', path, target });

const parentsOf = (path: string): string[] => {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
};

/**
 * The entries as they are written: with the directories they are in, parents before children, by code unit.
 * @throws RangeError when two entries have the same path
 */
export function complete(entries: readonly TarEntry[]): TarEntry[] {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) {
    if (byPath.has(entry.path)) throw new RangeError(`${entry.path} is there twice`);
    byPath.set(entry.path, entry);
  }
  for (const { path } of entries) {
    for (const parent of parentsOf(path)) {
      if (!byPath.has(parent)) byPath.set(parent, directory(parent));
    }
  }
  return [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

const DEFAULT_MODES = { file: 0o644, directory: 0o755, symlink: 0o777 } as const;

async function* contentOf(entry: TarEntry): AsyncIterable<Uint8Array> {
  if (entry.type !== 'file') return;
  if (entry.content instanceof Uint8Array) yield entry.content;
  else yield* entry.content.open();
}

const bytesOf = (entry: TarEntry): number => {
  if (entry.type !== 'file') return 0;
  return entry.content instanceof Uint8Array ? entry.content.length : entry.content.bytes;
};

/** The archive, in chunks. Entries are written in the order of `complete`. */
export async function* writeTar(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of complete(entries)) {
    const bytes = bytesOf(entry);
    const mode = 'mode' in entry && entry.mode !== undefined ? entry.mode : DEFAULT_MODES[entry.type];
    const target = entry.type === 'symlink' ? { target: entry.target } : {};
    yield encodeHeader({ path: entry.path, type: entry.type, mode, bytes, ...target });
    let written = 0;
    for await (const chunk of contentOf(entry)) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== bytes) throw new RangeError(`${entry.path} has ${written} bytes instead of ${bytes}`);
    const rest = bytes % BLOCK_BYTES;
    if (rest > 0) yield new Uint8Array(BLOCK_BYTES - rest);
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}
