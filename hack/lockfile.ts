/**
 * `npm run lockfile`: completes package-lock.json. npm leaves out the packages of other platforms that it did
 * not find when it wrote the file, and `npm ci` then refuses it everywhere; a package of another platform needs no
 * more than its name, version and platform there, since nobody here downloads it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One entry of `packages`, as far as it is read or written here. */
export interface LockedPackage {
  version?: string;
  integrity?: string;
  dev?: boolean;
  optional?: boolean;
  license?: string;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

export interface Lockfile {
  packages: Record<string, LockedPackage>;
}

const FOLDER = 'node_modules/';

/** The entry that a package at `from` gets when it asks for `name`. */
function resolveFrom(lock: Lockfile, from: string, name: string): LockedPackage | undefined {
  for (let level = from; ; level = level.slice(0, Math.max(0, level.lastIndexOf(`/${FOLDER}`)))) {
    const found = lock.packages[`${level === '' ? '' : `${level}/`}${FOLDER}${name}`];
    if (found !== undefined || level === '') return found;
  }
}

/** `@rolldown/binding-linux-arm64-musl` → linux, arm64, musl. */
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const [os = '', cpu = '', abi = ''] = (name.split('/').at(-1) ?? '').replace('binding-', '').split('-');
  if (os === 'wasm32') return { cpu: [os] };
  const libc = os === 'linux' && abi !== '' ? { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] } : {};
  return { cpu: [cpu], os: [os], ...libc };
}

/** Adds what is missing; returns the keys it added. */
export function completeLockfile(lock: Lockfile): string[] {
  const added: string[] = [];
  for (const [path, parent] of Object.entries(lock.packages)) {
    if (path === '') continue;
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const found = resolveFrom(lock, path, name);
      const exact = /^[0-9.]+$/.test(version);
      if (!exact || found?.version === version) continue;
      const key = `${path.slice(0, path.lastIndexOf(FOLDER))}${FOLDER}${name}`;
      const dev = parent.dev === true ? { dev: true } : {};
      lock.packages[key] = { version, ...dev, optional: true, ...platformOf(name) };
      added.push(key);
    }
  }
  const sorted = Object.entries(lock.packages).toSorted(([a], [b]) =>
    a.toLowerCase() < b.toLowerCase() ? -1 : 1,
  );
  lock.packages = Object.fromEntries(sorted);
  return added;
}

/** Where the lock file is. */
export const LOCKFILE = join(import.meta.dirname, '..', 'package-lock.json');

if (import.meta.main) {
  const lock = JSON.parse(readFileSync(LOCKFILE, 'utf8')) as Lockfile;
  const added = completeLockfile(lock);
  if (added.length > 0) writeFileSync(LOCKFILE, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(added.length === 0 ? 'package-lock.json is complete' : added.join('\n'));
}
