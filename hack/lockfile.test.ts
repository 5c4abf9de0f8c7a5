import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { completeLockfile, LOCKFILE, type Lockfile } from './lockfile.ts';

const lock = (packages: Lockfile['packages']): Lockfile => ({ packages: { '': {}, ...packages } });

describe('package-lock.json', () => {
  test('names the packages of every platform, so that npm ci accepts it (npm run lockfile mends it)', () => {
    const committed = JSON.parse(readFileSync(LOCKFILE, 'utf8')) as Lockfile;
    expect(completeLockfile(committed)).toEqual([]);
  });

  test('an entry that npm left out comes back with its platform', () => {
    const incomplete = lock({
      'node_modules/tool': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: { '@tool/linux-x64-musl': '1.0.0' },
      },
    });
    expect(completeLockfile(incomplete)).toEqual(['node_modules/@tool/linux-x64-musl']);
    expect(incomplete.packages['node_modules/@tool/linux-x64-musl']).toEqual({
      version: '1.0.0',
      dev: true,
      optional: true,
      os: ['linux'],
      cpu: ['x64'],
      libc: ['musl'],
    });
  });

  test('another version further up does not stand in for a nested one', () => {
    const nested = lock({
      'node_modules/a/node_modules/tool': {
        version: '2.0.0',
        optionalDependencies: { '@tool/darwin-arm64': '2.0.0' },
      },
      'node_modules/@tool/darwin-arm64': { version: '1.0.0' },
    });
    expect(completeLockfile(nested)).toEqual(['node_modules/a/node_modules/@tool/darwin-arm64']);
  });

  test('a range is left to npm', () => {
    const ranged = lock({
      'node_modules/tool': { version: '1.0.0', optionalDependencies: { other: '^1.0.0' } },
    });
    expect(completeLockfile(ranged)).toEqual([]);
  });
});
