/** Fetches what the lock file names; what is in the cache already is only checked. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, hashFile } from '../cache.ts';
import { CommandError, output } from '../command.ts';
import { ImageError } from '../errors.ts';
import { mirrors } from './apt.ts';
import { UPDATE_LOCK, type LockedDebianPackage, type LockedNode } from './lock.ts';

const APT_HELPER = '/usr/lib/apt/apt-helper';

export interface DownloadOptions {
  cacheDir: string;
  progress: (line: string) => void;
  signal: AbortSignal;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** The archive of an npm package, from the registry that npm is set up with. */
export async function downloadNode(
  { name, version, integrity }: LockedNode,
  { cacheDir, progress, signal }: DownloadOptions,
): Promise<string> {
  const isRight = async (path: string): Promise<boolean> =>
    `sha512-${await hashFile(path, 'sha512', 'base64')}` === integrity;
  const { path } = await cached(cacheDir, {
    name: `${name}-${version}-${Buffer.from(integrity).toString('hex').slice(14, 30)}.tgz`,
    isRight,
    make: async (draft, directory) => {
      progress(`Fetching ${name} ${version}`);
      const args = [
        'pack',
        `${name}@${version}`,
        '--json',
        '--ignore-scripts',
        '--pack-destination',
        directory,
      ];
      let answer: Buffer;
      try {
        answer = await output(['npm', ...args], { signal, cwd: directory });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        throw new ImageError('download', `npm could not fetch ${name}@${version}: ${error.stderr}`, error);
      }
      const [packed] = JSON.parse(answer.toString()) as { filename: string }[];
      await rename(join(directory, packed?.filename ?? ''), draft);
      if (await isRight(draft)) return;
      throw new ImageError(
        'integrity',
        `The registry has another ${name}@${version} than the lock file names.`,
      );
    },
  });
  return path;
}

/** What apt found wrong, without its warnings. */
const errorsOf = (said: string): string =>
  said
    .split('\n')
    .filter((line) => !line.startsWith('W: ') && line.trim() !== 'E: Download Failed')
    .map((line) => line.replace(/^E: /, '').trim())
    .join(' ')
    .trim();

/** @param failures what apt said of each mirror */
export function notFetched(
  { name, version, architecture }: LockedDebianPackage,
  failures: readonly string[],
): ImageError {
  const what = `${name} ${version} for ${architecture}`;
  const others = failures.filter((each) => !each.includes('404'));
  if (others.length === 0) {
    const remedy = `If they have a newer one, renew the lock file: ${UPDATE_LOCK}`;
    return new ImageError(
      'download',
      `No mirror of this machine has ${what}, which the lock file names. ${remedy}`,
    );
  }
  if (others.some((each) => each.includes('Hashes of received file'))) {
    return new ImageError('integrity', `A mirror has another ${what} than the lock file names.`);
  }
  return new ImageError('download', `apt cannot fetch ${what}: ${others.map(errorsOf).join(' ')}`);
}

/** A Debian package, from the first mirror of this machine that has it. */
export async function downloadDebian(
  locked: LockedDebianPackage,
  { cacheDir, progress, signal }: DownloadOptions,
): Promise<string> {
  const { name, version, architecture, sha256, bytes } = locked;
  const { path } = await cached(cacheDir, {
    name: `${name}_${architecture}-${sha256.slice(0, 16)}.deb`,
    isRight: async (candidate) => (await hashFile(candidate, 'sha256')) === sha256,
    make: async (draft) => {
      progress(`Fetching ${name} ${version} for ${architecture}, ${megabytes(bytes)}`);
      const failures: string[] = [];
      for (const mirror of await mirrors(signal)) {
        const url = `${mirror.replace(/\/$/, '')}/${locked.path}`;
        try {
          await output([APT_HELPER, '-qq', 'download-file', url, draft, `SHA256:${sha256}`], { signal });
          return;
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          failures.push(error.stderr);
        }
      }
      throw notFetched(locked, failures);
    },
  });
  return path;
}
