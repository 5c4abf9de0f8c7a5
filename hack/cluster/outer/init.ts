/**
 * The outer namespaces of a cluster. Their pid 1 reaps and starts the daemon; when either ends, the kernel ends
 * everything else in there.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { paths } from '../layout.ts';
import { systemPath } from '../run.ts';

/** Says what it is, in the list of processes. */
const MARK = 'brupop-cluster';
const SHELL = '/bin/sh';
const INIT = join(import.meta.dirname, 'init.sh');
const DAEMON = join(import.meta.dirname, '..', 'daemon', 'main.ts');
const NAMESPACES = '--mount --net --pid --uts --fork --kill-child --propagation=private'.split(' ');
const POLL_MS = 20;
const END_TIMEOUT_MS = 30_000;

/** A cluster that runs, found among the processes. */
export interface RunningCluster {
  name: string;
  /** State directory. */
  dir: string;
  /** Of pid 1 of its outer namespaces, as seen from here. */
  pid: number;
}

/**
 * Starts the outer namespaces and the daemon in them, which go on without this process.
 * @returns the process outside whose end is theirs
 */
export function startOuter(cluster: { name: string; dir: string; cgroups: readonly string[] }): ChildProcess {
  const { name, dir, cgroups } = cluster;
  const log = openSync(paths(dir).daemonLog, 'a');
  try {
    const child = spawn(
      'unshare',
      [...NAMESPACES, SHELL, INIT, MARK, name, dir, process.execPath, DAEMON, ...cgroups],
      { detached: true, cwd: '/', stdio: ['ignore', log, log], env: { ...process.env, PATH: systemPath() } },
    );
    // It has no process id then.
    child.on('error', () => undefined);
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** The cluster whose pid 1 this process is, or nothing. */
async function inspect(pid: number): Promise<RunningCluster[]> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const [shell, , mark, name, dir] = line.split('\0');
  if (shell !== SHELL || mark !== MARK || name === undefined || dir === undefined) return [];
  return [{ name, dir, pid }];
}

/** Every cluster that runs on this machine. */
export async function runningClusters(): Promise<RunningCluster[]> {
  const pids = (await readdir('/proc').catch(() => [])).map(Number).filter((each) => Number.isInteger(each));
  return (await Promise.all(pids.map(inspect))).flat();
}

export async function findRunning(name: string): Promise<RunningCluster | undefined> {
  return (await runningClusters()).find((each) => each.name === name);
}

/** True while that very process runs. */
export const stillRuns = async (cluster: RunningCluster): Promise<boolean> =>
  (await inspect(cluster.pid)).some(({ name }) => name === cluster.name);

/** Resolves when pid 1, and so everything of the cluster, has ended. @throws Error after half a minute */
export async function untilEnded(cluster: RunningCluster, timeoutMs = END_TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (await stillRuns(cluster)) {
    if (performance.now() > deadline) {
      throw new Error(`Process ${cluster.pid}, which holds the cluster ${cluster.name}, does not end.`);
    }
    await delay(POLL_MS);
  }
}

/** Ends everything of the cluster at once. */
export async function killOuter(cluster: RunningCluster): Promise<void> {
  if (!(await stillRuns(cluster))) return;
  process.kill(cluster.pid, 'SIGKILL');
  await untilEnded(cluster);
}

/** Options of nsenter for the network of a cluster alone, so that files and the terminal are the caller's. */
export const enterNetwork = ({ pid }: RunningCluster): string[] => [`--net=/proc/${pid}/ns/net`];

/** Options of nsenter for all of it. */
export const enterAll = ({ pid }: RunningCluster): string[] =>
  `--target=${pid} --mount --net --pid --uts`.split(' ');
