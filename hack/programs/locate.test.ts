import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheRoot, groupDirectory, groupKey } from './cache.ts';
import { GROUPS, programsOf, type Program, type ProgramGroup } from './catalog.ts';
import { locatePrograms } from './controlplane.ts';
import { locateMachinePrograms } from './machine.ts';

const EVERY: readonly Program[] = GROUPS.flatMap((group) => Object.keys(group.packages) as Program[]);

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'brupop-programs-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A directory with programs of these names. */
function assets(name: string, programs: readonly Program[]): string {
  const dir = join(scratch, name);
  mkdirSync(dir, { recursive: true });
  for (const program of programs) writeFileSync(join(dir, program), '', { mode: 0o755 });
  return dir;
}

/** A machine whose PATH has no Go, with an empty cache. */
const bare = (env: Record<string, string>): NodeJS.ProcessEnv => ({
  HOME: join(scratch, 'home'),
  PATH: join(scratch, 'nowhere'),
  ...env,
});

/** Finds no tool chain. */
const noGo = (): Promise<undefined> => Promise.resolve(undefined);

/** A group of our own, whose go.mod has this text. */
function group(name: string, goMod: string): ProgramGroup {
  const dir = join(scratch, 'groups', name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'go.mod'), goMod);
  return { name: 'etcd', dir, packages: { etcd: '.' }, minutes: 0 };
}

describe('programs', () => {
  test('come from KUBEBUILDER_ASSETS when it has all of them', async () => {
    const dir = assets('complete', EVERY);
    const env = bare({ KUBEBUILDER_ASSETS: dir });
    const { kubeApiserver, kubectl } = await locatePrograms({ env });
    expect({ kubeApiserver, kubectl }).toEqual({
      kubeApiserver: join(dir, 'kube-apiserver'),
      kubectl: join(dir, 'kubectl'),
    });
    const { shim, coredns } = await locateMachinePrograms({ env });
    expect({ shim, coredns }).toEqual({
      shim: join(dir, 'containerd-shim-runc-v2'),
      coredns: join(dir, 'coredns'),
    });
  });

  test('come from our own variable first', async () => {
    const ours = assets('ours', ['etcd']);
    const theirs = assets('theirs', EVERY);
    const env = bare({ BRUPOP_ASSETS: ours, KUBEBUILDER_ASSETS: theirs });
    const programs = await locatePrograms({ env });
    expect(programs.etcd).toBe(join(ours, 'etcd'));
    expect(programs.kubeScheduler).toBe(join(theirs, 'kube-scheduler'));
  });

  test('of a control plane do not wait for those of machines', async () => {
    const dir = assets('controlplane', [
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
      'kubectl',
    ]);
    const programs = await locatePrograms({ env: bare({ KUBEBUILDER_ASSETS: dir }) });
    expect(Object.keys(programs)).toHaveLength(5);
  });

  test('that are nowhere are named, with the remedy', async () => {
    const env = bare({ KUBEBUILDER_ASSETS: assets('some', ['ctr', 'pause', 'kubelet']) });
    await expect(locateMachinePrograms({ env, findGo: noGo })).rejects.toMatchObject({
      code: 'noGo',
      message: expect.stringMatching(
        /lacks containerd, containerd-shim-runc-v2, kube-proxy, coredns\. Install Go/,
      ) as string,
    });
  });

  test.each([
    [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/brupop/programs'],
    [{ XDG_CACHE_HOME: '', HOME: '/h' }, '/h/.cache/brupop/programs'],
  ])('are kept where %o says', (env, expected) => {
    expect(cacheRoot(env)).toBe(expected);
  });
});

describe('the cache', () => {
  const go = { command: 'go', version: 'go1.26.0' };

  test('has a directory for each group, sources and tool chain', async () => {
    const one = group('one', 'module one');
    expect(await groupDirectory('/cache', one, go)).toBe(
      `/cache/etcd-${await groupKey(one)}-go1.26.0-${process.arch}`,
    );
  });

  test('knows a group anew when one of its own files changes, and for no other reason', async () => {
    const one = group('changing', 'require a v1');
    const other = group('other', 'require b v1');
    const before = [await groupKey(one), await groupKey(other)];
    group('changing', 'require a v2');
    const after = [await groupKey(one), await groupKey(other)];
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
  });

  test('serves a machine that has no Go any more', async () => {
    const one = group('served', 'module served');
    const root = join(scratch, 'cache');
    const built = join(root, `etcd-${await groupKey(one)}-go1.25.1-${process.arch}`);
    mkdirSync(built, { recursive: true });
    expect(await groupDirectory(root, one, undefined)).toBe(built);
    expect(await groupDirectory(root, group('unserved', 'module x'), undefined)).toBeUndefined();
  });
});

describe('the catalogue', () => {
  test('has each program in one group', () => {
    expect(new Set(EVERY).size).toBe(EVERY.length);
    for (const program of EVERY) {
      expect(GROUPS.filter((each) => programsOf(each, [program]).length > 0)).toHaveLength(1);
    }
  });
});
