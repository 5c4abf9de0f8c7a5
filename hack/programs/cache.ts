/** Where built programs are kept: a directory for each group and for everything that its programs depend on. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ProgramGroup } from './catalog.ts';
import type { Go } from './go.ts';

/** Directory of the cache: `$XDG_CACHE_HOME/brupop/programs`, else below `~/.cache`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env['XDG_CACHE_HOME'];
  const base = xdg !== undefined && xdg !== '' ? xdg : join(env['HOME'] ?? homedir(), '.cache');
  return join(base, 'brupop', 'programs');
}

/** Pins the packages for `go mod tidy`, nothing is built from it. */
const NOT_BUILT = 'tools.go';

/** Changes with every version of a program of the group, and with what it is built from; with no other group. */
export async function groupKey(group: ProgramGroup): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(group.dir)).filter((name) => name !== NOT_BUILT).toSorted();
  for (const name of names) hash.update(`${name}\n`).update(await readFile(join(group.dir, name)));
  hash.update(JSON.stringify(group.variables?.('1.2.3') ?? {}));
  return hash.digest('hex').slice(0, 16);
}

/**
 * The cache directory of a group; without Go any that was built from the same sources will do.
 * @returns undefined when there is no Go and no such directory
 */
export async function groupDirectory(
  root: string,
  group: ProgramGroup,
  go: Go | undefined,
): Promise<string | undefined> {
  const prefix = `${group.name}-${await groupKey(group)}-`;
  if (go !== undefined) return join(root, `${prefix}${go.version}-${process.arch}`);
  const names = await readdir(root).catch(() => []);
  const same = names.filter((name) => name.startsWith(prefix) && name.endsWith(`-${process.arch}`));
  const last = same.toSorted().at(-1);
  return last === undefined ? undefined : join(root, last);
}
