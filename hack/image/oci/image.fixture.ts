/** A small image for tests: everything that a real one has, without Node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { file } from '../archive/write.ts';
import { PLATFORMS } from '../platforms.ts';
import { memoryBlob } from './blob.ts';
import { imageIndex, platformImage, type Image, type Layer } from './image.ts';
import { writeLayer } from './layer.ts';

export const CREATED = '2026-11-21T00:00:00Z';

export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'brupop-image-test-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A layer with one file. */
export const smallLayer = (path: string, text: string): Promise<Layer> =>
  withDirectory(async (directory) => {
    const draft = join(directory, 'layer');
    const { diffId } = await writeLayer(draft, [file(path, text)]);
    return { blob: memoryBlob(await readFile(draft)), diffId, createdBy: path };
  });

/** An index over both platforms: a layer for each, and one that they share. */
export async function smallImage(text = 'console.log(1)'): Promise<Image> {
  const application = await smallLayer('opt/app/main.cjs', text);
  const images = await Promise.all(
    PLATFORMS.map(async (platform) =>
      platformImage({
        platform,
        layers: [await smallLayer('opt/runtime', platform.architecture), application],
        created: CREATED,
        annotations: { 'org.opencontainers.image.version': '1.0.0' },
        entrypoint: ['/opt/runtime'],
        user: '65532:65532',
        env: { PATH: '/opt' },
      }),
    ),
  );
  return imageIndex(images, { 'org.opencontainers.image.version': '1.0.0' });
}
