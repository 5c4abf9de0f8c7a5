/** What was fetched or made before: files by a name that says what is in them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Directory of the cache: `$XDG_CACHE_HOME/brupop/image`, else below `~/.cache`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env['XDG_CACHE_HOME'];
  const base = xdg !== undefined && xdg !== '' ? xdg : join(env['HOME'] ?? homedir(), '.cache');
  return join(base, 'brupop', 'image');
}

/** Hash of a file, in that encoding; undefined when there is no such file. */
export async function hashFile(
  path: string,
  algorithm: 'sha256' | 'sha512',
  encoding: 'hex' | 'base64' = 'hex',
): Promise<string | undefined> {
  const hash = createHash(algorithm);
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest(encoding);
}

/** A directory of its own for files that are being made, on the same file system as the cache; removed at the end. */
export async function withWorkspace<T>(root: string, work: (directory: string) => Promise<T>): Promise<T> {
  await mkdir(root, { recursive: true });
  const directory = await mkdtemp(join(root, '.making-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * The file `name` of the cache, made when it is not there or not what it should be. It appears under its name only when
 * it is whole; two processes may make it at the same time.
 * @param isRight whether the file at that path, which may not exist, is what it should be
 */
export async function cached(
  root: string,
  { name, isRight, make }: CachedFile,
): Promise<{ path: string; made: boolean }> {
  const path = join(root, name);
  if (await isRight(path)) {
    await markUsed(path);
    return { path, made: false };
  }
  await withWorkspace(root, async (directory) => {
    const draft = join(directory, 'file');
    await make(draft, directory);
    await rename(draft, path);
  });
  return { path, made: true };
}

export interface CachedFile {
  name: string;
  isRight: (path: string) => Promise<boolean>;
  /** Writes it to `draft`; other files may be put into `directory`. */
  make: (draft: string, directory: string) => Promise<void>;
}

/** What was used so long ago is removed. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** The time of a file is that of its last use. */
async function markUsed(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/** Removes what was not used for a month: older layers, and what an interrupted run left. */
export async function prune(root: string, keptMs = KEPT_MS): Promise<void> {
  const latest = Date.now() - keptMs;
  for (const name of await readdir(root).catch(() => [])) {
    const path = join(root, name);
    const used = await stat(path).catch(() => undefined);
    if (used !== undefined && used.mtimeMs < latest) await rm(path, { recursive: true, force: true });
  }
}
