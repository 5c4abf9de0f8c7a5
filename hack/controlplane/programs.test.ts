import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROGRAMS, type Program } from './modules.ts';
import { cacheRoot, locatePrograms } from './programs.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'brupop-programs-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A directory with programs of these names. */
function assets(name: string, programs: readonly Program[]): string {
  const dir = join(scratch, name);
  mkdirSync(dir);
  for (const program of programs) writeFileSync(join(dir, program), '', { mode: 0o755 });
  return dir;
}

/** A machine whose PATH has no Go, with an empty cache. */
const bare = (env: Record<string, string>): NodeJS.ProcessEnv => ({
  HOME: join(scratch, 'home'),
  PATH: join(scratch, 'nowhere'),
  ...env,
});

describe('the programs of the control plane', () => {
  test('come from KUBEBUILDER_ASSETS when it has all of them', async () => {
    const dir = assets('complete', PROGRAMS);
    const programs = await locatePrograms({ env: bare({ KUBEBUILDER_ASSETS: dir }) });
    expect(programs.kubeApiserver).toBe(join(dir, 'kube-apiserver'));
    expect(programs.kubectl).toBe(join(dir, 'kubectl'));
  });

  test('come from our own variable first', async () => {
    const ours = assets('ours', ['etcd']);
    const theirs = assets('theirs', PROGRAMS);
    const env = bare({ BRUPOP_ASSETS: ours, KUBEBUILDER_ASSETS: theirs });
    const programs = await locatePrograms({ env });
    expect(programs.etcd).toBe(join(ours, 'etcd'));
    expect(programs.kubeScheduler).toBe(join(theirs, 'kube-scheduler'));
  });

  test.each([
    [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/brupop/programs'],
    [{ XDG_CACHE_HOME: '', HOME: '/h' }, '/h/.cache/brupop/programs'],
  ])('are kept where %o says', (env, expected) => {
    expect(cacheRoot(env)).toBe(expected);
  });
});
