/** `npm run cluster` as its user sees it, and what a cluster leaves on the machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '..', '..', 'hack', 'cluster', 'main.ts');

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** State directories are below it. */
  stateHome: string;
  env?: NodeJS.ProcessEnv;
  /** A program and arguments before the command line, such as those of `setpriv`. */
  under?: readonly string[];
  /** Sees each piece of standard error as it comes. */
  onProgress?: (text: string, child: ChildProcess) => void;
}

/** Runs one command of `npm run cluster`, to its end. */
export function cluster(options: RunOptions, ...args: readonly string[]): Promise<Outcome> {
  const [program = '', ...rest] = [...(options.under ?? []), process.execPath, MAIN, ...args];
  const child = spawn(program, rest, {
    env: { ...process.env, XDG_STATE_HOME: options.stateHome, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    options.onProgress?.(stderr, child);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const numbers = (names: readonly string[]): number[] => names.map(Number).filter(Number.isInteger);

/** Processes that belong to a state directory. */
function processesOf(dir: string): string[] {
  return numbers(readdirSync('/proc')).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(dir) && pid !== process.pid ? [`${pid} ${line.slice(0, 120)}`] : [];
    } catch {
      return [];
    }
  });
}

function cgroupsOf(name: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => /^\S+ \S+ cgroup2? /.test(line))
    .map((line) => join(line.split(' ')[1] ?? '', `brupop-${name}`))
    .filter((path) => existsSync(path));
}

/** Everything on this machine that is, or was, of the cluster. */
export function tracesOf(name: string, stateHome: string): string[] {
  const dir = join(stateHome, 'brupop', 'clusters', name);
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(dir));
  const interfaces = readdirSync('/sys/class/net').filter((each) => /^(brupop|m\d+$)/.test(each));
  return [
    ...processesOf(dir),
    ...cgroupsOf(name),
    ...mounts,
    ...interfaces,
    ...(existsSync(dir) ? [dir] : []),
  ];
}

/** The process id of the daemon of a cluster, as seen from here. */
export function daemonOf(name: string): number {
  const found = numbers(readdirSync('/proc')).find((pid) => {
    try {
      const [, file, dir] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return file?.endsWith('/daemon/main.ts') === true && dir?.endsWith(`/clusters/${name}`) === true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`No daemon of ${name}`);
  return found;
}
