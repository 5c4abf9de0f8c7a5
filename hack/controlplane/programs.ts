/**
 * Where the programs of the test control plane are. In this order: the directory that `BRUPOP_ASSETS` or
 * `KUBEBUILDER_ASSETS` names, the cache of this machine, a build from their Go modules.
 */
import { createHash } from 'node:crypto';
import { access, constants, mkdir, readFile, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../process/lock.ts';
import { buildPrograms } from './build.ts';
import type { Go } from './go.ts';
import { findGo } from './go.ts';
import { MODULES, PROGRAMS, type Program } from './modules.ts';

/** Absolute paths of the programs. */
export interface Programs {
  etcd: string;
  kubeApiserver: string;
  kubeControllerManager: string;
  kubeScheduler: string;
  kubectl: string;
}

export class ProgramsError extends Error {
  override readonly name = 'ProgramsError';
  /** `noGo`: nothing to build with. `buildFailed`: the Go build ended with an error. */
  readonly code: 'noGo' | 'buildFailed';

  constructor(code: ProgramsError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export interface LocateOptions {
  /** Receives one line of progress at a time. @default nothing is shown */
  progress?: (line: string) => void;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** Ends a build that is under way. */
  signal?: AbortSignal;
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

const missing = (found: Found): Program[] => PROGRAMS.filter((program) => found[program] === undefined);

/** Directory of the cache: `$XDG_CACHE_HOME/brupop/programs`, else below `~/.cache`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env['XDG_CACHE_HOME'];
  const base = xdg !== undefined && xdg !== '' ? xdg : join(env['HOME'] ?? homedir(), '.cache');
  return join(base, 'brupop', 'programs');
}

/** Changes with every version of a program or of what it is built from. */
async function moduleKey(): Promise<string> {
  const hash = createHash('sha256');
  for (const module of Object.values(MODULES)) {
    hash.update(await readFile(join(module.dir, 'go.mod')));
    hash.update(await readFile(join(module.dir, 'go.sum')));
  }
  return hash.digest('hex').slice(0, 16);
}

/** The cache directory for this key; without Go any that was built from the same modules will do. */
async function cacheDirectory(root: string, key: string, go: Go | undefined): Promise<string | undefined> {
  if (go !== undefined) return join(root, `${key}-${go.version}-${process.arch}`);
  const names = await readdir(root).catch(() => []);
  const same = names
    .filter((name) => name.startsWith(`${key}-`) && name.endsWith(`-${process.arch}`))
    .toSorted();
  const last = same.at(-1);
  return last === undefined ? undefined : join(root, last);
}

const noGo = (lacking: Program[]): ProgramsError =>
  new ProgramsError(
    'noGo',
    `The test control plane needs ${lacking.join(', ')}. Install Go 1.26 or newer (https://go.dev/doc/install) ` +
      'and they are built once and kept, or set KUBEBUILDER_ASSETS to a directory that holds them.',
  );

async function fromAssets(env: NodeJS.ProcessEnv): Promise<Found> {
  const found: Found = {};
  for (const name of ['BRUPOP_ASSETS', 'KUBEBUILDER_ASSETS']) {
    const dir = env[name];
    if (dir !== undefined && dir !== '') Object.assign(found, await lookInto(dir, missing(found)));
  }
  return found;
}

const complete = (found: Found): Programs => {
  const path = (program: Program): string => {
    const value = found[program];
    if (value === undefined) throw new ProgramsError('buildFailed', `The build did not make ${program}.`);
    return value;
  };
  return {
    etcd: path('etcd'),
    kubeApiserver: path('kube-apiserver'),
    kubeControllerManager: path('kube-controller-manager'),
    kubeScheduler: path('kube-scheduler'),
    kubectl: path('kubectl'),
  };
};

/**
 * Finds the programs, and builds those that are nowhere: once for a machine, about 11 minutes on two cores.
 * Several processes may call it at the same time; one of them builds.
 * @throws ProgramsError when there is nothing to build with, or the build fails
 */
export async function locatePrograms(options: LocateOptions = {}): Promise<Programs> {
  const env = options.env ?? process.env;
  const progress = options.progress ?? (() => undefined);
  const found = await fromAssets(env);
  if (missing(found).length === 0) return complete(found);

  const go = await findGo(env);
  const root = cacheRoot(env);
  const directory = await cacheDirectory(root, await moduleKey(), go);
  if (directory === undefined) throw noGo(missing(found));
  Object.assign(found, await lookInto(directory, missing(found)));
  if (missing(found).length === 0) return complete(found);
  if (go === undefined) throw noGo(missing(found));

  await mkdir(directory, { recursive: true });
  await withLock(
    join(directory, '.lock'),
    async () => {
      // Whoever held the lock before us may have built them.
      Object.assign(found, await lookInto(directory, missing(found)));
      const wanted = missing(found);
      if (wanted.length === 0) return;
      await buildPrograms({ go, wanted, directory, progress, env, signal: options.signal }).catch(
        (error: unknown) => {
          throw new ProgramsError('buildFailed', (error as Error).message, error);
        },
      );
      Object.assign(found, await lookInto(directory, wanted));
    },
    (pid) => progress(`Waiting for process ${pid}, which is building the control plane programs`),
  );
  return complete(found);
}
