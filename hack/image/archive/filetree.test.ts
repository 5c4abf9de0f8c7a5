import { describe, expect, test } from 'vitest';
import { FileTree } from './filetree.ts';
import type { ReadEntry } from './read.ts';

const file = (path: string): ReadEntry => ({ path, type: 'file', mode: 0o644, bytes: 0 });
const link = (path: string, target: string): ReadEntry => ({ ...file(path), type: 'symlink', target });
const directory = (path: string): ReadEntry => ({ ...file(path), type: 'directory' });

const treeOf = (...entries: readonly ReadEntry[]): FileTree => {
  const tree = new FileTree();
  entries.forEach((entry) => tree.add(entry));
  return tree;
};

const paths = (tree: FileTree): string[] => [...tree.values()].map(({ path }) => path);

describe('layers over each other', () => {
  test.each<[string, ReadEntry[], string[]]>([
    ['a file takes the place of one below', [file('a'), file('a')], ['a']],
    ['a whiteout removes a file', [file('etc/a'), file('etc/b'), file('etc/.wh.a')], ['etc/b']],
    ['a whiteout removes a directory', [directory('d'), file('d/a'), file('dd'), file('.wh.d')], ['dd']],
    [
      'an opaque directory keeps nothing of below',
      [directory('d'), file('d/a'), file('d/.wh..wh..opq')],
      ['d'],
    ],
    ['a link in the place of a directory hides what was in it', [file('d/a'), link('d', 'e')], ['d']],
  ])('%s', (_, entries, expected) => {
    expect(paths(treeOf(...entries))).toEqual(expected);
  });
});

describe('a big image', () => {
  test('is laid over another in a moment', () => {
    const files = Array.from({ length: 50_000 }, (_, index) => file(`usr/share/${index % 100}/${index}`));
    const startedAt = performance.now();
    const tree = treeOf(...files, ...files, file('usr/share/.wh.7'));
    expect(paths(tree)).toHaveLength(49_500);
    // Where each file looks at all others it takes minutes.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('a path', () => {
  const tree = treeOf(
    link('lib', 'usr/lib'),
    link('usr/lib/libc.so.6', 'libc-2.36.so'),
    file('usr/lib/libc-2.36.so'),
    link('absolute', '/lib/libc.so.6'),
    link('up', '../../usr/lib/libc-2.36.so'),
    { ...file('same'), type: 'hardlink', target: 'usr/lib/libc-2.36.so' },
    link('round', 'round'),
    link('nowhere', 'gone'),
  );

  test.each(['usr/lib/libc.so.6', '/lib/libc.so.6', 'absolute', 'up', 'same'])(
    '%s leads to the file',
    (path) => {
      expect(tree.resolve(path)?.entry.path).toBe('usr/lib/libc-2.36.so');
    },
  );

  test('leads over links, which are named', () => {
    expect(tree.resolve('lib/libc.so.6')?.links.map(({ path }) => path)).toEqual([
      'lib',
      'usr/lib/libc.so.6',
    ]);
  });

  test.each(['round', 'nowhere', 'never/was'])('%s leads nowhere', (path) => {
    expect(tree.resolve(path)).toBeUndefined();
  });
});
