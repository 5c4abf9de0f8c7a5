/** Same inputs, same digest: again, and in a checkout elsewhere with a cache of its own. */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cacheRoot } from '../../hack/image/cache.ts';
import { digestOf, image, ROOT, run, scratch } from './commandline.ts';

const files = await scratch();
afterAll(files.remove);

/** What an image is made of, and what makes it. */
const SOURCES = ['hack', 'src', 'package.json', 'package-lock.json', 'LICENSE'];

/** A checkout elsewhere; `node_modules` by hard links where that is possible. */
async function copyCheckout(from: string, ...names: string[]): Promise<string> {
  const root = join(files.directory, ...names);
  await mkdir(root, { recursive: true });
  for (const name of SOURCES) await cp(join(from, name), join(root, name), { recursive: true });
  const linked = await run(['cp', '-al', join(from, 'node_modules'), root]);
  if (linked.code !== 0) await run(['cp', '-rf', join(from, 'node_modules'), root]);
  return root;
}

/** The commits as they are now: somebody may be at work here. */
async function copyHistory(): Promise<NodeJS.ProcessEnv> {
  const directory = join(files.directory, 'history');
  await run(['git', 'clone', '--quiet', '--no-checkout', '--shared', ROOT, directory]);
  return { GIT_DIR: join(directory, '.git') };
}

/** A cache with what was fetched, without any layer that was made of it. */
async function copyDownloads(): Promise<string> {
  const home = join(files.directory, 'cache');
  const directory = join(home, 'brupop', 'image');
  await mkdir(directory, { recursive: true });
  const names = (await readdir(cacheRoot())).filter((name) => /^[^.].*\.(?:deb|tgz)$/.test(name));
  for (const name of names) await cp(join(cacheRoot(), name), join(directory, name));
  return home;
}

test('the image is the same again, and in another checkout with an empty cache', async () => {
  const one = await copyCheckout(ROOT, 'one');
  const other = await copyCheckout(one, 'another', 'place');
  const history = await copyHistory();
  const make = (root: string, name: string, env: NodeJS.ProcessEnv = {}) => {
    const output = join(files.directory, name);
    return digestOf(image(['--output', output], { root, env: { ...history, GIT_WORK_TREE: root, ...env } }));
  };
  const first = await make(one, 'first');
  expect(await make(one, 'again.tar')).toBe(first);
  expect(await make(other, 'elsewhere.tar', { XDG_CACHE_HOME: await copyDownloads() })).toBe(first);
});
