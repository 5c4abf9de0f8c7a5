import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { PLATFORMS, type Platform } from '../platforms.ts';
import { CREATED, smallImage, smallLayer } from './image.fixture.ts';
import { imageIndex, platformImage, pullBytes, type Image, type ImageParts } from './image.ts';
import type { ImageConfig, Index, Manifest } from './types.ts';

const [amd64] = PLATFORMS as [Platform, Platform];

const json = async (stored: { blob: { open(): AsyncIterable<Uint8Array> } } | undefined): Promise<unknown> =>
  JSON.parse(stored === undefined ? '' : await text(stored.blob.open()));

const parts = async (): Promise<ImageParts> => ({
  platform: amd64,
  layers: [await smallLayer('a', 'A')],
  created: CREATED,
  annotations: { 'org.opencontainers.image.version': '1.0.0' },
  entrypoint: ['/node', '/main.cjs'],
  user: '65532:65532',
  env: { PATH: '/own' },
});

/** Of the runtime layer of each platform. */
const runtimes = ({ images }: Image) => images.map(({ blobs }) => blobs[1]?.blob.digest);

describe('an image', () => {
  test('of the same parts is the same image', async () => {
    const [one, other] = await Promise.all([smallImage(), smallImage()]);
    expect(other.index.blob.digest).toBe(one.index.blob.digest);
    expect((await smallImage('console.log(2)')).index.blob.digest).not.toBe(one.index.blob.digest);
  });

  test('shares its runtime layers with an older one whose programs were others', async () => {
    expect(runtimes(await smallImage('old'))).toEqual(runtimes(await smallImage('new')));
  });

  test('has an index that names a manifest for each platform', async () => {
    const { index, images } = await smallImage();
    const { manifests, annotations } = (await json(index)) as Index;
    expect(manifests).toMatchObject([
      { platform: { os: 'linux', architecture: 'amd64' }, digest: images[0]?.manifest.blob.digest },
      { platform: { os: 'linux', architecture: 'arm64' }, digest: images[1]?.manifest.blob.digest },
    ]);
    expect(annotations).toEqual({ 'org.opencontainers.image.version': '1.0.0' });
  });

  test('says how it is started, by whom, and what it is', async () => {
    const { manifest, blobs } = platformImage(await parts());
    const config = (await json(blobs[0])) as ImageConfig;
    expect(config).toMatchObject({
      architecture: 'amd64',
      os: 'linux',
      created: CREATED,
      config: {
        User: '65532:65532',
        Entrypoint: ['/node', '/main.cjs'],
        Env: ['PATH=/own'],
        Labels: { 'org.opencontainers.image.version': '1.0.0' },
      },
    });
    const { layers, config: descriptor } = (await json(manifest)) as Manifest;
    expect([descriptor, ...layers]).toEqual(blobs.map((each) => each.descriptor));
    expect(config.rootfs.diff_ids).toHaveLength(layers.length);
  });

  test('weighs what a machine pulls', async () => {
    const image = platformImage(await parts());
    const sizes = [image.manifest, ...image.blobs].map(({ descriptor }) => descriptor.size);
    expect(pullBytes(image)).toBe(sizes.reduce((sum, size) => sum + size, 0));
  });

  test('keeps the layers, variables and labels of its base below its own', async () => {
    const below = await smallLayer('base', 'B');
    const descriptor = {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
      digest: below.blob.digest,
      size: 9,
    };
    const base = {
      config: {
        architecture: 'amd64',
        os: 'linux',
        config: { User: '0', Cmd: ['sh'], Env: ['PATH=/bin', 'LANG=C'], Labels: { vendor: 'you' } },
        rootfs: { type: 'layers' as const, diff_ids: [below.diffId] },
        history: [{ created_by: 'you' }],
      },
      layers: [{ descriptor, blob: below.blob }],
    };
    const own = await parts();
    const { manifest, blobs } = platformImage({ ...own, base });
    const config = (await json(blobs[0])) as ImageConfig;
    expect(config.config).toEqual({
      User: '65532:65532',
      Env: ['LANG=C', 'PATH=/own'],
      Entrypoint: ['/node', '/main.cjs'],
      WorkingDir: '/',
      Labels: { vendor: 'you', 'org.opencontainers.image.version': '1.0.0' },
    });
    expect(config.rootfs.diff_ids).toEqual([below.diffId, own.layers[0]?.diffId]);
    expect(config.history?.map(({ created_by: by }) => by)).toEqual(['you', 'a']);
    expect(((await json(manifest)) as Manifest).layers[0]).toEqual(descriptor);
  });

  test('for one platform has an index all the same', async () => {
    const { index } = imageIndex([platformImage(await parts())], {});
    expect(((await json(index)) as Index).manifests).toHaveLength(1);
  });
});
