import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { authorize, parseChallenge } from './auth.ts';
import { RegistryClient } from './client.ts';
import { isLoopback } from './transport.ts';
import { TestRegistry } from './registry.fixture.ts';
import { digestOf } from '../oci/blob.ts';

const { signal } = new AbortController();

describe('a challenge', () => {
  test.each([
    ['Basic realm="x"', { scheme: 'basic', parameters: new Map([['realm', 'x']]) }],
    [
      'Bearer realm="https://auth.example.com/token",service="a b",scope="repository:a:pull,push"',
      {
        scheme: 'bearer',
        parameters: new Map([
          ['realm', 'https://auth.example.com/token'],
          ['service', 'a b'],
          ['scope', 'repository:a:pull,push'],
        ]),
      },
    ],
    [
      'bearer realm=https://a.example',
      { scheme: 'bearer', parameters: new Map([['realm', 'https://a.example']]) },
    ],
    ['Negotiate', undefined],
    ['', undefined],
  ])('%s is understood', (header, challenge) => {
    expect(parseChallenge(header)).toEqual(challenge);
  });
});

describe('credentials', () => {
  test.each(['http://auth.example.com/token', 'ftp://auth.example.com', ''])(
    'do not go to %j',
    async (realm) => {
      const challenge = { scheme: 'bearer' as const, parameters: new Map([['realm', realm]]) };
      const credentials = { username: 'me', password: 'secret' };
      await expect(authorize(challenge, { registry: 'r', credentials, scopes: [], signal })).rejects.toThrow(
        /not https/,
      );
    },
  );

  test('do not follow a redirect to another host', async () => {
    const content = Buffer.from('layer');
    const digest = digestOf(content);
    await TestRegistry.with({}, async (storage) => {
      storage.blobs.set(digest, content);
      await TestRegistry.with({ password: 'secret', storage: `http://${storage.host}` }, async (registry) => {
        const client = new RegistryClient({
          reference: { registry: registry.host, repository: 'a' },
          actions: 'pull',
          signal,
          credentials: async () => ({ username: 'me', password: 'secret' }),
        });
        expect(await buffer(await client.blob(digest))).toEqual(content);
        expect(registry.asked.at(-1)?.authorization).toMatch(/^Bearer /);
        expect(storage.asked.map(({ authorization }) => authorization)).toEqual([undefined]);
      });
    });
  });
});

describe('without TLS', () => {
  test.each(['localhost', 'localhost:5000', '127.0.0.1:5000', '127.1.2.3', '[::1]:5000'])(
    '%s may be asked',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  test.each(['127.example.com', 'localhost.example.com', '10.0.0.1:5000', '128.0.0.1'])(
    '%s may not',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
