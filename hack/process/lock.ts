/** A lock between processes: a file that names its holder. */
import { open, readFile, unlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 500;

/** True when a process of that id exists (or may not be asked). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function holder(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const pid = Number(text.trim());
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/**
 * Runs `work` while the file `path` is ours. A file whose holder is dead is taken over.
 * @param onWait called once when somebody else holds it, with their process id
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  onWait: (pid: number) => void = () => undefined,
): Promise<T> {
  let told = false;
  while (!(await tryLock(path))) {
    const pid = await holder(path);
    if (pid === undefined || !isAlive(pid)) {
      // A holder writes its id right after it made the file; give it that moment before it counts as dead.
      await delay(POLL_MS);
      if ((await holder(path)) === pid) await unlink(path).catch(() => undefined);
      continue;
    }
    if (!told) onWait(pid);
    told = true;
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await unlink(path).catch(() => undefined);
  }
}
