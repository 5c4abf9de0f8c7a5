/** The runtime layer of a platform out of the cache, or made from the packages of the lock file. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, hashFile } from '../cache.ts';
import { fileBlob } from '../oci/blob.ts';
import { writeLayer, type LayerDigests } from '../oci/layer.ts';
import type { Layer } from '../oci/image.ts';
import type { Platform } from '../platforms.ts';
import { unpackDebian } from './debian.ts';
import { downloadDebian, downloadNode, type DownloadOptions } from './download.ts';
import { nodeEntries, runtimeEntries } from './layer.ts';
import { readElf } from './elf.ts';
import type { Elf } from './elf.ts';
import type { LockedPlatform } from './lock.ts';
import { unpackNode } from './node.ts';

export interface RuntimeOptions extends DownloadOptions {
  platform: Platform;
  locked: LockedPlatform;
  /** Node without Debian's libraries: a base has its own. @default false */
  nodeOnly?: boolean;
}

/** Everything that decides what is in a layer: the lock file, this code, and the zlib that compresses it. */
async function keyOf({ locked, platform, nodeOnly = false }: RuntimeOptions): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify({ locked, platform, nodeOnly, zlib: process.versions.zlib }));
  for (const folder of ['.', '../archive', '../oci']) {
    const directory = join(import.meta.dirname, folder);
    const names = (await readdir(directory)).filter((name) => /(?<!\.test)\.ts$/.test(name)).toSorted();
    for (const name of names) hash.update(await readFile(join(directory, name)));
  }
  return hash.digest('hex').slice(0, 24);
}

async function entriesOf(options: RuntimeOptions) {
  const { locked, platform, progress, signal, nodeOnly = false } = options;
  const node = await unpackNode(await downloadNode(locked.node, options));
  if (nodeOnly) return nodeEntries(node);
  const packages = [];
  for (const each of locked.debian)
    packages.push(await unpackDebian(await downloadDebian(each, options), signal));
  progress(`Making the runtime layer for ${platform.name}`);
  return runtimeEntries({ platform, node, packages });
}

const MANIFEST = 'layer.json';

/** @throws ImageError when a part cannot be had, or does not fit the others */
export async function runtimeLayer(options: RuntimeOptions): Promise<Layer> {
  const { cacheDir, platform, locked, nodeOnly = false, signal } = options;
  const key = await keyOf(options);
  const recordPath = join(cacheDir, `runtime-${platform.architecture}-${key}.json`);
  const record = async (): Promise<LayerDigests | undefined> =>
    readFile(recordPath, 'utf8').then(
      (text) => JSON.parse(text) as LayerDigests,
      () => undefined,
    );
  const { path } = await cached(cacheDir, {
    name: `runtime-${platform.architecture}-${key}.tar.gz`,
    isRight: async (candidate) => {
      const known = await record();
      return known !== undefined && `sha256:${await hashFile(candidate, 'sha256')}` === known.digest;
    },
    make: async (draft, directory) => {
      const digests = await writeLayer(draft, await entriesOf(options), signal);
      // The record comes first: a layer without one is made again.
      await writeFile(join(directory, MANIFEST), JSON.stringify(digests));
      await rename(join(directory, MANIFEST), recordPath);
    },
  });
  const digests = await record();
  if (digests === undefined) throw new Error(`${recordPath} is gone`);
  const { node } = locked;
  const what = nodeOnly ? `Node ${node.version}` : `Node ${node.version}, its libraries and CA roots`;
  return { blob: fileBlob(path, digests.digest, digests.bytes), diffId: digests.diffId, createdBy: what };
}

/** What Node wants of the system. */
export async function nodeElf({ locked, ...options }: RuntimeOptions): Promise<Elf> {
  return readElf((await unpackNode(await downloadNode(locked.node, options))).binary);
}
