/** Takes over the layers of a base for one platform, and checks that Node starts on them. */
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { FileTree } from '../archive/filetree.ts';
import type { TarHeader } from '../archive/header.ts';
import { readTar } from '../archive/read.ts';
import { cached, hashFile } from '../cache.ts';
import { ImageError } from '../errors.ts';
import { fileBlob } from '../oci/blob.ts';
import type { BaseImage } from '../oci/image.ts';
import type { Descriptor, ImageConfig, Index, Manifest } from '../oci/types.ts';
import type { Platform } from '../platforms.ts';
import type { Elf } from '../runtime/elf.ts';
import { closure } from '../runtime/libraries.ts';
import type { ImageStore } from './store.ts';

export interface TakeOptions {
  store: ImageStore;
  platform: Platform;
  /** Of the Node that goes on top. */
  node: Elf;
  cacheDir: string;
  progress: (line: string) => void;
  signal: AbortSignal;
}

const wrong = (message: string): ImageError => new ImageError('base', message);

const parse = (content: Buffer): unknown => JSON.parse(content.toString());

const nameOf = ({ platform }: Descriptor): string =>
  platform === undefined ? 'an unnamed platform' : `${platform.os}/${platform.architecture}`;

/** The manifest for a platform: that of the base itself, or the one that its index names. */
async function findManifest(
  options: Pick<TakeOptions, 'store' | 'platform'>,
  at: Descriptor,
): Promise<Manifest> {
  const { store, platform } = options;
  const content = parse(await store.read(at)) as Partial<Index> & Partial<Manifest>;
  if (content.layers !== undefined && content.config !== undefined) return content as Manifest;
  const { manifests = [] } = content;
  const found = manifests.find((each) => nameOf(each) === platform.name);
  if (found !== undefined) return findManifest(options, found);
  // An index of one unnamed thing, as a layout has it: what it is for, its configuration says.
  const [only, ...others] = manifests;
  if (only !== undefined && others.length === 0 && only.platform === undefined) {
    return findManifest(options, only);
  }
  const names = manifests.map(nameOf).join(', ');
  throw wrong(
    `${store.name} has nothing for ${platform.name}, but for ${names}. Make an image for those: --platform`,
  );
}

/** Layers of Docker are those of OCI under another name. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar': 'application/vnd.oci.image.layer.v1.tar',
};

function layerDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  const type = MEDIA_TYPES[mediaType] ?? mediaType;
  if (/^application\/vnd\.oci\.image\.layer\.v1\.tar(?:\+gzip|\+zstd)?$/.test(type)) {
    return { mediaType: type, digest, size };
  }
  throw wrong(`The base has a layer of the kind ${mediaType}, which cannot be taken over.`);
}

async function fetchLayer(options: TakeOptions, descriptor: Descriptor): Promise<string> {
  const { store, cacheDir, progress, signal } = options;
  const { digest, size } = descriptor;
  const isRight = async (path: string): Promise<boolean> =>
    `sha256:${await hashFile(path, 'sha256')}` === digest;
  const { path } = await cached(cacheDir, {
    name: `base-${digest.replace('sha256:', '')}`,
    isRight,
    make: async (draft) => {
      progress(`Fetching a layer of the base, ${(size / 1e6).toFixed(1)} MB`);
      await writeFile(draft, await store.open(descriptor), { signal });
      if (!(await isRight(draft))) {
        throw new ImageError('integrity', `${store.name} has something else under ${digest}.`);
      }
    },
  });
  return path;
}

const openLayer = (path: string, mediaType: string): AsyncIterable<Uint8Array> => {
  const file = createReadStream(path);
  if (mediaType.endsWith('+gzip')) return file.pipe(createGunzip());
  return mediaType.endsWith('+zstd') ? file.pipe(createZstdDecompress()) : file;
};

/** Only libraries are looked into. */
const isLibrary = ({ path }: TarHeader): boolean => /(?:^|\/)[^/]+\.so(?:\.[\d.]+)?$/.test(path);

/** @throws ImageError when it is for something else, or Node would not start on it */
export async function takeBase(options: TakeOptions): Promise<BaseImage> {
  const { store, platform, node } = options;
  const manifest = await findManifest(options, store.root);
  const config = parse(await store.read(manifest.config)) as ImageConfig;
  if (config.os !== platform.os || config.architecture !== platform.architecture) {
    const found = `${config.os}/${config.architecture}`;
    throw wrong(
      `${store.name} is for ${found}, not for ${platform.name}. Make an image for that: --platform ${found}`,
    );
  }
  const tree = new FileTree();
  const layers: BaseImage['layers'] = [];
  for (const each of manifest.layers) {
    const descriptor = layerDescriptor(each);
    const path = await fetchLayer(options, descriptor);
    for await (const entry of readTar(openLayer(path, descriptor.mediaType), isLibrary)) tree.add(entry);
    layers.push({ descriptor, blob: fileBlob(path, descriptor.digest, descriptor.size) });
  }
  closure(tree, platform, { name: 'Node', elf: node });
  return { config, layers };
}
