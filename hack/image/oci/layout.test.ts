import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTar } from '../archive/read.ts';
import { parseReference } from '../reference.ts';
import { digestOf, type Blob } from './blob.ts';
import { smallImage, withDirectory } from './image.fixture.ts';
import type { Image } from './image.ts';
import { contents, writeArchive, writeLayout, writeWhole } from './layout.ts';
import type { Index } from './types.ts';

const { signal } = new AbortController();
const name = parseReference('brupop:v1');

const failing = (code: string): Blob => ({
  digest: `sha256:${'f'.repeat(64)}`,
  bytes: 1,
  open: () => {
    throw Object.assign(new Error('the file system says no'), { code });
  },
});

/** An image with a blob that cannot be written. */
async function unwritable(code: string): Promise<Image> {
  const image = await smallImage();
  return { ...image, index: { ...image.index, blob: failing(code) } };
}

describe.each([
  ['archive', writeArchive, 'image.tar'],
  ['layout', writeLayout, 'image'],
] as const)('an %s', (_, write, fileName) => {
  test('is there as a whole or not at all', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, fileName);
      const image = await unwritable('ENOSPC');
      await expect(write({ image, name, path, signal })).rejects.toThrow(
        `No space is left for ${path}; nothing was left under that name.`,
      );
      expect(await readdir(directory)).toEqual([]);
    });
  });

  test('that was there stays when a newer one cannot be written, and goes when it can', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, fileName);
      await write({ image: await smallImage('old'), name, path, signal });
      await expect(write({ image: await unwritable('EDQUOT'), name, path, signal })).rejects.toThrow(/quota/);
      const old = await rootOf(path);
      const image = await smallImage('new');
      await write({ image, name, path, signal });
      expect([await readdir(directory), await rootOf(path)]).toEqual([[fileName], image.index.blob.digest]);
      expect(old).not.toBe(image.index.blob.digest);
    });
  });

  test('holds every blob under its digest, and a name for containerd and for others', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, fileName);
      const image = await smallImage();
      await write({ image, name, path, signal });
      const files = await filesOf(path);
      expect(JSON.parse(files.get('oci-layout')?.toString() ?? '')).toEqual({ imageLayoutVersion: '1.0.0' });
      expect(JSON.parse(files.get('index.json')?.toString() ?? '')).toMatchObject({
        manifests: [
          {
            digest: image.index.blob.digest,
            annotations: {
              'io.containerd.image.name': 'docker.io/library/brupop:v1',
              'org.opencontainers.image.ref.name': 'v1',
            },
          },
        ],
      });
      const blobs = [...files].filter(([each]) => each.startsWith('blobs/sha256/'));
      expect(blobs).toHaveLength(contents(image).length);
      for (const [each, content] of blobs) expect(digestOf(content)).toBe(`sha256:${each.slice(13)}`);
    });
  });

  test('needs a directory to be in', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'none', fileName);
      await expect(write({ image: await smallImage(), name, path, signal })).rejects.toThrow(/make it first/);
    });
  });

  test('that was interrupted leaves nothing', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, fileName);
      const image = await smallImage();
      await expect(write({ image, name, path, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
      expect(await readdir(directory)).toEqual([]);
    });
  });
});

describe('what was there before', () => {
  test('and is no image is not overwritten', async () => {
    await withDirectory(async (directory) => {
      const image = await smallImage();
      await writeFile(join(directory, 'photo.jpg'), 'dear to someone');
      await expect(writeLayout({ image, name, path: directory, signal })).rejects.toThrow(/no OCI layout/);
      await mkdir(join(directory, 'image.tar'));
      const path = join(directory, 'image.tar');
      await expect(writeArchive({ image, name, path, signal })).rejects.toThrow(/is a directory/);
      expect(await readFile(join(directory, 'photo.jpg'), 'utf8')).toBe('dear to someone');
    });
  });

  test('is replaced by a text that is written as a whole', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'sbom.json');
      await writeWhole(path, 'old', signal);
      await writeWhole(path, 'new', signal);
      expect([await readFile(path, 'utf8'), await readdir(directory)]).toEqual(['new', ['sbom.json']]);
    });
  });
});

async function filesOf(path: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  if (path.endsWith('.tar')) {
    for await (const { path: each, content } of readTar(createReadStream(path))) {
      if (content !== undefined) files.set(each, content);
    }
    return files;
  }
  for (const each of await readdir(path, { recursive: true, withFileTypes: true })) {
    const full = join(each.parentPath, each.name);
    if (each.isFile()) files.set(full.slice(path.length + 1), await readFile(full));
  }
  return files;
}

async function rootOf(path: string): Promise<string | undefined> {
  const index = (await filesOf(path)).get('index.json')?.toString() ?? '{}';
  return (JSON.parse(index) as Index).manifests[0]?.digest;
}
