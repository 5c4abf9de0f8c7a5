/** `runtime.lock.json`: what the runtime layer is made of, to the byte. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCKFILE, type Lockfile } from '../../lockfile.ts';
import { ImageError } from '../errors.ts';
import type { Platform, PlatformName } from '../platforms.ts';

export interface LockedNode {
  /** npm package. */
  name: string;
  version: string;
  /** As npm writes it: `sha512-…`. */
  integrity: string;
}

export interface LockedDebianPackage {
  name: string;
  version: string;
  /** Source package; scanners look for advisories by it. */
  source: string;
  architecture: string;
  /** From the root of a mirror. */
  path: string;
  bytes: number;
  sha256: string;
}

export interface LockedPlatform {
  node: LockedNode;
  debian: LockedDebianPackage[];
}

export interface RuntimeLock {
  /** Code name of the Debian release that the packages are of. */
  release: string;
  platforms: Record<PlatformName, LockedPlatform>;
}

export const RUNTIME_LOCK = join(import.meta.dirname, '..', 'runtime.lock.json');

export const UPDATE_LOCK = 'npm run image -- --update-lock';

/** What package-lock.json says of a package. @throws ImageError when it does not know it */
export async function lockedByNpm(name: string): Promise<{ version: string; integrity?: string }> {
  const lock = JSON.parse(await readFile(LOCKFILE, 'utf8')) as Lockfile;
  const entry = lock.packages[`node_modules/${name}`];
  if (entry?.version === undefined) {
    throw new ImageError('lock', `package-lock.json has no ${name}; it is an optional dependency.`);
  }
  const { version, integrity } = entry;
  return { version, ...(integrity === undefined ? {} : { integrity }) };
}

/** @throws ImageError when the two lock files speak of different Nodes */
export async function readLock(): Promise<RuntimeLock> {
  return JSON.parse(await readFile(RUNTIME_LOCK, 'utf8')) as RuntimeLock;
}

/** The part of a platform. @throws ImageError when it is not what package-lock.json says */
export async function lockedPlatform(lock: RuntimeLock, { name }: Platform): Promise<LockedPlatform> {
  const locked = lock.platforms[name];
  const { node } = locked;
  const npm = await lockedByNpm(node.name);
  if (npm.version === node.version && (npm.integrity ?? node.integrity) === node.integrity) return locked;
  throw new ImageError(
    'lock',
    `package-lock.json has ${node.name} ${npm.version}, the image's lock file ${node.version} or another file of it. ` +
      `Renew it: ${UPDATE_LOCK}`,
  );
}
