/** What goes wrong is said in one sentence, and leaves nothing that looks like an image. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { image, ROOT, run, scratch } from './commandline.ts';

const files = await scratch();
afterAll(files.remove);

describe('a full disk', () => {
  test.each(['image.tar', 'layout'])('leaves no partial %s', async (name) => {
    const directory = join(files.directory, `full-${name}`);
    await mkdir(directory);
    // A file system of 8 MB that only this command sees.
    const script =
      'mount -t tmpfs -o size=8m tmpfs "$1" && { "$2" "$3" --output "$1/$4"; code=$?; ls -A "$1"; exit $code; }';
    const command = [process.execPath, join(ROOT, 'hack/image/main.ts')];
    const ending = await run(['unshare', '--mount', 'sh', '-c', script, 'sh', directory, ...command, name]);
    expect([ending.code, ending.stdout]).toEqual([1, '']);
    expect(ending.stderr).toContain(
      `No space is left for ${join(directory, name)}; nothing was left under that name.`,
    );
    expect(ending.stderr).not.toMatch(/^\s+at /m);
  });
});

describe('a command line', () => {
  test.each([
    [['--platform', 'linux/s390x'], 2, /There is no image for linux\/s390x/],
    [['--nonsense'], 2, /npm run image -- --help/],
    [['--base', 'debian:12'], 1, /name the base by its digest/],
    [['--base', './nowhere'], 1, /There is no OCI layout/],
    [['--output', '/nonexistent/image.tar'], 1, /There is no directory \/nonexistent; make it first/],
    [['--push', '127.0.0.1:1/brupop'], 1, /127\.0\.0\.1:1 cannot be asked: .*ECONNREFUSED/],
  ])('%j ends with a sentence and exit code %i', async (args, code, message) => {
    const ending = await image(args);
    expect([ending.code, ending.stdout]).toEqual([code, '']);
    expect(ending.stderr).toMatch(message);
    expect(ending.stderr).not.toMatch(/^\s+at /m);
  });

  test('can ask for help', async () => {
    const { code, stdout } = await image(['--help']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('--update-lock')]);
  });
});
