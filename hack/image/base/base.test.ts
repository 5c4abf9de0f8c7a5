import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { file, symlink, type TarEntry } from '../archive/write.ts';
import { memoryBlob, type Blob } from '../oci/blob.ts';
import { CREATED, smallImage, withDirectory } from '../oci/image.fixture.ts';
import { imageIndex, platformImage, type Image } from '../oci/image.ts';
import { writeLayer } from '../oci/layer.ts';
import { writeArchive, writeLayout } from '../oci/layout.ts';
import { PLATFORMS, type Platform } from '../platforms.ts';
import { formatReference, parseReference } from '../reference.ts';
import { push } from '../registry/push.ts';
import { TestRegistry } from '../registry/registry.fixture.ts';
import { makeElf, type ElfContent } from '../runtime/elf.fixture.ts';
import { readElf } from '../runtime/elf.ts';
import { sbomReferrer } from '../sbom/referrer.ts';
import { chooseBase, type Base } from './choose.ts';
import { takeBase } from './take.ts';

const [amd64, arm64] = PLATFORMS as [Platform, Platform];
const { signal } = new AbortController();
const progress = (): void => undefined;
const connect = { signal, credentials: async () => undefined, sleep: async () => undefined };

/** What Node wants in these tests. */
const node = readElf(makeElf({ needed: ['libc.so.6'], wants: { 'libc.so.6': ['GLIBC_2.28'] } }));

/** A system of two layers, whose second replaces the libc of the first. */
const system = (
  { elfMachine: machine }: Platform,
  libc: ElfContent = { has: ['GLIBC_2.28'] },
): TarEntry[][] => [
  [file('usr/lib64/libc.so.6', makeElf({ machine, has: ['GLIBC_2.17'] })), symlink('lib64', 'usr/lib64')],
  [file('usr/lib64/libc.so.6', makeElf({ machine, ...libc })), file('bin/sh', 'not looked into')],
];

async function imageOf(
  directory: string,
  platforms: readonly (readonly [Platform, TarEntry[][]])[],
): Promise<Image> {
  const images = await Promise.all(
    platforms.map(async ([platform, entries]) => {
      const layers = await Promise.all(
        entries.map(async (each, index) => {
          const draft = join(directory, `${platform.architecture}-${index}`);
          const { diffId } = await writeLayer(draft, each);
          const blob: Blob = memoryBlob(await readFile(draft));
          return { blob, diffId, createdBy: 'you' };
        }),
      );
      const parts = { created: CREATED, annotations: {}, entrypoint: [], user: '', env: { LANG: 'C' } };
      return platformImage({ ...parts, platform, layers });
    }),
  );
  return imageIndex(images, {});
}

interface Bench {
  directory: string;
  /** As `--base` would name it. */
  path: string;
  choose: (text?: string) => Promise<Base>;
  take: (platform?: Platform) => ReturnType<typeof takeBase>;
}

/** A layout with such a base, and what can be done with it. */
const withBase = (
  platforms: readonly (readonly [Platform, TarEntry[][]])[],
  work: (bench: Bench) => Promise<void>,
): Promise<void> =>
  withDirectory(async (directory) => {
    const path = join(directory, 'base.tar');
    const image = await imageOf(directory, platforms);
    await writeArchive({ image, name: parseReference('base:v1'), path, signal });
    await mkdir(join(directory, 'cache'));
    const choose: Bench['choose'] = (text = path) => chooseBase(text, directory, connect);
    const take: Bench['take'] = async (platform = amd64) => {
      const { store } = await choose();
      return takeBase({ store, platform, node, cacheDir: join(directory, 'cache'), progress, signal });
    };
    await work({ directory, path, choose, take });
  });

describe('a base', () => {
  test('gives its layers and its configuration', async () => {
    await withBase([[amd64, system(amd64)]], async ({ take }) => {
      const { layers, config } = await take();
      expect(layers.map(({ blob }) => [blob.digest, blob.bytes])).toEqual(
        layers.map(({ descriptor }) => [descriptor.digest, descriptor.size]),
      );
      expect([layers.length, config.rootfs.diff_ids.length, config.config?.Env]).toEqual([2, 2, ['LANG=C']]);
    });
  });

  test('for several platforms gives that which is asked for', async () => {
    const both = [
      [amd64, system(amd64)],
      [arm64, system(arm64)],
    ] as const;
    await withBase(both, async ({ take }) => {
      expect((await take()).config.architecture).toBe('amd64');
      // This one has the libraries; the Node of this test is for amd64 only.
      await expect(take(arm64)).rejects.toThrow('Node is not for linux/arm64.');
    });
  });

  test('for another platform is refused with the way out', async () => {
    await withBase([[amd64, system(amd64)]], async ({ take }) => {
      await expect(take(arm64)).rejects.toThrow(
        /has nothing for linux\/arm64, but for linux\/amd64\. Make an image for those: --platform/,
      );
    });
  });

  test('that says so only in its configuration is refused as well', async () => {
    await withBase([[arm64, system(arm64)]], async ({ directory, choose }) => {
      const { store } = await choose();
      const index = JSON.parse((await store.read(store.root)).toString()) as {
        manifests: [typeof store.root];
      };
      const only = { ...store, root: index.manifests[0] };
      const taking = takeBase({ store: only, platform: amd64, node, cacheDir: directory, progress, signal });
      await expect(taking).rejects.toThrow(/is for linux\/arm64, not for linux\/amd64/);
    });
  });

  test.each<[string, TarEntry[][], RegExp]>([
    ['without libraries', [[file('bin/static', 'x')]], /Node needs libc\.so\.6 for linux\/amd64/],
    [
      'with a libc that is too old',
      system(amd64, { has: ['GLIBC_2.17'] }),
      /Node needs GLIBC_2\.28 of libc\.so\.6/,
    ],
    ['with libraries of another machine', system(amd64, { machine: 183 }), /Node needs libc\.so\.6/],
    [
      'that removes what it had',
      [...system(amd64), [file('usr/lib64/.wh.libc.so.6', '')]],
      /Node needs libc\.so\.6/,
    ],
  ])('%s is refused: Node would not start', async (_, layers, message) => {
    await withBase([[amd64, layers]], async ({ take }) => {
      await expect(take()).rejects.toThrow(message);
      await expect(take()).rejects.toMatchObject({ code: 'library' });
    });
  });

  test('whose bytes are others than it says is refused', async () => {
    await withBase([[amd64, system(amd64)]], async ({ directory, choose }) => {
      const { store } = await choose();
      const lying = {
        ...store,
        async open() {
          return memoryBlob(Buffer.from('something else')).open();
        },
      };
      const taking = takeBase({
        store: lying,
        platform: amd64,
        node,
        cacheDir: join(directory, 'cache'),
        progress,
        signal,
      });
      await expect(taking).rejects.toThrow(/has something else under sha256:/);
    });
  });
});

const root = (name: string) => ({
  mediaType: '',
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
  annotations: { 'org.opencontainers.image.ref.name': name },
});

describe('--base', () => {
  test('is a layout, whose place does not become part of the image', async () => {
    await withBase([[amd64, system(amd64)]], async ({ directory, path, choose }) => {
      const { name, store } = await choose();
      expect(name).toBe(store.root.digest);
      expect((await choose(`${path}:v1`)).store.root.digest).toBe(store.root.digest);
      await expect(choose(`${path}:v2`)).rejects.toThrow(/has no image called v2: it has v1/);
      await expect(choose(join(directory, 'none'))).rejects.toThrow(/There is no OCI layout/);
      await expect(choose(join(directory, 'cache'))).rejects.toThrow(
        /is no OCI layout: it has no index\.json/,
      );
    });
  });

  test('is a directory as well', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'layout');
      const image = await smallImage();
      await writeLayout({ image, name: parseReference('base:v1'), path, signal });
      expect((await chooseBase(path, directory, connect)).store.root.digest).toBe(image.index.blob.digest);
    });
  });

  test('with several images has to say which', async () => {
    await withDirectory(async (directory) => {
      await writeFile(join(directory, 'index.json'), JSON.stringify({ manifests: [root('a'), root('b')] }));
      await expect(chooseBase(directory, directory, connect)).rejects.toThrow(
        /several images: it has a, b\. Say which/,
      );
    });
  });

  test.each(['debian:12', 'registry.example.com/base', 'registry.example.com/base:v1'])(
    'by name is refused without a digest: %s',
    async (text) => {
      await expect(chooseBase(text, '/nonexistent', connect)).rejects.toThrow(
        new RegExp(`name the base by its digest, ${text}@sha256:…`),
      );
    },
  );

  test('in a registry is taken from there', async () => {
    await TestRegistry.with({}, async (registry) => {
      await withDirectory(async (directory) => {
        const image = await imageOf(directory, [[amd64, system(amd64)]]);
        const to = parseReference(`${registry.host}/team/base:v1`);
        await push({ image, referrer: sbomReferrer(image, '{}', CREATED), to, progress, ...connect });
        const text = formatReference({ ...to, digest: image.index.blob.digest });
        const { store, name, reference } = await chooseBase(text, directory, connect);
        const taken = await takeBase({ store, platform: amd64, node, cacheDir: directory, progress, signal });
        expect(taken.layers.map(({ blob }) => blob.digest)).toEqual(
          image.images[0]?.blobs.slice(1).map(({ blob }) => blob.digest),
        );
        expect([name, reference?.repository]).toEqual([text, 'team/base']);
        const missing = formatReference({ ...to, digest: `sha256:${'0'.repeat(64)}` });
        await expect(chooseBase(missing, directory, connect)).rejects.toThrow(/has no sha256:000/);
      });
    });
  });
});
