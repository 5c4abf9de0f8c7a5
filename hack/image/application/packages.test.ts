import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AGENT, bundleOf, OPERATOR, ROOT } from '../../bundle.ts';
import { withDirectory } from '../oci/image.fixture.ts';
import { packageDirectories, packagesOf } from './packages.ts';

describe('the packages of a bundle', () => {
  test('are those whose modules are in it, innermost first of all', () => {
    const modules = [
      '/r/src/a.ts',
      '/r/node_modules/a/lib/b.js',
      '/r/node_modules/a/index.js',
      '/r/node_modules/@s/b/index.js',
      '/r/node_modules/a/node_modules/@s/c/d/e.js',
      '\0rolldown/runtime.js',
    ];
    expect(packageDirectories(modules)).toEqual([
      '/r/node_modules/@s/b',
      '/r/node_modules/a',
      '/r/node_modules/a/node_modules/@s/c',
    ]);
  });

  test('are named with their licences, and without one they are refused', async () => {
    await withDirectory(async (directory) => {
      const add = async (name: string, packageJson: object, files: Record<string, string> = {}) => {
        const folder = join(directory, 'node_modules', name);
        await mkdir(folder, { recursive: true });
        await writeFile(
          join(folder, 'package.json'),
          JSON.stringify({ name, version: '1.0.0', ...packageJson }),
        );
        for (const [each, text] of Object.entries(files)) await writeFile(join(folder, each), text);
        return join(folder, 'index.js');
      };
      const modules = [
        await add(
          'b',
          { license: 'MIT' },
          { 'LICENSE.md': 'as you like', 'NOTICE.txt': 'by b', 'README.md': '' },
        ),
        await add('a', { license: { type: 'ISC' } }),
      ];
      const found = await packagesOf(modules);
      expect(found.map(({ name, licence, texts }) => [name, licence, [...texts.keys()]])).toEqual([
        ['a', 'ISC', []],
        ['b', 'MIT', ['LICENSE.md', 'NOTICE.txt']],
      ]);
      await expect(packagesOf([await add('c', {})])).rejects.toThrow(
        'c 1.0.0 does not say under which licence it is.',
      );
    });
  });
});

describe('a bundle', () => {
  test.each([AGENT, OPERATOR])('$file does not tell where it was made', async (program) => {
    const { code, moduleIds } = await bundleOf(program);
    expect(moduleIds.some((id) => id.startsWith(ROOT))).toBe(true);
    expect(code).not.toContain(ROOT);
    expect(code).not.toMatch(/\.\.\/\.\.\/\w+\/src\//);
  });
});
