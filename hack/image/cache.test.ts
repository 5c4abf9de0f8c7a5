import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cached, cacheRoot, hashFile, prune } from './cache.ts';
import { withDirectory } from './oci/image.fixture.ts';

const isA = async (path: string): Promise<boolean> => (await readFile(path, 'utf8').catch(() => '')) === 'a';

/** The file `x`, which has to hold `a`; made of `text`. */
const getX = (root: string, text = 'a') =>
  cached(root, { name: 'x', isRight: isA, make: (draft) => writeFile(draft, text) });

const makeHalf = async (draft: string): Promise<void> => {
  await writeFile(draft, 'half');
  throw new Error('interrupted');
};

describe('the cache', () => {
  test('makes what is not there, and makes again what is damaged', async () => {
    await withDirectory(async (root) => {
      expect((await getX(root)).made).toBe(true);
      expect((await getX(root)).made).toBe(false);
      await writeFile(join(root, 'x'), 'damaged');
      expect((await getX(root)).made).toBe(true);
      expect([await isA(join(root, 'x')), await readdir(root)]).toEqual([true, ['x']]);
    });
  });

  test('holds nothing of what could not be made', async () => {
    await withDirectory(async (root) => {
      await expect(cached(root, { name: 'x', isRight: isA, make: makeHalf })).rejects.toThrow('interrupted');
      expect(await readdir(root)).toEqual([]);
    });
  });

  test('loses what was not used for a month, and keeps what was', async () => {
    await withDirectory(async (root) => {
      await getX(root);
      await writeFile(join(root, 'y'), '');
      const old = new Date(Date.now() - 31 * 86_400_000);
      for (const name of ['x', 'y']) await utimes(join(root, name), old, old);
      await getX(root);
      await prune(root);
      expect(await readdir(root)).toEqual(['x']);
      await prune(join(root, 'none'));
    });
  });

  test('is where the machine keeps caches', () => {
    expect(cacheRoot({ XDG_CACHE_HOME: '/c' })).toBe('/c/brupop/image');
    expect(cacheRoot({ HOME: '/h' })).toBe('/h/.cache/brupop/image');
  });

  test('knows files by their hash', async () => {
    await withDirectory(async (root) => {
      await getX(root);
      expect(await hashFile(join(root, 'x'), 'sha256')).toMatch(/^ca978112ca1bbdca/);
      expect(await hashFile(join(root, 'none'), 'sha256')).toBeUndefined();
    });
  });
});
