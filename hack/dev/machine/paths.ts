/** Where the files of a machine are. */
import { join } from 'node:path';

export const socketOf = (dir: string): string => join(dir, 'api.sock');
export const bootIdOf = (dir: string): string => join(dir, 'boot_id');
/** Socket through which faults are armed and releases published. */
export const controlOf = (dir: string): string => join(dir, 'control.sock');

/** Paths of the real host, and what stands for them. */
export const hostPath = (dir: string, path: string): string => {
  if (path === '/run/api.sock') return socketOf(dir);
  if (path === '/proc/sys/kernel/random/boot_id') return bootIdOf(dir);
  return join(dir, 'root', path);
};
