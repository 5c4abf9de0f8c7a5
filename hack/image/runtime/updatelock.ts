/** `--update-lock`: writes down what npm and the mirrors of this machine have now. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { output } from '../command.ts';
import { ImageError } from '../errors.ts';
import { PLATFORMS, type Platform, type PlatformName } from '../platforms.ts';
import { withWorkspace } from '../cache.ts';
import { paragraph, privateApt, type Apt } from './apt.ts';
import {
  lockedByNpm,
  RUNTIME_LOCK,
  type LockedDebianPackage,
  type LockedNode,
  type LockedPlatform,
  type RuntimeLock,
} from './lock.ts';

/**
 * Libraries, CA roots, and `base-files` for os-release and the texts of licences. The copyright of GCC's libraries is in
 * a package that is named after its version; it is found by their dependencies.
 */
const PACKAGES = ['base-files', 'ca-certificates', 'libc6', 'libgcc-s1', 'libstdc++6'] as const;
const GCC_BASE = /\bgcc-\d+-base\b/;

export interface UpdateOptions {
  cacheDir: string;
  progress: (line: string) => void;
  signal: AbortSignal;
}

async function lookUpNode({ nodePackage }: Platform, signal: AbortSignal): Promise<LockedNode> {
  const { version, integrity } = await lockedByNpm(nodePackage);
  const spec = `${nodePackage}@${version}`;
  const answer = await output(['npm', 'view', spec, 'dist.integrity', '--json'], { signal });
  const published = JSON.parse(answer.toString()) as string;
  if (integrity !== undefined && integrity !== published) {
    throw new ImageError('integrity', `The registry has another ${spec} than package-lock.json.`);
  }
  return { name: nodePackage, version, integrity: published };
}

function lockedPackage(fields: Map<string, string>): LockedDebianPackage {
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    name: field('Package'),
    version: field('Version'),
    // `Source: glibc (2.36-9)` when the versions differ.
    source: (field('Source') || field('Package')).replace(/ .*/, ''),
    architecture: field('Architecture'),
    path: field('Filename'),
    bytes: Number(field('Size')),
    sha256: field('SHA256'),
  };
}

async function lookUpPackages(apt: Apt): Promise<LockedDebianPackage[]> {
  const show = async (name: string): Promise<Map<string, string>> =>
    paragraph(await apt.run('apt-cache', ['show', '--no-all-versions', name]));
  const found = await Promise.all(PACKAGES.map(show));
  const gcc = found.flatMap((fields) => GCC_BASE.exec(fields.get('Depends') ?? '')?.[0] ?? [])[0];
  const all = gcc === undefined ? found : [...found, await show(gcc)];
  return all.map(lockedPackage).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function releaseName(apt: Apt): Promise<string> {
  const listed = await apt.run('apt-get', [
    'indextargets',
    '--format',
    '$(CODENAME)',
    'Created-By: Packages',
  ]);
  const names = listed.split('\n').filter((line) => line !== '');
  return names.toSorted((a, b) => a.length - b.length)[0] ?? 'unknown';
}

const describe = ({ name, version }: { name: string; version: string }): string => `${name} ${version}`;

/** What changes, one line each. */
export function differences(before: RuntimeLock | undefined, after: RuntimeLock): string[] {
  return Object.entries(after.platforms).flatMap(([platform, { node, debian }]) => {
    const old = before?.platforms[platform as PlatformName];
    const known = new Set([...(old?.debian ?? []), ...(old === undefined ? [] : [old.node])].map(describe));
    return [node, ...debian]
      .map(describe)
      .filter((each) => !known.has(each))
      .map((each) => `${platform}: ${each}`);
  });
}

/** @returns what changed, one line each */
export async function updateLock({ cacheDir, progress, signal }: UpdateOptions): Promise<string[]> {
  const before = await readFile(RUNTIME_LOCK, 'utf8').then(
    (text) => JSON.parse(text) as RuntimeLock,
    () => undefined,
  );
  const after = await withWorkspace(cacheDir, async (directory): Promise<RuntimeLock> => {
    const platforms: Partial<Record<PlatformName, LockedPlatform>> = {};
    let release = '';
    for (const platform of PLATFORMS) {
      progress(`Asking the mirrors of this machine for ${platform.debian}`);
      const apt = await privateApt(directory, platform.debian, signal);
      await apt.run('apt-get', ['-qq', 'update']);
      release = await releaseName(apt);
      platforms[platform.name] = {
        node: await lookUpNode(platform, signal),
        debian: await lookUpPackages(apt),
      };
    }
    return { release, platforms: platforms as Record<PlatformName, LockedPlatform> };
  });
  const draft = `${RUNTIME_LOCK}.draft`;
  await writeFile(draft, `${JSON.stringify(after, null, 2)}\n`);
  await rename(draft, RUNTIME_LOCK);
  return differences(before, after);
}
