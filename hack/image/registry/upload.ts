/** Brings a blob into a registry: not at all when it is there, from a neighbour, as a whole, or in pieces. */
import type { Source } from '../archive/write.ts';
import type { Blob } from '../oci/blob.ts';
import type { RegistryClient } from './client.ts';
import type { RegistryResponse } from './transport.ts';

/** Of what a registry takes that refuses a whole layer. */
const PIECE_BYTES = 8 << 20;
const TOO_LARGE = 413;

export interface UploadOptions {
  client: RegistryClient;
  blob: Blob;
  /** Repository of the same registry that has it. */
  from?: string | undefined;
  /** Called with what was sent so far; begins anew when the blob is sent again. */
  sent?: (bytes: number) => void;
}

/** The source, telling how far it was read. */
const counted = (source: Source, sent: (bytes: number) => void): Source => ({
  bytes: source.bytes,
  async *open() {
    let bytes = 0;
    for await (const chunk of source.open()) {
      bytes += chunk.length;
      sent(bytes);
      yield chunk;
    }
  },
});

const withDigest = (location: URL, digest: string): URL => {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return url;
};

const OCTETS = { 'content-type': 'application/octet-stream' };

async function startUpload({ client, blob, from }: UploadOptions): Promise<URL | 'mounted'> {
  const mount = from === undefined ? '' : `?${new URLSearchParams({ mount: blob.digest, from }).toString()}`;
  const url = `blobs/uploads/${mount}`;
  const response = await client.request({ method: 'POST', url }, [201, 202]);
  response.body.resume();
  return response.status === 201 ? 'mounted' : client.locationOf(response, url);
}

/** Pieces of equal length, the last one shorter. */
async function* pieces(source: Source): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source.open()) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + PIECE_BYTES - bytes);
      at += part.length;
      bytes += part.length;
      held.push(part);
      if (bytes < PIECE_BYTES) continue;
      yield Buffer.concat(held);
      held = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(held);
}

async function uploadInPieces(options: UploadOptions, source: Source): Promise<void> {
  const { client, blob } = options;
  let location = await startUpload({ client, blob });
  if (location === 'mounted') return;
  let at = 0;
  for await (const piece of pieces(source)) {
    const headers = { ...OCTETS, 'content-range': `${at}-${at + piece.length - 1}` };
    const body: Source = {
      bytes: piece.length,
      async *open() {
        yield piece;
      },
    };
    const asked: URL = location;
    const response: RegistryResponse = await client.request(
      { method: 'PATCH', url: asked, headers, body },
      [201, 202, 204],
    );
    response.body.resume();
    location = client.locationOf(response, asked);
    at += piece.length;
  }
  const end = await client.request({ method: 'PUT', url: withDigest(location, blob.digest) }, [201, 204]);
  end.body.resume();
}

/** @returns how it got there */
export async function upload(options: UploadOptions): Promise<'there' | 'mounted' | 'sent'> {
  const { client, blob, sent = () => undefined } = options;
  if (await client.hasBlob(blob.digest)) return 'there';
  const location = await startUpload(options);
  if (location === 'mounted') return 'mounted';
  const body = counted(blob, sent);
  const url = withDigest(location, blob.digest);
  const response = await client.request({ method: 'PUT', url, headers: OCTETS, body }, [201, 204, TOO_LARGE]);
  response.body.resume();
  // Something on the way limits the size of a request.
  if (response.status === TOO_LARGE) await uploadInPieces(options, body);
  return 'sent';
}
