/** What an image says of itself: which source it was made of, and when that was written. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../bundle.ts';
import { output } from './command.ts';
import { ImageError } from './errors.ts';
import type { Annotations } from './oci/types.ts';

export interface Origin {
  version: string;
  description: string;
  /** SPDX expression for the project itself. */
  licence: string;
  /** Commit; with `-dirty` when the working tree has something else. */
  revision?: string;
  /** Where the source is published. */
  source?: string;
  /** RFC 3339: of the commit, or `SOURCE_DATE_EPOCH`. 1970 when neither is known. */
  created: string;
}

/** What an image is made of; a change elsewhere makes no other image. */
const INPUTS = ['src', 'hack/image', 'hack/bundle.ts', 'package.json', 'package-lock.json', 'LICENSE'];

/** What git says, without its last line feed; undefined when this is no checkout, or there is no git. */
async function git(root: string, ...args: [string, ...string[]]): Promise<string | undefined> {
  try {
    return (await output(['git', '-C', root, ...args])).toString().trim();
  } catch {
    return undefined;
  }
}

/** `git@host:path.git` and its like as a URL for people; undefined when it is no address in a network. */
export function sourceUrl(remote: string): string | undefined {
  const scp = /^[\w.-]+@([\w.-]+):(?!\/)(.+)$/.exec(remote);
  const text = scp === null ? remote.replace(/^git\+/, '') : `https://${scp[1]}/${scp[2]}`;
  const url = URL.parse(text);
  if (url === null || !['https:', 'http:', 'ssh:', 'git:'].includes(url.protocol)) return undefined;
  return `https://${url.host}${url.pathname.replace(/\.git$/, '').replace(/\/$/, '')}`;
}

/** `SOURCE_DATE_EPOCH`, in seconds. @throws ImageError when it is no number of seconds */
export function sourceDate(env: NodeJS.ProcessEnv): string | undefined {
  const text = env['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return undefined;
  const ms = /^\d{1,11}$/.test(text) ? Number(text) * 1000 : Number.NaN;
  if (Number.isNaN(ms))
    throw new ImageError('usage', `SOURCE_DATE_EPOCH=${text} is no number of seconds since 1970.`);
  return toText(ms);
}

const toText = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

interface PackageJson {
  version: string;
  description: string;
  license: string;
  repository?: string | { url: string };
}

export interface DescribeOptions {
  /** Root of the checkout. @default that of this file */
  root?: string;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** Wins over what package.json and git say. */
  source?: string | undefined;
}

async function findSource(root: string, { repository }: PackageJson): Promise<string | undefined> {
  const declared = typeof repository === 'string' ? repository : repository?.url;
  const remote = declared ?? (await git(root, 'remote', 'get-url', 'origin'));
  return remote === undefined ? undefined : sourceUrl(remote);
}

export async function describeOrigin(options: DescribeOptions = {}): Promise<Origin> {
  const { root = ROOT, env = process.env } = options;
  const packageJson = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as PackageJson;
  const commit = await git(root, 'rev-parse', 'HEAD');
  const changed = await git(root, 'status', '--porcelain', '--', ...INPUTS);
  const seconds = await git(root, 'log', '-1', '--format=%ct');
  const source = options.source ?? (await findSource(root, packageJson));
  const dirty = changed === undefined || changed === '' ? '' : '-dirty';
  return {
    version: packageJson.version,
    description: packageJson.description,
    licence: packageJson.license,
    ...(commit === undefined ? {} : { revision: `${commit}${dirty}` }),
    ...(source === undefined ? {} : { source }),
    created: sourceDate(env) ?? toText(Number(seconds ?? 0) * 1000),
  };
}

const PREFIX = 'org.opencontainers.image';

/**
 * The annotations of OCI.
 * @param licences SPDX expressions of everything that is in the image
 */
export function annotationsOf(origin: Origin, licences: readonly string[]): Annotations {
  const { version, description, created, revision, source } = origin;
  return {
    [`${PREFIX}.title`]: 'brupop',
    [`${PREFIX}.description`]: description,
    [`${PREFIX}.version`]: version,
    ...(revision === undefined ? {} : { [`${PREFIX}.revision`]: revision }),
    ...(source === undefined ? {} : { [`${PREFIX}.source`]: source }),
    [`${PREFIX}.licenses`]: [...new Set(licences)].toSorted().join(' AND '),
    [`${PREFIX}.created`]: created,
  };
}

/** What it is laid upon. */
export const baseAnnotations = (name: string, digest: string): Annotations => ({
  [`${PREFIX}.base.name`]: name,
  [`${PREFIX}.base.digest`]: digest,
});
