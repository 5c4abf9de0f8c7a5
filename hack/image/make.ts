/** Makes the image out of its parts. */
import { applicationLayer } from './application/layer.ts';
import { LAUNCHER_PATH } from './application/layer.ts';
import { chooseBase, type Base } from './base/choose.ts';
import { takeBase } from './base/take.ts';
import { annotationsOf, baseAnnotations, type Origin } from './describe.ts';
import {
  imageIndex,
  platformImage,
  type BaseImage,
  type Image,
  type Layer,
  type PlatformImage,
} from './oci/image.ts';
import type { Annotations } from './oci/types.ts';
import type { Platform } from './platforms.ts';
import { nodeElf, runtimeLayer } from './runtime/build.ts';
import { CA_BUNDLE, NODE_PATH, USER_ID } from './runtime/layer.ts';
import { lockedPlatform, readLock, type LockedPlatform } from './runtime/lock.ts';
import { debianLicence } from './sbom/licences.ts';
import { sbomReferrer, type Referrer } from './sbom/referrer.ts';
import { spdxDocument } from './sbom/spdx.ts';

export interface MakeOptions {
  platforms: readonly Platform[];
  origin: Origin;
  /** As `--base` names it. */
  base?: string | undefined;
  cacheDir: string;
  /** For drafts; has to stay until the image was written. */
  workspace: string;
  progress: (line: string) => void;
  signal: AbortSignal;
}

export interface Made {
  image: Image;
  /** SPDX, as JSON. */
  sbom: string;
  referrer: Referrer;
  base?: Base;
}

interface PlatformParts {
  locked: LockedPlatform;
  runtime: Layer;
  base?: BaseImage;
}

async function partsOf(
  options: MakeOptions,
  platform: Platform,
  base: Base | undefined,
): Promise<PlatformParts> {
  const locked = await lockedPlatform(await readLock(), platform);
  const own = { ...options, platform, locked, nodeOnly: base !== undefined };
  if (base === undefined) return { locked, runtime: await runtimeLayer(own) };
  // First, since it is what may not fit.
  const taken = await takeBase({ ...options, platform, store: base.store, node: await nodeElf(own) });
  return { locked, runtime: await runtimeLayer(own), base: taken };
}

/** Where programs are looked for in a container. */
const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const OWN_PATH = `/${NODE_PATH.slice(0, NODE_PATH.lastIndexOf('/'))}`;

function environment(base: BaseImage | undefined): Record<string, string> {
  if (base === undefined) return { PATH: OWN_PATH, SSL_CERT_FILE: `/${CA_BUNDLE}` };
  const path = base.config.config?.Env?.find((each) => each.startsWith('PATH='))?.slice('PATH='.length);
  return { PATH: `${OWN_PATH}:${path ?? SEARCH_PATH}` };
}

function licencesOf(
  origin: Origin,
  parts: readonly PlatformParts[],
  npm: readonly { licence: string }[],
): string[] {
  const system = parts.flatMap(({ locked, base }) =>
    base === undefined ? locked.debian.map(({ name }) => debianLicence(name)) : [],
  );
  const all = [origin.licence, 'MIT', ...npm.map(({ licence }) => licence), ...system];
  return all.flatMap((each) => each.split(' AND ')).filter((each) => each !== 'NOASSERTION');
}

const user = `${USER_ID}:${USER_ID}`;
const entrypoint = [`/${NODE_PATH}`, `/${LAUNCHER_PATH}`];

interface Assembly {
  options: MakeOptions;
  application: Layer;
  annotations: Annotations;
}

const assemble = (
  { options, application, annotations }: Assembly,
  platform: Platform,
  { runtime, base }: PlatformParts,
): PlatformImage =>
  platformImage({
    platform,
    base,
    layers: [runtime, application],
    created: options.origin.created,
    annotations,
    entrypoint,
    user,
    env: environment(base),
  });

/** @throws ImageError when a part cannot be had or does not fit */
export async function makeImage(options: MakeOptions): Promise<Made> {
  const { origin, platforms, workspace, signal, progress } = options;
  const base = options.base === undefined ? undefined : await chooseBase(options.base, workspace, { signal });
  const parts = await Promise.all(platforms.map((platform) => partsOf(options, platform, base)));
  progress('Bundling the programs');
  const { layer: application, packages } = await applicationLayer({
    workspace,
    version: origin.version,
    signal,
  });
  const annotations = {
    ...annotationsOf(origin, licencesOf(origin, parts, packages)),
    ...(base === undefined ? {} : baseAnnotations(base.name, base.store.root.digest)),
  };
  const assembly = { options, application, annotations };
  const images = parts.flatMap((each, index) => {
    const platform = platforms[index];
    return platform === undefined ? [] : [assemble(assembly, platform, each)];
  });
  const image = imageIndex(images, annotations);
  const sbom = spdxDocument({
    image,
    origin,
    release: (await readLock()).release,
    platforms: parts.map(({ locked }) => locked),
    npm: packages,
    base: base === undefined ? undefined : { name: base.name, digest: base.store.root.digest },
  });
  const referrer = sbomReferrer(image, sbom, origin.created);
  return { image, sbom, referrer, ...(base === undefined ? {} : { base }) };
}
