/** The OCI image layout: how an image lies in a directory, or in an archive of one. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { file, writeTar, type TarEntry } from '../archive/write.ts';
import { ImageError } from '../errors.ts';
import { formatReference, type Reference } from '../reference.ts';
import type { Image, Stored } from './image.ts';
import { MEDIA_TYPES, type Index } from './types.ts';

/** By what containerd names an image that it imports. */
const CONTAINERD_NAME = 'io.containerd.image.name';
/** By what others do. */
const REF_NAME = 'org.opencontainers.image.ref.name';

const LAYOUT = 'oci-layout';

/** Everything that has to be there, once. */
export function contents({ index, images }: Image): Stored[] {
  const all = [index, ...images.flatMap(({ manifest, blobs }) => [manifest, ...blobs])];
  return [...new Map(all.map((each) => [each.blob.digest, each])).values()];
}

function entryPoint({ index }: Image, name: Reference): Index {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [
      {
        ...index.descriptor,
        annotations: {
          [CONTAINERD_NAME]: formatReference(name),
          ...(name.tag === undefined ? {} : { [REF_NAME]: name.tag }),
        },
      },
    ],
  };
}

const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

function entries(image: Image, name: Reference): TarEntry[] {
  return [
    file(LAYOUT, JSON.stringify({ imageLayoutVersion: '1.0.0' })),
    file('index.json', JSON.stringify(entryPoint(image, name))),
    ...contents(image).map(({ blob }): TarEntry => ({
      type: 'file',
      path: blobPath(blob.digest),
      content: blob,
    })),
  ];
}

export interface WriteOptions {
  image: Image;
  /** What it is called; the tag may be missing. */
  name: Reference;
  /** File or directory. */
  path: string;
  signal: AbortSignal;
}

/** What a file system's refusals mean; `at` is the path that was asked for. */
const REFUSALS: Readonly<Record<string, (at: string) => string>> = {
  ENOSPC: (at) =>
    `No space is left for ${at}; nothing was left under that name. Free some, or write elsewhere.`,
  EDQUOT: (at) => `The disk quota ends before ${at}; nothing was left under that name.`,
  EFBIG: (at) => `${at} is bigger than a file may be here; nothing was left under that name.`,
  EACCES: (at) => `${at} may not be written by this user.`,
  EPERM: (at) => `${at} may not be written by this user.`,
  EROFS: (at) => `${at} is on a file system that is read-only.`,
  ENOENT: (at) => `There is no directory ${dirname(at)}; make it first.`,
  ENOTDIR: (at) => `${dirname(at)} is no directory.`,
};

/** The same in a sentence, where there is one. */
export function refused(path: string, error: unknown): unknown {
  const say = REFUSALS[(error as NodeJS.ErrnoException).code ?? ''];
  return say === undefined ? error : new ImageError('output', say(path), error);
}

/** Makes `path` out of a draft beside it, which is gone afterwards in any case. */
async function replace(path: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.draft`);
  try {
    await make(draft);
    await putInPlace(draft, path);
  } catch (error) {
    throw refused(path, error);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** A directory cannot be renamed over one that is not empty. */
async function putInPlace(draft: string, path: string): Promise<void> {
  const before = await stat(path).catch(() => undefined);
  if (before?.isDirectory() !== true) return rename(draft, path);
  const old = `${draft}.old`;
  await rename(path, old);
  try {
    await rename(draft, path);
  } catch (error) {
    await rename(old, path);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

/** Writes one file of any kind so that it is there as a whole or not at all. */
export const writeWhole = (path: string, text: string, signal: AbortSignal): Promise<void> =>
  replace(path, (draft) => writeFile(draft, text, { signal }));

/** The layout as one tar archive. */
export async function writeArchive({ image, name, path, signal }: WriteOptions): Promise<void> {
  const before = await stat(path).catch(() => undefined);
  if (before?.isDirectory() === true) {
    throw new ImageError('output', `${path} is a directory; an archive is a file.`);
  }
  await replace(path, (draft) =>
    pipeline(writeTar(entries(image, name)), createWriteStream(draft), { signal }),
  );
}

/** @throws ImageError when there is something that is no image: it would be lost */
async function checkReplaceable(path: string): Promise<void> {
  const names = await readdir(path).catch((error: unknown): string[] => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0 || names.includes(LAYOUT)) return;
  throw new ImageError('output', `${path} holds something that is no OCI layout; name another directory.`);
}

/** The layout as a directory; one that was there before is replaced. */
export async function writeLayout({ image, name, path, signal }: WriteOptions): Promise<void> {
  await checkReplaceable(path);
  await replace(path, async (draft) => {
    await mkdir(draft);
    for (const entry of entries(image, name)) {
      if (entry.type !== 'file') continue;
      const target = join(draft, entry.path);
      await mkdir(dirname(target), { recursive: true });
      const { content } = entry;
      if (content instanceof Uint8Array) await writeFile(target, content, { signal });
      else await pipeline(content.open(), createWriteStream(target), { signal });
    }
  });
}
