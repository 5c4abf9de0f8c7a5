import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { annotationsOf, describeOrigin, sourceDate, sourceUrl } from './describe.ts';
import { withDirectory } from './oci/image.fixture.ts';

const run = promisify(execFile);

const PACKAGE = { version: '1.2.3', description: 'What it does', license: 'Apache-2.0' };

/** A checkout with one commit of the first second of 2026. */
async function checkout(directory: string): Promise<void> {
  const git = (...args: string[]) =>
    run('git', ['-C', directory, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      env: {
        ...process.env,
        GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
        GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
      },
    });
  await writeFile(join(directory, 'package.json'), JSON.stringify(PACKAGE));
  await git('init', '-q');
  await git('add', '.');
  await git('commit', '-qm', 'first');
  await git('remote', 'add', 'origin', 'git@code.example.com:team/brupop.git');
}

describe('an image says', () => {
  test('of which commit it is, when that was made, and where it is published', async () => {
    await withDirectory(async (root) => {
      await checkout(root);
      expect(await describeOrigin({ root, env: {} })).toEqual({
        version: '1.2.3',
        description: 'What it does',
        licence: 'Apache-2.0',
        revision: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
        source: 'https://code.example.com/team/brupop',
        created: '2026-01-01T00:00:00Z',
      });
    });
  });

  test('when something of it is in no commit; a file that it is not made of does not matter', async () => {
    await withDirectory(async (root) => {
      await checkout(root);
      await writeFile(join(root, 'notes.md'), '');
      expect((await describeOrigin({ root, env: {} })).revision).not.toMatch(/-dirty$/);
      await writeFile(join(root, 'package.json'), JSON.stringify({ ...PACKAGE, version: '1.2.4' }));
      expect((await describeOrigin({ root, env: {} })).revision).toMatch(/-dirty$/);
    });
  });

  test('nothing of a commit outside a checkout', async () => {
    await withDirectory(async (root) => {
      await writeFile(join(root, 'package.json'), JSON.stringify(PACKAGE));
      const origin = await describeOrigin({
        root,
        env: { SOURCE_DATE_EPOCH: '86400' },
        source: 'https://a.example',
      });
      expect(origin).toMatchObject({ created: '1970-01-02T00:00:00Z', source: 'https://a.example' });
      expect(origin.revision).toBeUndefined();
    });
  });

  test('under which licences its parts are, each once', () => {
    const origin = { version: '1', description: '', licence: 'MIT', created: '' };
    expect(annotationsOf(origin, ['MIT', 'ISC', 'MIT'])['org.opencontainers.image.licenses']).toBe(
      'ISC AND MIT',
    );
  });
});

describe('where the source is published', () => {
  test.each([
    ['https://code.example.com/a/b.git', 'https://code.example.com/a/b'],
    ['git+https://code.example.com/a/b.git', 'https://code.example.com/a/b'],
    ['git@code.example.com:a/b.git', 'https://code.example.com/a/b'],
    ['ssh://git@code.example.com/a/b/', 'https://code.example.com/a/b'],
    // Who fetched it, and with what, is not part of an image.
    ['https://user:secret@code.example.com/a/b', 'https://code.example.com/a/b'],
    ['/srv/git/brupop', undefined],
    ['../brupop', undefined],
    ['file:///srv/git/brupop', undefined],
  ])('%s says %s', (remote, url) => {
    expect(sourceUrl(remote)).toBe(url);
  });
});

describe('SOURCE_DATE_EPOCH', () => {
  test.each([
    ['0', '1970-01-01T00:00:00Z'],
    ['1763683200', '2025-11-21T00:00:00Z'],
    ['', undefined],
  ])('%j is %s', (text, date) => {
    expect(sourceDate({ SOURCE_DATE_EPOCH: text })).toBe(date);
  });

  test.each(['yesterday', '-1', '1.5', '123456789012'])('%j is refused', (text) => {
    expect(() => sourceDate({ SOURCE_DATE_EPOCH: text })).toThrow(/no number of seconds/);
  });
});
