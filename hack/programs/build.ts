/** Builds the programs of a group from their pinned Go modules. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Program, ProgramGroup } from './catalog.ts';
import { goEnvironment, type Go } from './go.ts';

/** Least time between two lines of progress. */
const PROGRESS_INTERVAL_MS = 15_000;
/** Lines of the compiler's output that an error shows. */
const TAIL_LINES = 30;
/** Of directories that a build fills. */
const STAGING_PREFIX = '.building-';
/** Below the interactive work of the machine: tests that need no control plane run meanwhile. */
const NICENESS = 5;

export interface BuildOptions {
  go: Go;
  group: ProgramGroup;
  /** The programs of the group to build. */
  wanted: readonly Program[];
  /** Where they go; each appears there only when it is whole. */
  directory: string;
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

interface GoCommand {
  args: string[];
  onLine?: (line: string) => void;
}

/** Runs one Go command; resolves with its standard output. @throws with the last lines it wrote */
async function runGo(options: BuildOptions, command: GoCommand): Promise<string> {
  const child = spawn(options.go.command, command.args, {
    cwd: options.group.dir,
    env: goEnvironment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (child.pid !== undefined) lowerPriority(child.pid);
  const tail: string[] = [];
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  createInterface({ input: child.stderr }).on('line', (line) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    command.onLine?.(line);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    throw new Error(`go ${command.args[0]} in ${options.group.dir} ended with ${code}:\n${tail.join('\n')}`);
  }
  return output;
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // Only a courtesy; it may have ended already.
  }
}

/** `1.36.1` of `require k8s.io/kubernetes v1.36.1`; undefined for a program of our own. */
async function versionOf(group: ProgramGroup): Promise<string | undefined> {
  if (group.module === undefined) return undefined;
  const text = await readFile(join(group.dir, 'go.mod'), 'utf8');
  const line = text.split('\n').find((each) => each.includes(` ${group.module} v`));
  return /\sv(\S+)/.exec(line ?? '')?.[1];
}

function linkerFlags(group: ProgramGroup, version: string | undefined): string {
  const variables = Object.entries(group.variables?.(version ?? '0.0.0') ?? {});
  return ['-s', '-w', ...variables.map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

/** Counts compiled packages and downloaded modules, and says so now and then. */
function progressOf(what: string, total: number, progress: (line: string) => void): (line: string) => void {
  const startedAt = performance.now();
  let compiled = 0;
  let told = startedAt;
  return (line) => {
    if (line.startsWith('go: downloading')) return;
    compiled++;
    const now = performance.now();
    if (now - told < PROGRESS_INTERVAL_MS) return;
    told = now;
    const seconds = Math.round((now - startedAt) / 1000);
    progress(`${what}: ${compiled} of at most ${total} packages compiled, ${seconds} s`);
  };
}

/** Builds into a directory of its own, so that a program that is there is whole. */
async function buildInto(staging: string, options: BuildOptions, version: string | undefined): Promise<void> {
  const { group, wanted, progress } = options;
  const packages = wanted.flatMap((program) => group.packages[program] ?? []);
  const what = `Building ${[wanted.join(', '), ...(version === undefined ? [] : [version])].join(' ')}`;
  progress(`${what}: fetching the sources`);
  const listed = await runGo(options, { args: ['list', '-deps', '-mod=readonly', ...packages] });
  await runGo(options, {
    args: [
      'build',
      '-v',
      '-mod=readonly',
      '-trimpath',
      '-ldflags',
      linkerFlags(group, version),
      '-o',
      // The linker names a program after its package, which for etcd would be "server".
      packages.length === 1 ? join(staging, wanted[0] ?? '') : `${staging}/`,
      ...packages,
    ],
    onLine: progressOf(what, listed.split('\n').length, progress),
  });
}

/** A build that was killed leaves its directory; only one builds at a time, so it is nobody's. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(STAGING_PREFIX)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/**
 * Builds what is wanted of a group into `directory`.
 * @throws Error with the tool chain's last words
 */
export async function buildPrograms(options: BuildOptions): Promise<void> {
  const { group, wanted, directory, progress } = options;
  const startedAt = performance.now();
  await removeLeftovers(directory);
  const atMost = group.minutes === 0 ? 'a few seconds' : `at most about ${group.minutes} min on two cores`;
  progress(`Building ${wanted.join(', ')} with ${options.go.version}: once for this machine, ${atMost}`);
  const staging = await mkdtemp(join(directory, STAGING_PREFIX));
  try {
    await buildInto(staging, options, await versionOf(group));
    for (const program of wanted) await rename(join(staging, program), join(directory, program));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  progress(`Built ${wanted.join(', ')} in ${Math.round((performance.now() - startedAt) / 1000)} s`);
}
