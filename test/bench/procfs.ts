/** What Linux knows of a process. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export const MIB = 1024 * 1024;

/** Sum of fields of /proc/PID/smaps_rollup, in bytes. */
const rollup = (pid: number, ...fields: string[]): number =>
  readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    .split('\n')
    .filter((line) => fields.some((field) => line.startsWith(`${field}:`)))
    .reduce((sum, line) => sum + Number(/(\d+) kB/.exec(line)?.[1] ?? 0) * 1024, 0);

/** Memory that is resident, shared or not. */
export const rssBytes = (pid: number): number => rollup(pid, 'Rss');

/** The most memory that was resident at any time. */
export const peakRssBytes = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

/** Memory that only this process has: what it would give back. */
export const privateBytes = (pid: number): number => rollup(pid, 'Private_Clean', 'Private_Dirty');

/** Processor time of all threads that live, in nanoseconds. */
export const cpuNanos = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) =>
      sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    0,
  );

/** How many TCP connections a process has to a port. */
export function connectionsTo(pid: number, port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set(
    ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , remote]) => remote?.endsWith(suffix))
        .map((fields) => `socket:[${fields[9]}]`),
    ),
  );
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`))).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed in between.
    return '';
  }
}
