/** The cgroup hierarchies of this machine: one a controller (v1), one for all (v2), or both at the same time. */

export interface Hierarchy {
  /** Where it is mounted. */
  path: string;
  version: 1 | 2;
  /** Of v1: what it was mounted for, such as `cpuset` or `name=systemd`. Empty for v2, which says it in a file. */
  controllers: readonly string[];
}

/** Without one of these the kubelet does not start. */
export const NEEDED_CONTROLLERS = ['cpu', 'cpuset', 'memory', 'pids'] as const;

/** Options of a v1 mount that are no controllers. */
const NO_CONTROLLER = new Set(['rw', 'ro', 'relatime', 'noatime', 'nosuid', 'nodev', 'noexec', 'xattr']);

/** The kernel writes blanks of a path as octal numbers. */
const unescape = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));

/** @param mounts text of `/proc/self/mounts` */
export function parseHierarchies(mounts: string): Hierarchy[] {
  return mounts.split('\n').flatMap((line): Hierarchy[] => {
    const [, path = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup2') return [{ path: unescape(path), version: 2, controllers: [] }];
    if (type !== 'cgroup') return [];
    const controllers = options
      .split(',')
      .filter((each) => !NO_CONTROLLER.has(each) && !each.startsWith('release_agent='));
    return [{ path: unescape(path), version: 1, controllers }];
  });
}
