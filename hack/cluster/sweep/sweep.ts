/** Ends a cluster and removes what is left of it, also after a crash of its daemon or of the whole harness. */
import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterCgroups, clustersWithCgroups } from '../cgroups/cgroups.ts';
import { paths } from '../layout.ts';
import { findRunning, killOuter, runningClusters } from '../outer/init.ts';

export interface SweepOptions {
  name: string;
  /** State directory, when no process says it. */
  dir: string;
  /** Leave the logs, for whoever wants to know why. @default false */
  keepLogs?: boolean;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const isLogs = (name: string): boolean => name === 'log' || name === 'logs';

/** Leaves directories of logs, and those on the way there. @returns whether it left any */
async function removeAllButLogs(dir: string): Promise<boolean> {
  let kept = false;
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    const keeps = entry.isDirectory() && (isLogs(entry.name) || (await removeAllButLogs(path)));
    if (keeps) kept = true;
    else await rm(path, { recursive: true, force: true });
  }
  return kept;
}

/** A directory that somebody else made is not touched. */
async function removeState(dir: string, keepLogs: boolean): Promise<boolean> {
  const at = paths(dir);
  const found = await exists(at.spec);
  const ours = found || (await exists(at.logs));
  if (!ours) return false;
  if (keepLogs) await removeAllButLogs(dir);
  else await rm(dir, { recursive: true, force: true });
  return found;
}

/** @returns whether there was anything @throws Error when something cannot be removed */
export async function sweep({ name, dir, keepLogs = false }: SweepOptions): Promise<boolean> {
  const running = await findRunning(name);
  if (running !== undefined) await killOuter(running);
  const cgroups = await (await ClusterCgroups.open(name)).remove();
  const state = await removeState(running?.dir ?? dir, keepLogs);
  return running !== undefined || cgroups || state;
}

/** Whether something of a cluster is there that does not run. */
export async function isLeftover(name: string, dir: string): Promise<boolean> {
  return (await exists(paths(dir).spec)) || (await (await ClusterCgroups.open(name)).exist());
}

/** Names of all clusters of which there is anything. @param root directory of the state directories */
export async function knownClusters(root: string): Promise<string[]> {
  const inState = await readdir(root).catch(() => []);
  const withSpec = await Promise.all(inState.map((name) => exists(paths(join(root, name)).spec)));
  const names = [
    ...(await runningClusters()).map(({ name }) => name),
    ...(await clustersWithCgroups()),
    ...inState.filter((_, at) => withSpec[at] === true),
  ];
  return [...new Set(names)].toSorted();
}
