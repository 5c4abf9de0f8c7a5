/** The command line of `npm run image`. */
import { parseArgs } from 'node:util';
import { ImageError } from '../errors.ts';
import { PLATFORMS, type Platform } from '../platforms.ts';
import { formatReference, parseReference, type Reference } from '../reference.ts';

export const HELP = `npm run image [-- OPTIONS]

Makes the OCI image of controller, API server and agent, for every platform, without a container runtime. The same
commit makes the same image everywhere.

  --output PATH        a file that ends in .tar becomes an OCI archive, anything else a directory with an OCI layout;
                       default, when nothing is pushed: dist/brupop-image.tar
  --push REF           pushes it, with its bill of materials; as whom, the files of docker login or skopeo login say
  --tag NAME           what the image is called in the archive; default: brupop:vVERSION
  --platform LIST      linux/amd64, linux/arm64 or both, with commas; default: both
  --base IMAGE         your own image with glibc to lay Node and the programs upon, instead of a few packages of Debian:
                       NAME@sha256:…, or a path to an OCI layout or archive (PATH:TAG when it holds several)
  --sbom FILE          writes the bill of materials, SPDX 2.3 as JSON
  --source URL         where the source is published; default: repository of package.json, else the remote "origin"
  --update-lock        writes the versions that the registry and the package mirrors have now to
                       hack/image/runtime.lock.json, and makes nothing
  --help

What was fetched or made before is kept in ~/.cache/brupop/image. SOURCE_DATE_EPOCH sets the image's date, which is that
of the commit otherwise. Prints name and digest of the image. Exit codes: 0 done, 1 not, 2 wrong command line,
130 interrupted.
`;

export interface Options {
  output?: string;
  push?: Reference;
  /** What the image is called in archive and layout. */
  name: Reference;
  platforms: readonly Platform[];
  base?: string;
  sbom?: string;
  source?: string;
}

export type Command = { does: 'help' } | { does: 'update-lock' } | { does: 'make'; options: Options };

function platformsOf(texts: readonly string[]): readonly Platform[] {
  const names = texts.flatMap((text) => text.split(',')).filter((name) => name !== '');
  const unknown = names.filter((name) => !PLATFORMS.some((platform) => platform.name === name));
  if (unknown.length > 0) {
    const known = PLATFORMS.map(({ name }) => name).join(', ');
    throw new ImageError('usage', `There is no image for ${unknown.join(', ')}, only for ${known}.`);
  }
  return names.length === 0 ? PLATFORMS : PLATFORMS.filter(({ name }) => names.includes(name));
}

/** A name without a version gets the version of the program. */
function tagged(text: string, version: string): Reference {
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw new ImageError('usage', `${text} has a digest, which is what comes out: name a tag, or nothing.`);
  }
  return reference.tag === undefined ? { ...reference, tag: `v${version}` } : reference;
}

const DEFAULT_OUTPUT = 'dist/brupop-image.tar';

const parse = (argv: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        output: { type: 'string' },
        push: { type: 'string' },
        tag: { type: 'string', default: 'brupop' },
        platform: { type: 'string', multiple: true, default: [] },
        base: { type: 'string' },
        sbom: { type: 'string' },
        source: { type: 'string' },
        'update-lock': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new ImageError('usage', `${(error as Error).message} (npm run image -- --help)`, error);
  }
};

/** Without those that were not given. */
const given = <T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** @param version of the program. @throws ImageError `usage` */
export function parseCommand(argv: readonly string[], version: string): Command {
  const { help, 'update-lock': updateLock, tag, platform, push, output, ...rest } = parse(argv);
  if (help) return { does: 'help' };
  if (updateLock) return { does: 'update-lock' };
  const to = push === undefined ? undefined : tagged(push, version);
  const file = output ?? (to === undefined ? DEFAULT_OUTPUT : undefined);
  return {
    does: 'make',
    options: {
      name: tagged(tag, version),
      platforms: platformsOf(platform),
      ...given({ output: file, push: to, base: rest.base, sbom: rest.sbom, source: rest.source }),
    },
  };
}

/** What is printed at the end, and can be given to a manifest. */
export const describeResult = (name: Reference, digest: string): string =>
  formatReference({ ...name, digest });
