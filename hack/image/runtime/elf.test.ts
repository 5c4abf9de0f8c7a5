import { describe, expect, test } from 'vitest';
import { makeElf } from './elf.fixture.ts';
import { isElf, readElf, strip } from './elf.ts';

const node = makeElf({
  machine: 183,
  interpreter: '/lib/ld-linux-aarch64.so.1',
  needed: ['libc.so.6', 'libstdc++.so.6'],
  wants: { 'libc.so.6': ['GLIBC_2.17', 'GLIBC_2.28'], 'libstdc++.so.6': ['GLIBCXX_3.4.21'] },
});

describe('an ELF file', () => {
  test('says what it needs to start', () => {
    expect(readElf(node)).toEqual({
      machine: 183,
      interpreter: '/lib/ld-linux-aarch64.so.1',
      needed: ['libc.so.6', 'libstdc++.so.6'],
      wants: new Map([
        ['libc.so.6', new Set(['GLIBC_2.17', 'GLIBC_2.28'])],
        ['libstdc++.so.6', new Set(['GLIBCXX_3.4.21'])],
      ]),
      has: new Set(),
    });
  });

  test('that is a library says which versions of symbols it has', () => {
    const { interpreter, has } = readElf(makeElf({ has: ['libc.so.6', 'GLIBC_2.28', 'GLIBC_2.36'] }));
    expect([interpreter, [...has]]).toEqual([undefined, ['libc.so.6', 'GLIBC_2.28', 'GLIBC_2.36']]);
  });

  test('without what only debuggers want says the same', () => {
    const stripped = strip(node);
    expect(node.toString('latin1')).toContain('symbols for debuggers');
    expect(stripped.toString('latin1')).not.toContain('symbols for debuggers');
    expect(readElf(stripped)).toEqual(readElf(node));
    expect(strip(stripped)).toEqual(stripped);
  });

  test.each([
    ['a script', Buffer.from('#!/bin/sh\n'.repeat(10))],
    ['nothing', Buffer.alloc(0)],
    ['a file for 32 bits', Buffer.from(node).fill(1, 4, 5)],
  ])('is not %s', (_, bytes) => {
    expect(isElf(bytes)).toBe(false);
    expect(() => readElf(bytes)).toThrow(/no 64-bit little-endian ELF/);
  });
});
