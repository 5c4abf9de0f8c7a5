/** The application layer: the bundles, what chooses between them, and licences. The same on every platform. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT, bundleOf, OPERATOR, ROOT } from '../../bundle.ts';
import { file, type TarEntry } from '../archive/write.ts';
import { memoryBlob } from '../oci/blob.ts';
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
  /** For drafts. */
  workspace: string;
  version: string;
  signal: AbortSignal;
}

/** Bundles the programs as they are in the working tree, and makes the layer. */
export async function applicationLayer(options: ApplicationOptions): Promise<Application> {
  const { workspace, version, signal } = options;
  const [agent, operator] = await Promise.all([bundleOf(AGENT), bundleOf(OPERATOR)]);
  const packages = await packagesOf([...agent.moduleIds, ...operator.moduleIds]);
  const entries = [
    file(LAUNCHER_PATH, await readFile(join(import.meta.dirname, 'launcher.cjs'))),
    file(`${APPLICATION}/agent.cjs`, agent.code),
    file(`${APPLICATION}/brupop.cjs`, operator.code),
    file(`${APPLICATION}/LICENSE`, await readFile(join(ROOT, 'LICENSE'))),
    ...licences(packages),
  ];
  const draft = join(workspace, 'application.tar.gz');
  const { diffId } = await writeLayer(draft, entries, signal);
  const blob = memoryBlob(await readFile(draft));
  return { packages, layer: { blob, diffId, createdBy: `brupop ${version}` } };
}
