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

/** A second checkout; `node_modules` by hard links where that is possible. */
async function copyCheckout(): Promise<string> {
  const root = join(files.directory, 'another', 'place');
  await mkdir(root, { recursive: true });
  for (const name of SOURCES) await cp(join(ROOT, name), join(root, name), { recursive: true });
  const linked = await run(['cp', '-al', join(ROOT, 'node_modules'), root]);
  if (linked.code !== 0) {
    await run(['cp', '-rf', join(ROOT, 'node_modules'), root]);
  }
  return root;
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
  // Only the place differs; of which commit it is, git says in both.
  const env = { GIT_DIR: join(ROOT, '.git'), GIT_WORK_TREE: ROOT };
  const first = await digestOf(image(['--output', join(files.directory, 'first')], { env }));
  const again = digestOf(image(['--output', join(files.directory, 'again.tar')], { env }));
  expect(await again).toBe(first);
  const root = await copyCheckout();
  const elsewhere = image(['--output', join(files.directory, 'elsewhere.tar')], {
    root,
    env: { ...env, XDG_CACHE_HOME: await copyDownloads() },
  });
  expect(await digestOf(elsewhere)).toBe(first);
});
