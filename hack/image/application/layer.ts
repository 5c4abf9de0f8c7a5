/** The application layer: the bundles, what chooses between them, and licences. The same on every platform. */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT, bundleOf, OPERATOR, ROOT } from '../../bundle.ts';
import { file, type TarEntry } from '../archive/write.ts';
import { withWorkspace } from '../cache.ts';
import { fileBlob } from '../oci/blob.ts';
import type { Layer } from '../oci/image.ts';
import { writeLayer } from '../oci/layer.ts';
import { packagesOf, type NpmPackage } from './packages.ts';

/** Where the programs are in the image. */
export const APPLICATION = 'opt/brupop';
/** What the image runs; the arguments of a container follow it. */
export const LAUNCHER_PATH = `${APPLICATION}/main.cjs`;

export interface Application {
  layer: Layer;
  /** npm packages that are in the bundles. */
  packages: NpmPackage[];
}

const licences = (packages: readonly NpmPackage[]): TarEntry[] =>
  packages.flatMap(({ name, version, licence, texts }) => {
    const folder = `${APPLICATION}/licenses/${name}@${version}`;
    if (texts.size === 0) return [file(`${folder}/LICENSE`, `${licence}, as its package.json says\n`)];
    return [...texts].map(([each, text]) => file(`${folder}/${each}`, text));
  });

export interface ApplicationOptions {
  cacheDir: string;
  version: string;
  signal: AbortSignal;
}

/** Bundles the programs as they are in the working tree, and makes the layer. */
export async function applicationLayer({
  cacheDir,
  version,
  signal,
}: ApplicationOptions): Promise<Application> {
  const [agent, operator] = await Promise.all([bundleOf(AGENT), bundleOf(OPERATOR)]);
  const packages = await packagesOf([...agent.moduleIds, ...operator.moduleIds]);
  const launcher = await readFile(join(import.meta.dirname, 'launcher.cjs'));
  const licence = await readFile(join(ROOT, 'LICENSE'));
  const entries = [
    file(LAUNCHER_PATH, launcher),
    file(`${APPLICATION}/agent.cjs`, agent.code),
    file(`${APPLICATION}/brupop.cjs`, operator.code),
    file(`${APPLICATION}/LICENSE`, licence),
    ...licences(packages),
  ];
  return withWorkspace(cacheDir, async (directory) => {
    const draft = join(directory, 'layer');
    const { digest, bytes, diffId } = await writeLayer(draft, entries, signal);
    const path = join(cacheDir, `application-${digest.slice('sha256:'.length)}.tar.gz`);
    await rename(draft, path);
    return {
      packages,
      layer: { blob: fileBlob(path, digest, bytes), diffId, createdBy: `brupop ${version}` },
    };
  });
}
