import { describe, expect, test } from 'vitest';
import { PROGRAMS } from '../test/image/preflight.ts';
import { DEBIAN_PROGRAMS } from './cluster/preflight/check.ts';
import { debianPackages, objectionTo } from './debian.ts';

describe('the list of Debian packages', () => {
  test('has everything that a preflight asks for', () => {
    const asked = [...Object.values(PROGRAMS), ...Object.values(DEBIAN_PROGRAMS)];
    expect(debianPackages()).toEqual(expect.arrayContaining(asked));
  });

  test('is sorted and has each once', () => {
    const names = debianPackages();
    expect(names).toEqual([...new Set(names)].toSorted());
  });
});

describe('a program that lacks', () => {
  test('is named with the command that installs it', () => {
    const programs = { 'no-such-program': 'b', 'nor-this-one': 'a', 'not-this-either': 'b' };
    expect(objectionTo(programs)).toBe(
      'This machine lacks no-such-program, nor-this-one, not-this-either: apt-get install a b',
    );
    expect(objectionTo({})).toBeUndefined();
  });
});
