/** The image of pod sandboxes: one static program, as an OCI archive. */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { tar } from './tar.ts';

export const PAUSE_IMAGE = 'brupop.test/pause:1';

/** What Node calls an architecture → what OCI calls it. */
const ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

const MEDIA = 'application/vnd.oci.image';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** The archive of an image that runs `program`. The same program gives the same bytes. */
export function pauseArchive(program: Buffer, arch: string = process.arch): Buffer {
  const blobs: { name: string; content: Buffer }[] = [];
  const blob = (mediaType: string, content: Buffer): Descriptor => {
    const hex = createHash('sha256').update(content).digest('hex');
    blobs.push({ name: `blobs/sha256/${hex}`, content });
    return { mediaType: `${MEDIA}.${mediaType}`, digest: `sha256:${hex}`, size: content.length };
  };

  const layer = blob('layer.v1.tar', tar([{ name: 'pause', content: program, mode: 0o755 }]));
  const config = blob(
    'config.v1+json',
    json({
      architecture: ARCHITECTURES[arch] ?? arch,
      os: 'linux',
      config: { Entrypoint: ['/pause'], User: '65535:65535' },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  );
  const manifestType = `${MEDIA}.manifest.v1+json`;
  const manifest = blob(
    'manifest.v1+json',
    json({ schemaVersion: 2, mediaType: manifestType, config, layers: [layer] }),
  );
  const named = { ...manifest, annotations: { 'io.containerd.image.name': PAUSE_IMAGE } };
  return tar([
    { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', content: json({ schemaVersion: 2, manifests: [named] }) },
    ...blobs,
  ]);
}

/** Writes that archive, whole or not at all. */
export async function writePauseArchive(program: string, path: string): Promise<void> {
  const unfinished = `${path}.unfinished`;
  await writeFile(unfinished, pauseArchive(await readFile(program)));
  await rename(unfinished, path);
}
