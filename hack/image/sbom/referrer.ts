/** A bill of materials as an artifact that refers to its image. */
import { descriptorOf, jsonBlob, memoryBlob } from '../oci/blob.ts';
import type { Image, Stored } from '../oci/image.ts';
import { MEDIA_TYPES, type Manifest } from '../oci/types.ts';

export interface Referrer {
  manifest: Stored;
  blobs: Stored[];
  /** What it refers to. */
  subject: Stored;
}

export function sbomReferrer({ index }: Image, document: string, created: string): Referrer {
  const sbom = memoryBlob(Buffer.from(document));
  const empty = memoryBlob(Buffer.from('{}'));
  const layer = {
    ...descriptorOf(MEDIA_TYPES.spdx, sbom),
    annotations: { 'org.opencontainers.image.title': 'brupop.spdx.json' },
  };
  const config = descriptorOf(MEDIA_TYPES.empty, empty);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: MEDIA_TYPES.spdx,
    config,
    layers: [layer],
    subject: index.descriptor,
    annotations: { 'org.opencontainers.image.created': created },
  };
  const blob = jsonBlob(manifest);
  return {
    manifest: {
      blob,
      descriptor: { ...descriptorOf(MEDIA_TYPES.manifest, blob), artifactType: MEDIA_TYPES.spdx },
    },
    blobs: [
      { descriptor: config, blob: empty },
      { descriptor: layer, blob: sbom },
    ],
    subject: index,
  };
}
