/**
 * The clusters that stories share: each story has one to itself for as long as it lasts, whichever is free. Leases are
 * files beside the state directories, since stories run in several processes.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { RealCluster } from './cluster.ts';

const POLL_MS = 250;
const leaseOf = (dir: string): string => `${dir}.lease`;

/** @returns whether it is ours now */
async function lease(dir: string): Promise<boolean> {
  try {
    await writeFile(leaseOf(dir), String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** Ends a lease whose holder died. */
async function recover(dir: string): Promise<void> {
  const holder = Number(await readFile(leaseOf(dir), 'utf8').catch(() => ''));
  // Nothing in it: it is just being written, or was just given back.
  if (holder > 0 && !runs(holder)) await rm(leaseOf(dir), { force: true });
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Waits until one of them is free. Its `close` gives it back. @param dirs state directories */
export async function takeCluster(dirs: readonly string[]): Promise<RealCluster> {
  for (;;) {
    for (const dir of dirs) {
      if (await lease(dir)) return RealCluster.open(dir, () => rm(leaseOf(dir), { force: true }));
      await recover(dir);
    }
    await delay(POLL_MS);
  }
}
