import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listedImages, namedImages } from './images.ts';
import { PAUSE_IMAGE, pauseArchive, writePauseArchive } from './pauseimage.ts';
import { tar } from './tar.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'brupop-images-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** What the system's own tar makes of it. */
const systemTar = (archive: Buffer, ...args: string[]): Buffer =>
  execFileSync('tar', [...args, '--file', '-'], { input: archive });
const fileIn = (archive: Buffer, name: string): Buffer =>
  execFileSync('tar', ['--extract', '--to-stdout', '--file', '-', name], { input: archive });

interface Descriptor {
  digest: string;
  size: number;
}
const blobOf = (archive: Buffer, { digest }: Descriptor): Buffer =>
  fileIn(archive, `blobs/${digest.replace(':', '/')}`);

describe('a tar archive', () => {
  const archive = tar([
    { name: 'pause', content: Buffer.from('a program'), mode: 0o755 },
    { name: 'blobs/block', content: Buffer.alloc(512, 'x') },
    { name: 'empty', content: Buffer.alloc(0) },
  ]);

  it('is read by the system', () => {
    const list = systemTar(archive, '--list', '--verbose', '--numeric-owner').toString();
    expect(list.split('\n').slice(0, 3)).toEqual([
      expect.stringMatching(/^-rwxr-xr-x 0\/0\s+9 .* pause$/),
      expect.stringMatching(/^-rw-r--r-- 0\/0\s+512 .* blobs\/block$/),
      expect.stringMatching(/^-rw-r--r-- 0\/0\s+0 .* empty$/),
    ]);
    expect(fileIn(archive, 'pause').toString()).toBe('a program');
    expect(fileIn(archive, 'blobs/block')).toHaveLength(512);
  });

  it('takes no names that do not fit', () => {
    expect(() => tar([{ name: 'x'.repeat(101), content: Buffer.alloc(0) }])).toThrow(RangeError);
  });
});

describe('the image of pod sandboxes', () => {
  const archive = pauseArchive(Buffer.from('a static program'), 'x64');

  it('runs the program, as nobody', () => {
    const index = JSON.parse(fileIn(archive, 'index.json').toString()) as { manifests: Descriptor[] };
    const manifest = JSON.parse(blobOf(archive, index.manifests[0]!).toString()) as {
      config: Descriptor;
      layers: Descriptor[];
    };
    const config = JSON.parse(blobOf(archive, manifest.config).toString()) as Record<string, unknown>;
    expect(config).toMatchObject({
      architecture: 'amd64',
      os: 'linux',
      config: { Entrypoint: ['/pause'], User: '65535:65535' },
      rootfs: { diff_ids: [manifest.layers[0]!.digest] },
    });
    const layer = blobOf(archive, manifest.layers[0]!);
    expect(layer).toHaveLength(manifest.layers[0]!.size);
    expect(fileIn(layer, 'pause').toString()).toBe('a static program');
  });

  it('is named for containerd', () => {
    expect(namedImages(fileIn(archive, 'index.json').toString())).toEqual([
      { name: PAUSE_IMAGE, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string },
    ]);
  });

  it('is the same for the same program', async () => {
    const program = join(dir, 'pause');
    writeFileSync(program, 'a static program');
    await writePauseArchive(program, join(dir, 'pause.tar'));
    const same = pauseArchive(Buffer.from('a static program'));
    expect(readFileSync(join(dir, 'pause.tar')).equals(same)).toBe(true);
    expect(pauseArchive(Buffer.from('another')).equals(same)).toBe(false);
  });
});

describe('what containerd has', () => {
  it('is read from the table of ctr', () => {
    const table = [
      'REF                     TYPE                                       DIGEST      SIZE    PLATFORMS   LABELS',
      'brupop.test/app:1       application/vnd.oci.image.manifest.v1+json sha256:aaaa 8.6 MiB linux/amd64 io.cri-containerd.image=managed',
      'sha256:cccc             application/vnd.oci.image.index.v1+json    sha256:bbbb 1.4 MiB linux/amd64 -',
      '',
    ].join('\n');
    expect(listedImages(table)).toEqual([
      { name: 'brupop.test/app:1', digest: 'sha256:aaaa' },
      { name: 'sha256:cccc', digest: 'sha256:bbbb' },
    ]);
  });

  it('is compared by name: parts of an image without one are no images', () => {
    expect(namedImages('{"manifests":[{"digest":"sha256:a"}]}')).toEqual([]);
    expect(namedImages('{}')).toEqual([]);
  });
});
