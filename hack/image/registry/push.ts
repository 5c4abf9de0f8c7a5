/** Pushes an image and its bill of materials. The tag is set last: until then nobody sees any of it. */
import { ImageError } from '../errors.ts';
import { digestOf, jsonBlob } from '../oci/blob.ts';
import type { Image, Stored } from '../oci/image.ts';
import { contents } from '../oci/layout.ts';
import { MEDIA_TYPES, type Index } from '../oci/types.ts';
import type { Reference } from '../reference.ts';
import type { Referrer } from '../sbom/referrer.ts';
import { RegistryClient, type ClientOptions } from './client.ts';
import { upload } from './upload.ts';

export interface PushOptions extends Pick<ClientOptions, 'signal' | 'credentials' | 'sleep'> {
  image: Image;
  referrer: Referrer;
  /** Where to; by digest alone when it has no tag. */
  to: Reference;
  /** Where the base is; when that is the same registry, its layers need not be sent. */
  base?: Reference | undefined;
  progress: (line: string) => void;
}

const isManifest = ({ descriptor: { mediaType } }: Stored): boolean =>
  mediaType === MEDIA_TYPES.manifest || mediaType === MEDIA_TYPES.index;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Least part of a blob between two lines about it. */
const STEP = 0.25;

/** Says how far a blob is, for those that take a while. */
function meter(what: string, total: number, progress: (line: string) => void): (bytes: number) => void {
  let next = STEP;
  return (sent) => {
    if (sent / total < next || total < 1e6 || sent >= total) return;
    progress(`${what}: ${megabytes(sent)} of ${megabytes(total)}`);
    next = (Math.floor(sent / total / STEP) + 1) * STEP;
  };
}

const DONE = { there: 'is there already', mounted: 'was taken from the base', sent: 'sent' } as const;

async function pushBlobs(
  client: RegistryClient,
  blobs: readonly Stored[],
  options: PushOptions,
): Promise<void> {
  const { base, to, progress } = options;
  const from =
    base?.registry === to.registry && base.repository !== to.repository ? base.repository : undefined;
  if (from !== undefined) client.alsoRead(from);
  for (const { blob } of blobs) {
    const what = `${blob.digest.slice(0, 19)} (${megabytes(blob.bytes)})`;
    const how = await upload({ client, blob, from, sent: meter(what, blob.bytes, progress) });
    progress(`${what} ${DONE[how]}`);
  }
}

const put = (client: RegistryClient, { descriptor, blob }: Stored, reference = blob.digest) =>
  client.putManifest(reference, { mediaType: descriptor.mediaType, body: blob });

/** The tag under which a registry without an API for it is asked for what refers to a digest. */
const referrersTag = (digest: string): string => digest.replace(':', '-');

/** Enters a referrer into the list that clients keep themselves where the registry does not. */
async function listReferrer(client: RegistryClient, { manifest, subject }: Referrer): Promise<void> {
  const tag = referrersTag(subject.blob.digest);
  const before = await client.manifest(tag);
  const listed =
    before === undefined ? [] : ((JSON.parse(before.content.toString()) as Index).manifests ?? []);
  if (listed.some(({ digest }) => digest === manifest.descriptor.digest)) return;
  const index: Index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [...listed, manifest.descriptor],
  };
  await client.putManifest(tag, { mediaType: MEDIA_TYPES.index, body: jsonBlob(index) });
}

/** Asks for what was put there. @throws ImageError when it is something else */
async function check(client: RegistryClient, reference: string, { blob }: Stored): Promise<void> {
  const found = await client.manifest(reference);
  if (found !== undefined && digestOf(found.content) === blob.digest) return;
  throw new ImageError(
    'registry',
    `${client.registry} has something else under ${reference} than was put there.`,
  );
}

/** @throws ImageError when the registry refuses; then no tag has changed */
export async function push(options: PushOptions): Promise<void> {
  const { image, referrer, to, signal, credentials, sleep, progress } = options;
  const client = new RegistryClient({
    reference: to,
    actions: 'pull,push',
    signal,
    ...(credentials === undefined ? {} : { credentials }),
    ...(sleep === undefined ? {} : { sleep }),
  });
  progress(`Pushing to ${to.registry}/${to.repository}`);
  const all = contents(image);
  await pushBlobs(client, [...all.filter((each) => !isManifest(each)), ...referrer.blobs], options);
  for (const { manifest } of image.images) await put(client, manifest);
  await put(client, image.index);
  const { knowsReferrers } = await put(client, referrer.manifest);
  if (!knowsReferrers) await listReferrer(client, referrer);
  const reference = to.tag ?? image.index.blob.digest;
  if (to.tag !== undefined) await put(client, image.index, to.tag);
  await check(client, reference, image.index);
}
