/** Which npm packages are in a bundle, and under which licence. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '../errors.ts';

export interface NpmPackage {
  name: string;
  version: string;
  /** SPDX expression of its package.json; NOASSERTION when it has none. */
  licence: string;
  /** Texts of licence and notice, by file name. */
  texts: Map<string, Buffer>;
}

/** Up to the innermost package of a path: a package can have others in itself. */
const PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/;
const LEGAL = /^(?:licen[cs]e|copying|notice|copyright)/i;

/** Directories of the packages that modules are of. */
export const packageDirectories = (moduleIds: readonly string[]): string[] =>
  [...new Set(moduleIds.flatMap((id) => PACKAGE.exec(id)?.[0] ?? []))].toSorted();

interface PackageJson {
  name: string;
  version: string;
  license?: string | { type?: string };
}

async function read(directory: string): Promise<NpmPackage> {
  const { name, version, license } = JSON.parse(
    await readFile(join(directory, 'package.json'), 'utf8'),
  ) as PackageJson;
  const licence = (typeof license === 'string' ? license : license?.type) ?? 'NOASSERTION';
  const names = (await readdir(directory)).filter((each) => LEGAL.test(each)).toSorted();
  const texts = new Map<string, Buffer>();
  for (const each of names) texts.set(each, await readFile(join(directory, each)));
  if (texts.size === 0 && licence === 'NOASSERTION') {
    throw new ImageError('integrity', `${name} ${version} does not say under which licence it is.`);
  }
  return { name, version, licence, texts };
}

/** The packages of bundles, each version once, by name. */
export async function packagesOf(moduleIds: readonly string[]): Promise<NpmPackage[]> {
  const found = await Promise.all(packageDirectories(moduleIds).map(read));
  const unique = new Map(found.map((each) => [`${each.name}@${each.version}`, each]));
  return [...unique.values()].toSorted((a, b) =>
    `${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1,
  );
}
