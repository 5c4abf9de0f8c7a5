import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterCgroups } from './cgroups.ts';
import { parseHierarchies } from './hierarchies.ts';

describe('hierarchies', () => {
  test('are those of v1, of v2, or both', () => {
    const mounts = [
      'proc /proc proc rw,nosuid 0 0',
      'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,relatime,cpu,cpuacct 0 0',
      'cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,release_agent=/lib/agent,name=systemd 0 0',
      'cgroup2 /sys/fs/cgroup/uni\\040fied cgroup2 rw,relatime,nsdelegate 0 0',
      '',
    ].join('\n');
    expect(parseHierarchies(mounts)).toEqual([
      { path: '/sys/fs/cgroup/cpu,cpuacct', version: 1, controllers: ['cpu', 'cpuacct'] },
      { path: '/sys/fs/cgroup/systemd', version: 1, controllers: ['name=systemd'] },
      { path: '/sys/fs/cgroup/uni fied', version: 2, controllers: [] },
    ]);
  });
});

/** Directories that stand for hierarchies: what is written to them is only looked at. */
describe('the cgroups of a cluster', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'brupop-cgroups-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const hierarchy = (name: string, files: Record<string, string>): string => {
    const path = join(root, name);
    mkdirSync(path);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
    return path;
  };

  test('a v1 cpuset may be entered: it has the processors and memory of its parent', async () => {
    const path = hierarchy('cpuset', { 'cpuset.cpus': '0-3\n', 'cpuset.mems': '0\n' });
    const cgroups = new ClusterCgroups('a', [{ path, version: 1, controllers: ['cpuset'] }]);
    expect(await cgroups.prepare('node-1')).toBe('/brupop-a/node-1');
    const read = (file: string): string => readFileSync(join(path, 'brupop-a', 'node-1', file), 'utf8');
    expect([read('cpuset.cpus'), read('cpuset.mems'), read('cgroup.clone_children')]).toEqual([
      '0-3',
      '0',
      '1',
    ]);
  });

  test('v2 passes on what it does not pass on yet', async () => {
    const path = hierarchy('unified', {
      'cgroup.controllers': 'cpu memory pids\n',
      'cgroup.subtree_control': 'cpu\n',
    });
    const cgroups = new ClusterCgroups('a', [{ path, version: 2, controllers: [] }]);
    await cgroups.prepare('node-1');
    expect(readFileSync(join(path, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids');
  });

  test('v2 that cannot pass on says so', async () => {
    const path = hierarchy('unified', { 'cgroup.controllers': 'cpu\n' });
    mkdirSync(join(path, 'cgroup.subtree_control'));
    const cgroups = new ClusterCgroups('a', [{ path, version: 2, controllers: [] }]);
    await expect(cgroups.prepare('node-1')).rejects.toMatchObject({ code: 'controllers' });
  });

  test('they are removed with what is below, and nothing else is', async () => {
    const path = hierarchy('pids', {});
    const cgroups = new ClusterCgroups('a', [{ path, version: 1, controllers: ['pids'] }]);
    for (const each of ['brupop-a/node-1/kubepods/pod-1', 'brupop-ab/node-1']) {
      mkdirSync(join(path, each), { recursive: true });
    }
    expect(await cgroups.exist()).toBe(true);
    await cgroups.empty('node-1');
    expect(await cgroups.exist()).toBe(true);
    expect(await cgroups.remove()).toBe(true);
    expect([await cgroups.exist(), await cgroups.remove()]).toEqual([false, false]);
    expect(await new ClusterCgroups('ab', [{ path, version: 1, controllers: [] }]).exist()).toBe(true);
  });
});
