/** Puts layers together: the image of a platform, and the index over all of them. */
import type { Platform } from '../platforms.ts';
import { descriptorOf, jsonBlob, type Blob } from './blob.ts';
import {
  MEDIA_TYPES,
  type Annotations,
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
} from './types.ts';

export interface Layer {
  blob: Blob;
  /** Digest of the archive before compression. */
  diffId: string;
  /** For `history`. */
  createdBy: string;
}

/** What an image of a platform is laid upon. */
export interface BaseImage {
  config: ImageConfig;
  layers: { descriptor: Descriptor; blob: Blob }[];
}

export interface ImageParts {
  platform: Platform;
  base?: BaseImage | undefined;
  layers: readonly Layer[];
  /** When it was made, RFC 3339. */
  created: string;
  /** Labels of the image, and annotations of its manifest. */
  annotations: Annotations;
  entrypoint: readonly string[];
  user: string;
  /** Variables; they win over those of the base. */
  env: Readonly<Record<string, string>>;
}

/** Something that a registry or a layout holds: descriptor and bytes. */
export interface Stored {
  descriptor: Descriptor;
  blob: Blob;
}

export interface PlatformImage {
  platform: Platform;
  manifest: Stored;
  /** Configuration and layers. */
  blobs: Stored[];
}

export interface Image {
  index: Stored;
  images: PlatformImage[];
}

const stored = (mediaType: string, blob: Blob): Stored => ({
  descriptor: descriptorOf(mediaType, blob),
  blob,
});

function variables(base: readonly string[], own: Readonly<Record<string, string>>): string[] {
  const kept = base.filter((each) => !Object.hasOwn(own, each.split('=', 1)[0] ?? ''));
  return [...kept, ...Object.entries(own).map(([name, value]) => `${name}=${value}`)];
}

function configOf({
  platform,
  base,
  layers,
  created,
  annotations,
  entrypoint,
  user,
  env,
}: ImageParts): ImageConfig {
  return {
    created,
    architecture: platform.architecture,
    os: platform.os,
    config: {
      User: user,
      Env: variables(base?.config.config?.Env ?? [], env),
      Entrypoint: [...entrypoint],
      WorkingDir: '/',
      Labels: { ...base?.config.config?.Labels, ...annotations },
    },
    rootfs: {
      type: 'layers',
      diff_ids: [...(base?.config.rootfs.diff_ids ?? []), ...layers.map(({ diffId }) => diffId)],
    },
    history: [
      ...(base?.config.history ?? []),
      ...layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
    ],
  };
}

export function platformImage(parts: ImageParts): PlatformImage {
  const { platform, base, layers, annotations } = parts;
  const config = stored(MEDIA_TYPES.config, jsonBlob(configOf(parts)));
  const all = [...(base?.layers ?? []), ...layers.map(({ blob }): Stored => stored(MEDIA_TYPES.layer, blob))];
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: config.descriptor,
    layers: all.map(({ descriptor }) => descriptor),
    annotations,
  };
  return { platform, manifest: stored(MEDIA_TYPES.manifest, jsonBlob(manifest)), blobs: [config, ...all] };
}

/** The index by which a machine finds the image of its platform. */
export function imageIndex(images: readonly PlatformImage[], annotations: Annotations): Image {
  const index: Index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform: { os, architecture } }) => ({
      ...manifest.descriptor,
      platform: { architecture, os },
    })),
    annotations,
  };
  return { index: stored(MEDIA_TYPES.index, jsonBlob(index)), images: [...images] };
}

/** Compressed size of what a machine pulls, in bytes. */
export const pullBytes = ({ manifest, blobs }: PlatformImage): number =>
  [manifest, ...blobs].reduce((sum, { blob }) => sum + blob.bytes, 0);
