/** Bytes with a digest, in memory or in a file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Source } from '../archive/write.ts';
import type { Descriptor } from './types.ts';

export interface Blob extends Source {
  /** `sha256:…` */
  digest: string;
}

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export const memoryBlob = (bytes: Uint8Array): Blob => ({
  digest: digestOf(bytes),
  bytes: bytes.length,
  async *open() {
    yield bytes;
  },
});

/** The file has to hold these bytes. */
export const fileBlob = (path: string, digest: string, bytes: number): Blob => ({
  digest,
  bytes,
  open: () => createReadStream(path, { highWaterMark: 1 << 20 }),
});

/** As it is written: keys in their order, without spaces. */
export const jsonBlob = (value: unknown): Blob => memoryBlob(Buffer.from(JSON.stringify(value)));

export const descriptorOf = (mediaType: string, { digest, bytes }: Blob): Descriptor => ({
  mediaType,
  digest,
  size: bytes,
});
