import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withDirectory } from '../oci/image.fixture.ts';
import { findCredentials, type Credentials } from './credentials.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What is found for a registry with that configuration. */
const found = (registry: string, config: unknown): Promise<Credentials | undefined> =>
  withDirectory(async (directory) => {
    await writeFile(join(directory, 'config.json'), JSON.stringify(config));
    return findCredentials(registry, { DOCKER_CONFIG: directory });
  });

describe('credentials', () => {
  test.each<[string, unknown, Credentials | undefined]>([
    [
      'r.example.com',
      { auths: { 'r.example.com': { auth: base64('me:se:cret') } } },
      { username: 'me', password: 'se:cret' },
    ],
    [
      'r.example.com',
      { auths: { 'https://r.example.com/v2/': { auth: base64('me:x') } } },
      { username: 'me', password: 'x' },
    ],
    [
      'r.example.com',
      { auths: { 'r.example.com': { username: 'me', password: 'x' } } },
      { username: 'me', password: 'x' },
    ],
    [
      'r.example.com',
      { auths: { 'r.example.com': { auth: base64('me:'), identitytoken: 't' } } },
      { username: 'me', password: '', identityToken: 't' },
    ],
    [
      'docker.io',
      { auths: { 'https://index.docker.io/v1/': { auth: base64('me:x') } } },
      { username: 'me', password: 'x' },
    ],
    ['r.example.com:5000', { auths: { 'r.example.com': { auth: base64('me:x') } } }, undefined],
    ['r.example.com', { auths: { 'r.example.com': {} } }, undefined],
    ['r.example.com', {}, undefined],
  ])('for %s are found in %j', async (registry, config, credentials) => {
    expect(await found(registry, config)).toEqual(credentials);
  });

  test('are none where there is no file', async () => {
    expect(await findCredentials('r.example.com', { HOME: '/nonexistent' })).toBeUndefined();
  });

  test('in a file that is no JSON are an error that names it', async () => {
    await withDirectory(async (directory) => {
      await writeFile(join(directory, 'config.json'), 'auths:');
      await expect(findCredentials('r', { DOCKER_CONFIG: directory })).rejects.toThrow(
        `${join(directory, 'config.json')} is no JSON`,
      );
    });
  });

  test('are asked of a helper', async () => {
    await withDirectory(async (directory) => {
      const helper = join(directory, 'docker-credential-brupoptest');
      const answer = '{"Username":"<token>","Secret":"t"}';
      await writeFile(helper, `#!/bin/sh\nread -r host\n[ "$host" = r.example.com ] && echo '${answer}'\n`);
      await chmod(helper, 0o755);
      await writeFile(join(directory, 'config.json'), JSON.stringify({ credsStore: 'brupoptest' }));
      const before = process.env['PATH'];
      process.env['PATH'] = `${directory}${delimiter}${before ?? ''}`;
      try {
        const ask = (registry: string) => findCredentials(registry, { DOCKER_CONFIG: directory });
        expect(await ask('r.example.com')).toEqual({ username: '', password: '', identityToken: 't' });
        expect(await ask('other.example.com')).toBeUndefined();
      } finally {
        process.env['PATH'] = before;
      }
    });
  });
});
