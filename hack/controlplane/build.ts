/** Builds the programs of the control plane from their pinned Go modules. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Go } from './go.ts';
import { goEnvironment } from './go.ts';
import { MODULES, type Program, type ProgramModule } from './modules.ts';

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
  /** The programs to build. */
  wanted: readonly Program[];
  /** Where they go; each appears there only when it is whole. */
  directory: string;
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

interface GoCommand {
  module: ProgramModule;
  args: string[];
  onLine?: (line: string) => void;
}

/** Runs one Go command; resolves with its standard output. @throws with the last lines it wrote */
async function runGo(options: BuildOptions, command: GoCommand): Promise<string> {
  const child = spawn(options.go.command, command.args, {
    cwd: command.module.dir,
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
    throw new Error(`go ${command.args[0]} in ${command.module.dir} ended with ${code}:\n${tail.join('\n')}`);
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

/** `1.36.1` of `require k8s.io/kubernetes v1.36.1`. */
async function versionOf(module: ProgramModule): Promise<string> {
  const text = await readFile(join(module.dir, 'go.mod'), 'utf8');
  const line = text.split('\n').find((each) => each.includes(` ${module.path} v`));
  return /\sv(\S+)/.exec(line ?? '')?.[1] ?? '0.0.0';
}

/** Without these a program of Kubernetes calls itself v0.0.0-master. */
async function linkerFlags(module: ProgramModule): Promise<string> {
  const version = await versionOf(module);
  const [major, minor] = version.split('.');
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const stamp = Object.entries(values).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return ['-s', '-w', ...(module === MODULES.kubernetes ? stamp : [])].join(' ');
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

async function buildModule(options: BuildOptions, module: ProgramModule, programs: Program[]): Promise<void> {
  const packages = programs.flatMap((program) => module.packages[program] ?? []);
  const what = `Building ${programs.join(', ')} ${await versionOf(module)}`;
  options.progress(`${what}: fetching the sources`);
  const listed = await runGo(options, { module, args: ['list', '-deps', '-mod=readonly', ...packages] });
  const total = listed.split('\n').length;
  const staging = await mkdtemp(join(options.directory, STAGING_PREFIX));
  try {
    await runGo(options, {
      module,
      args: [
        'build',
        '-v',
        '-mod=readonly',
        '-trimpath',
        '-ldflags',
        await linkerFlags(module),
        '-o',
        // The linker names a program after its package, which for etcd would be "server".
        packages.length === 1 ? join(staging, programs[0] ?? '') : `${staging}/`,
        ...packages,
      ],
      onLine: progressOf(what, total, options.progress),
    });
    for (const program of programs) {
      await rename(join(staging, program), join(options.directory, basename(program)));
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** A build that was killed leaves its directory; only one builds at a time, so it is nobody's. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(STAGING_PREFIX)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/**
 * Builds what is wanted into `directory`.
 * @throws Error with the tool chain's last words
 */
export async function buildPrograms(options: BuildOptions): Promise<void> {
  const startedAt = performance.now();
  await removeLeftovers(options.directory);
  options.progress(
    `Building ${options.wanted.join(', ')} with ${options.go.version}: once for this machine, about 11 minutes on two cores`,
  );
  for (const module of Object.values(MODULES)) {
    const programs = options.wanted.filter((program) => module.packages[program] !== undefined);
    if (programs.length > 0) await buildModule(options, module, programs);
  }
  options.progress(`Built in ${Math.round((performance.now() - startedAt) / 1000)} s`);
}
