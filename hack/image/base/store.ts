/** Where a base image is: a layout on disk, or a registry. */
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readTar } from '../archive/read.ts';
import { ImageError } from '../errors.ts';
import { digestOf } from '../oci/blob.ts';
import type { Descriptor, Index } from '../oci/types.ts';
import { RegistryClient, type ClientOptions } from '../registry/client.ts';
import type { Reference } from '../reference.ts';

export interface ImageStore {
  /** For messages. */
  name: string;
  /** What the base is, by digest. */
  root: Descriptor;
  /** A manifest, index or configuration, checked. */
  read(descriptor: Descriptor): Promise<Buffer>;
  /** A layer, not yet checked. */
  open(descriptor: Descriptor): Promise<AsyncIterable<Uint8Array>>;
}

const wrong = (message: string, cause?: unknown): ImageError => new ImageError('base', message, cause);

const DIGEST = /^sha256:[a-f0-9]{64}$/;

const pathOf = (digest: string): string => {
  // It becomes part of a path.
  if (!DIGEST.test(digest)) throw wrong(`${digest} is no digest of SHA-256.`);
  return join('blobs', ...digest.split(':'));
};

function checked(name: string, { digest }: Descriptor, content: Buffer): Buffer {
  if (digestOf(content) === digest) return content;
  throw new ImageError('integrity', `${name} has something else under ${digest}.`);
}

const REF_NAME = 'org.opencontainers.image.ref.name';

const named = (each: Descriptor): string | undefined => each.annotations?.[REF_NAME];

/** The one image of a layout, or the one of that name. */
function chooseRoot(name: string, { manifests }: Index, tag: string | undefined): Descriptor {
  const found = tag === undefined ? manifests : manifests.filter((each) => named(each) === tag);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const names = manifests.map((each) => named(each) ?? each.digest).join(', ');
  const lack = only === undefined ? `has no image called ${tag ?? ''}` : 'holds several images';
  throw wrong(`${name} ${lack}: it has ${names === '' ? 'none' : names}. Say which: --base ${name}:TAG`);
}

/** An archive becomes a directory first. */
async function unpackArchive(path: string, workspace: string): Promise<string> {
  const directory = join(workspace, 'base');
  try {
    for await (const { path: name, content } of readTar(createReadStream(path))) {
      if (content === undefined || name.split('/').includes('..')) continue;
      const target = join(directory, name);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
  } catch (error) {
    if (error instanceof RangeError) throw wrong(`${path} is no OCI archive: ${error.message}.`, error);
    throw error;
  }
  return directory;
}

/** A layout is a directory with a file of that name, or an archive of one. */
export async function layoutStore(
  { path, tag }: { path: string; tag?: string },
  workspace: string,
): Promise<ImageStore> {
  const directory = (await stat(path)).isDirectory() ? path : await unpackArchive(path, workspace);
  const index = await readFile(join(directory, 'index.json'), 'utf8').catch((error: unknown) => {
    throw wrong(`${path} is no OCI layout: it has no index.json.`, error);
  });
  return {
    name: path,
    root: chooseRoot(path, JSON.parse(index) as Index, tag),
    read: async (descriptor) =>
      checked(path, descriptor, await readFile(join(directory, pathOf(descriptor.digest)))),
    open: async ({ digest }) => createReadStream(join(directory, pathOf(digest))),
  };
}

export type ConnectOptions = Pick<ClientOptions, 'signal' | 'credentials' | 'sleep'>;

/** @param reference with a digest: what a tag means may change at any time */
export async function registryStore(
  reference: Reference & { digest: string },
  options: ConnectOptions,
): Promise<ImageStore> {
  const { registry, repository, digest } = reference;
  const name = `${registry}/${repository}`;
  const client = new RegistryClient({ ...options, reference, actions: 'pull' });
  const found = await client.manifest(digest);
  if (found === undefined) throw wrong(`${name} has no ${digest}.`);
  const { mediaType, content } = found;
  const root: Descriptor = { mediaType, digest, size: content.length };
  const collect = async (descriptor: Descriptor): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await client.blob(descriptor.digest)) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  return {
    name,
    root,
    read: async (descriptor) => {
      if (descriptor.digest === digest) return content;
      const manifest = /manifest|index/.test(descriptor.mediaType)
        ? await client.manifest(descriptor.digest)
        : undefined;
      return checked(name, descriptor, manifest?.content ?? (await collect(descriptor)));
    },
    open: ({ digest: blob }) => client.blob(blob),
  };
}
