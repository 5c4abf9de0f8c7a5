import { describe, expect, test } from 'vitest';
import { FileTree } from '../archive/filetree.ts';
import { PLATFORMS, type Platform } from '../platforms.ts';
import { makeElf, type ElfContent } from './elf.fixture.ts';
import { readElf } from './elf.ts';
import { closure } from './libraries.ts';

const [amd64] = PLATFORMS as [Platform, Platform];

const NODE: ElfContent = {
  interpreter: '/lib64/ld-linux-x86-64.so.2',
  needed: ['libc.so.6', 'libstdc++.so.6'],
  wants: { 'libc.so.6': ['GLIBC_2.28'] },
};

const LIBC = 'usr/lib/x86_64-linux-gnu/libc.so.6';

/** A system that Node starts on, its paths by what they hold: a link's target, or a library. */
const SYSTEM: Readonly<Record<string, string | ElfContent>> = {
  lib64: 'usr/lib64',
  lib: 'usr/lib',
  'usr/lib64/ld-linux-x86-64.so.2': '/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
  'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2': {},
  [LIBC]: { has: ['GLIBC_2.17', 'GLIBC_2.28'], needed: ['ld-linux-x86-64.so.2'] },
  'usr/lib/x86_64-linux-gnu/libstdc++.so.6': 'libstdc++.so.6.0.30',
  'usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30': { needed: ['libm.so.6', 'libc.so.6'] },
  'usr/lib/x86_64-linux-gnu/libm.so.6': {},
  'usr/lib/x86_64-linux-gnu/libnsl.so.1': {},
};

function treeOf(files: Readonly<Record<string, string | ElfContent>>): FileTree {
  const tree = new FileTree();
  for (const [path, what] of Object.entries(files)) {
    if (typeof what === 'string') tree.add({ path, type: 'symlink', mode: 0o777, bytes: 0, target: what });
    else {
      const content = makeElf(what);
      tree.add({ path, type: 'file', mode: 0o644, bytes: content.length, content });
    }
  }
  return tree;
}

const needs = (files: Readonly<Record<string, string | ElfContent>>, node: ElfContent = NODE) =>
  closure(treeOf(files), amd64, { name: 'Node', elf: readElf(makeElf(node)) });

const without = (path: string) =>
  Object.fromEntries(Object.entries(SYSTEM).filter(([each]) => each !== path));

describe('the libraries of a program', () => {
  test('are those that it names, those that these name, and the links to them; no others', () => {
    const expected = Object.keys(SYSTEM).filter((path) => !path.includes('libnsl'));
    expect([...needs(SYSTEM).keys()].toSorted()).toEqual(expected.toSorted());
  });

  test.each([
    ['libc', LIBC, /^Node needs libc\.so\.6 for linux\/amd64, which is not there\.$/],
    ['the loader', 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', /^Node needs ld-linux-x86-64\.so\.2/],
    [
      'what a library needs',
      'usr/lib/x86_64-linux-gnu/libm.so.6',
      /libstdc\+\+\.so\.6\.0\.30 needs libm\.so\.6/,
    ],
    [
      'what a link leads to',
      'usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30',
      /^Node needs libstdc\+\+\.so\.6/,
    ],
  ])('have to be there: without %s there is an error', (_, path, message) => {
    expect(() => needs(without(path))).toThrow(message);
  });

  test('for another machine are as good as none', () => {
    expect(() => needs({ ...SYSTEM, [LIBC]: { machine: 183 } })).toThrow(/Node needs libc\.so\.6/);
  });

  test('have to be new enough', () => {
    expect(() => needs({ ...SYSTEM, [LIBC]: { has: ['GLIBC_2.17'] } })).toThrow(
      'Node needs GLIBC_2.28 of libc.so.6, and the one that is there is too old for it.',
    );
  });

  test('do not help a program for another machine', () => {
    expect(() => needs(SYSTEM, { ...NODE, machine: 183 })).toThrow('Node is not for linux/amd64.');
  });
});
