import { describe, expect, test } from 'vitest';
import type { TarEntry } from '../archive/write.ts';
import type { ReadEntry } from '../archive/read.ts';
import { PLATFORMS, type Platform } from '../platforms.ts';
import { paragraph } from './apt.ts';
import type { UnpackedPackage } from './debian.ts';
import { notFetched } from './download.ts';
import { makeElf } from './elf.fixture.ts';
import { readElf } from './elf.ts';
import { runtimeEntries } from './layer.ts';
import type { LockedPlatform, RuntimeLock } from './lock.ts';
import { differences } from './updatelock.ts';

const [amd64] = PLATFORMS as [Platform, Platform];

const entry = (path: string, content: Buffer | string): ReadEntry => ({
  path,
  type: 'file',
  mode: typeof content === 'string' && !content.startsWith('#!') ? 0o644 : 0o755,
  bytes: content.length,
  content: Buffer.from(content),
});
const link = (path: string, target: string): ReadEntry => ({
  path,
  type: 'symlink',
  mode: 0o777,
  bytes: 0,
  target,
});

const packageOf = (name: string, ...files: ReadEntry[]): UnpackedPackage => ({
  control: `Package: ${name}\nVersion: 1.0\n`,
  files,
});

const packages = [
  packageOf(
    'libc6',
    entry('usr/lib/x86_64-linux-gnu/libc.so.6', makeElf()),
    entry('usr/lib/x86_64-linux-gnu/libnsl.so.1', makeElf()),
    entry('usr/share/doc/libc6/copyright', 'LGPL'),
    entry('usr/share/doc/libc6/changelog.gz', 'long'),
    entry('usr/bin/ldd', '#!/bin/sh'),
  ),
  packageOf('libgcc-s1', link('usr/share/doc/libgcc-s1', 'gcc-12-base')),
  packageOf(
    'ca-certificates',
    entry('usr/share/ca-certificates/mozilla/B.crt', 'B\n'),
    entry('usr/share/ca-certificates/mozilla/A.crt', 'A\n\n'),
    entry('usr/sbin/update-ca-certificates', '#!/bin/sh'),
  ),
  packageOf(
    'base-files',
    entry('usr/lib/os-release', 'ID=debian\n'),
    entry('usr/share/common-licenses/MPL-2.0', 'MPL'),
  ),
];

const binary = makeElf({ needed: ['libc.so.6'] });
const node = { binary, elf: readElf(binary), licence: Buffer.from('MIT') };

const layer = new Map(runtimeEntries({ platform: amd64, node, packages }).map((each) => [each.path, each]));

const content = (path: string): string => {
  const found: TarEntry | undefined = layer.get(path);
  return found?.type === 'file' && found.content instanceof Uint8Array
    ? Buffer.from(found.content).toString()
    : '';
};

describe('the runtime layer', () => {
  test('has Node and the libraries that it needs, nothing that can be run besides, and no tools of packages', () => {
    const runnable = [...layer.values()].filter(
      (each) => each.type === 'file' && ((each.mode ?? 0) & 0o111) !== 0,
    );
    expect(runnable.map(({ path }) => path)).toEqual([
      'opt/node/bin/node',
      'usr/lib/x86_64-linux-gnu/libc.so.6',
    ]);
  });

  test('has every CA root in one file', () => {
    expect(content('etc/ssl/certs/ca-certificates.crt')).toBe('A\nB\n');
  });

  test('knows the user of the image', () => {
    expect(content('etc/passwd')).toMatch(/^brupop:x:65532:65532:/m);
    expect(content('etc/group')).toMatch(/^brupop:x:65532:$/m);
  });

  test('has the licences of everything, and a record of each package', () => {
    for (const path of [
      'opt/node/LICENSE',
      'usr/share/doc/libc6/copyright',
      'usr/share/common-licenses/MPL-2.0',
    ]) {
      expect(content(path)).not.toBe('');
    }
    expect(layer.get('usr/share/doc/libgcc-s1')).toMatchObject({ type: 'symlink', target: 'gcc-12-base' });
    expect(content('var/lib/dpkg/status.d/libc6')).toBe('Package: libc6\nVersion: 1.0\n');
    expect(content('usr/lib/os-release')).toBe('ID=debian\n');
  });

  test('is not made when a library is missing', () => {
    const needy = { ...node, elf: readElf(makeElf({ needed: ['libnew.so.1'] })) };
    expect(() => runtimeEntries({ platform: amd64, node: needy, packages })).toThrow(
      /Node needs libnew\.so\.1/,
    );
  });
});

describe('a package that cannot be fetched', () => {
  const locked = {
    name: 'libc6',
    version: '1',
    source: '',
    architecture: 'amd64',
    path: '',
    bytes: 1,
    sha256: '',
  };
  const gone =
    'W: unsandboxed\nE: Failed to fetch http://mirror/libc6.deb  404  Not Found\nE: Download Failed';

  test.each<[string, string[], RegExp]>([
    [
      'and is nowhere any more is to be renewed',
      [gone, gone],
      /No mirror .* libc6 1 for amd64.*npm run image -- --update-lock$/,
    ],
    ['is as good as nowhere where there are no mirrors', [], /No mirror/],
    [
      'but may be there is quoted',
      [gone, 'W: x\nE: Could not resolve mirror\n'],
      /cannot fetch .*: Could not resolve mirror$/,
    ],
    [
      'as it should be is refused',
      [gone, 'Hashes of received file:\n - SHA256:00'],
      /another libc6 1 for amd64 than/,
    ],
  ])('%s', (_, failures, message) => {
    expect(notFetched(locked, failures).message).toMatch(message);
  });
});

describe('what apt shows', () => {
  test('is one paragraph of fields', () => {
    const text = 'Package: a\nVersion: 1:2-3\nDescription: first\n second: line\n\nPackage: a\nVersion: 0\n';
    expect([...paragraph(text)]).toEqual([
      ['Package', 'a'],
      ['Version', '1:2-3'],
      ['Description', 'first'],
    ]);
  });
});

const platform = (version: string): LockedPlatform => ({
  node: { name: 'node', version: '24.0.0', integrity: '' },
  debian: [{ name: 'libc6', version, source: '', architecture: '', path: '', bytes: 0, sha256: '' }],
});
const lock = (version: string): RuntimeLock => ({
  release: 'bookworm',
  platforms: { 'linux/amd64': platform('1'), 'linux/arm64': platform(version) },
});

describe('a renewed lock file', () => {
  test('says what is new', () => {
    expect(differences(lock('1'), lock('1'))).toEqual([]);
    expect(differences(lock('1'), lock('2'))).toEqual(['linux/arm64: libc6 2']);
    expect(differences(undefined, lock('1'))).toHaveLength(4);
  });
});
