/**
 * Where programs are. In this order: the directory that `BRUPOP_ASSETS` or `KUBEBUILDER_ASSETS` names, the cache
 * of this machine, a build from their Go modules.
 */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../process/lock.ts';
import { buildPrograms } from './build.ts';
import { cacheRoot, groupDirectory } from './cache.ts';
import { GROUPS, programsOf, type Program, type ProgramGroup } from './catalog.ts';
import { ProgramsError } from './errors.ts';
import { findGo, type Go } from './go.ts';

export interface LocateOptions {
  /** Receives one line of progress at a time. @default nothing is shown */
  progress?: (line: string) => void;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** Ends a build that is under way. */
  signal?: AbortSignal;
  /** How to find what builds the group in that directory. @default on the PATH and in the usual places */
  findGo?: typeof findGo;
}

type Found = Partial<Record<Program, string>>;

const runnable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

async function lookInto(dir: string, wanted: readonly Program[]): Promise<Found> {
  const found: Found = {};
  for (const program of wanted) {
    const path = join(dir, program);
    if (await runnable(path)) found[program] = path;
  }
  return found;
}

const lacking = (wanted: readonly Program[], found: Found): Program[] =>
  wanted.filter((program) => found[program] === undefined);

async function fromAssets(wanted: readonly Program[], env: NodeJS.ProcessEnv): Promise<Found> {
  const found: Found = {};
  for (const name of ['BRUPOP_ASSETS', 'KUBEBUILDER_ASSETS']) {
    const dir = env[name];
    if (dir !== undefined && dir !== '') Object.assign(found, await lookInto(dir, lacking(wanted, found)));
  }
  return found;
}

/** What one group still has to give. */
interface Search {
  group: ProgramGroup;
  wanted: Program[];
  found: Found;
  go: Go | undefined;
  /** Of the cache; undefined when there is nothing to build with, and nothing was built. */
  directory: string | undefined;
}

async function searchGroup(group: ProgramGroup, wanted: Program[], options: LocateOptions): Promise<Search> {
  const env = options.env ?? process.env;
  const go = await (options.findGo ?? findGo)(group.dir, env);
  const directory = await groupDirectory(cacheRoot(env), group, go);
  const found = directory === undefined ? {} : await lookInto(directory, wanted);
  return { group, wanted, found, go, directory };
}

const noGo = (programs: readonly Program[]): ProgramsError =>
  new ProgramsError(
    'noGo',
    `This machine lacks ${programs.join(', ')}. Install Go 1.26 or newer (https://go.dev/doc/install) ` +
      'and they are built once and kept, or set KUBEBUILDER_ASSETS to a directory that holds them.',
  );

/** Builds what a group lacks; of several processes one does, the others wait for it. */
async function buildLacking(search: Search, options: LocateOptions): Promise<Found> {
  const { group, go, directory } = search;
  const progress = options.progress ?? (() => undefined);
  if (go === undefined || directory === undefined) throw noGo(lacking(search.wanted, search.found));
  await mkdir(directory, { recursive: true });
  await withLock(
    join(directory, '.lock'),
    async () => {
      // Whoever held the lock before us may have built them.
      const wanted = lacking(search.wanted, await lookInto(directory, search.wanted));
      if (wanted.length === 0) return;
      const env = options.env ?? process.env;
      await buildPrograms({ go, group, wanted, directory, progress, env, signal: options.signal }).catch(
        (error: unknown) => {
          throw new ProgramsError('buildFailed', (error as Error).message, error);
        },
      );
    },
    (pid) => progress(`Waiting for process ${pid}, which is building ${group.name}`),
  );
  return lookInto(directory, search.wanted);
}

/**
 * Finds programs, and builds those that are nowhere, group by group: once for a machine. Several processes may
 * call it at the same time.
 * @returns absolute path of each
 * @throws ProgramsError when there is nothing to build with, or a build fails
 */
export async function locate<P extends Program>(
  wanted: readonly P[],
  options: LocateOptions = {},
): Promise<Record<P, string>> {
  const env = options.env ?? process.env;
  const found = await fromAssets(wanted, env);
  const elsewhere = lacking(wanted, found);
  const searches = await Promise.all(
    GROUPS.map((group) => ({ group, programs: programsOf(group, elsewhere) }))
      .filter(({ programs }) => programs.length > 0)
      .map(({ group, programs }) => searchGroup(group, programs, options)),
  );
  for (const search of searches) Object.assign(found, search.found);

  const unbuilt = searches.filter((search) => lacking(search.wanted, search.found).length > 0);
  const hopeless = unbuilt.filter((search) => search.go === undefined);
  if (hopeless.length > 0) {
    throw noGo(hopeless.flatMap((search) => lacking(search.wanted, search.found)));
  }
  for (const search of unbuilt) Object.assign(found, await buildLacking(search, options));

  const [absent] = lacking(wanted, found);
  if (absent !== undefined) throw new ProgramsError('buildFailed', `The build did not make ${absent}.`);
  return found as Record<P, string>;
}
