import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { memoryBlob, type Blob } from '../oci/blob.ts';
import { CREATED, smallImage } from '../oci/image.fixture.ts';
import { imageIndex, platformImage, type Image } from '../oci/image.ts';
import { PLATFORMS, type Platform } from '../platforms.ts';
import { parseReference } from '../reference.ts';
import { sbomReferrer, type Referrer } from '../sbom/referrer.ts';
import type { Index } from '../oci/types.ts';
import type { Credentials } from './credentials.ts';
import { push } from './push.ts';
import { TestRegistry, type Refusal } from './registry.fixture.ts';

const [amd64] = PLATFORMS as [Platform, Platform];
const image = await smallImage();
const referrerOf = (of: Image): Referrer => sbomReferrer(of, '{"spdxVersion":"SPDX-2.3"}', CREATED);
const { digest } = image.index.blob;

interface Session {
  lines: string[];
  /** Milliseconds of each pause before something was tried again. */
  pauses: number[];
  push(options?: { credentials?: Credentials; base?: string; what?: Image; name?: string }): Promise<void>;
}

function sessionWith(registry: TestRegistry): Session {
  const lines: string[] = [];
  const pauses: number[] = [];
  return {
    lines,
    pauses,
    push: ({ credentials, base, what = image, name = 'team/brupop:v1' } = {}) =>
      push({
        image: what,
        referrer: referrerOf(what),
        to: parseReference(`${registry.host}/${name}`),
        base: base === undefined ? undefined : parseReference(`${registry.host}/${base}`),
        progress: (line) => lines.push(line),
        signal: new AbortController().signal,
        credentials: async () => credentials,
        sleep: async (ms) => pauses.push(ms),
      }),
  };
}

const pushes = (registry: TestRegistry): string[] =>
  registry.log.filter((line) => /^(?:PUT|POST|PATCH)/.test(line));

describe('a push', () => {
  test('brings blobs, then manifests, then the list of what refers to it, then the tag', async () => {
    await TestRegistry.with({}, async (registry) => {
      await sessionWith(registry).push();
      const order = pushes(registry).map((line) => line.replace(/\?.*/, ''));
      const blobs = order.filter((line) => line.includes('blobs/'));
      expect(blobs).toHaveLength(2 * 7);
      expect(order.slice(blobs.length)).toEqual([
        'PUT manifests/DIGEST',
        'PUT manifests/DIGEST',
        'PUT manifests/DIGEST',
        'PUT manifests/DIGEST',
        `PUT manifests/${digest.replace(':', '-')}`,
        'PUT manifests/v1',
      ]);
      const tagged = registry.manifests.get('team/brupop:v1');
      expect(tagged?.mediaType).toBe('application/vnd.oci.image.index.v1+json');
      const list =
        registry.manifests.get(`team/brupop:${digest.replace(':', '-')}`)?.content.toString() ?? '';
      expect((JSON.parse(list) as Index).manifests).toMatchObject([
        { artifactType: 'application/spdx+json', digest: referrerOf(image).manifest.descriptor.digest },
      ]);
    });
  });

  test('of what is there sends nothing, and lists nothing twice', async () => {
    await TestRegistry.with({}, async (registry) => {
      const session = sessionWith(registry);
      await session.push();
      const before = registry.asked.length;
      await session.push();
      const again = registry.log.slice(before).filter((line) => /^(?:POST|PATCH)/.test(line));
      expect(again).toEqual([]);
      expect(registry.log.slice(before).join()).not.toContain('PUT manifests/sha256-');
    });
  });

  test('to a registry that knows what refers to what keeps no list', async () => {
    await TestRegistry.with({ referrers: true }, async (registry) => {
      await sessionWith(registry).push();
      expect([...registry.manifests.keys()].filter((key) => key.includes(':sha256-'))).toEqual([]);
    });
  });

  test('takes the layers of a base from its repository', async () => {
    await TestRegistry.with({ password: 'secret' }, async (registry) => {
      const session = sessionWith(registry);
      const credentials = { username: 'me', password: 'secret' };
      await session.push({ credentials, name: 'team/base:v1' });
      registry.asked.length = 0;
      await session.push({
        credentials,
        base: 'team/base@sha256:'.concat('0'.repeat(64)),
        what: await smallImage('new'),
      });
      const token = registry.asked.find(({ path }) => path.startsWith('/token'))?.path ?? '';
      expect(new URLSearchParams(token.split('?')[1]).getAll('scope')).toEqual([
        'repository:team/brupop:pull,push',
        'repository:team/base:pull',
      ]);
      expect(session.lines.filter((line) => line.endsWith('was taken from the base')))
        // Configurations and the changed program are new; the empty configuration and the document are not.
        .toHaveLength(4);
      expect(registry.log.filter((line) => line.startsWith('POST')).join()).toContain(
        'mount=DIGEST&from=team%2Fbase',
      );
    });
  });

  test('goes in pieces where a whole layer is too big', async () => {
    const bytes = randomBytes(20 << 20);
    const big: Blob = {
      ...memoryBlob(bytes),
      async *open() {
        for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
      },
    };
    const layers = [{ blob: big, diffId: big.digest, createdBy: '' }];
    const parts = { created: CREATED, annotations: {}, entrypoint: [], user: '', env: {} };
    const what = imageIndex([platformImage({ ...parts, platform: amd64, layers })], {});
    await TestRegistry.with({ mostBytes: 8 << 20 }, async (registry) => {
      const session = sessionWith(registry);
      await session.push({ what });
      expect(registry.blobs.get(big.digest)?.equals(bytes)).toBe(true);
      expect(
        registry.asked.filter(({ method }) => method === 'PATCH').map(({ bytes }) => bytes >> 20),
      ).toEqual([8, 8, 4]);
      expect(session.lines.filter((line) => line.endsWith(' of 21.0 MB')).length).toBeGreaterThan(0);
    });
  });
});

describe('a registry that asks who it is', () => {
  test.each<[string, { basic?: boolean }, Credentials]>([
    ['gets a token for a password', {}, { username: 'me', password: 'secret' }],
    ['gets a token for an identity token', {}, { username: '', password: '', identityToken: 'secret' }],
    ['gets the password', { basic: true }, { username: 'me', password: 'secret' }],
  ])('%s', async (_, behaviour, credentials) => {
    await TestRegistry.with({ ...behaviour, password: 'secret' }, async (registry) => {
      await sessionWith(registry).push({ credentials });
      expect(registry.manifests.has('team/brupop:v1')).toBe(true);
    });
  });

  test.each<[string, { basic?: boolean }, Credentials | undefined]>([
    ['a wrong password', {}, { username: 'me', password: 'wrong' }],
    ['no password', {}, undefined],
    ['no password, and a registry without tokens', { basic: true }, undefined],
  ])('is not content with %s, and the error says what to do', async (_, behaviour, credentials) => {
    await TestRegistry.with({ ...behaviour, password: 'secret' }, async (registry) => {
      const { host } = registry;
      const attempt = sessionWith(registry).push(credentials === undefined ? {} : { credentials });
      await expect(attempt).rejects.toThrow(new RegExp(`${host}.*docker login ${host}`));
      expect(registry.manifests.size).toBe(0);
    });
  });
});

/** Refuses what fits. */
const refusing =
  (pattern: RegExp, refusal: Refusal) =>
  ({ method, path }: { method: string; path: string }): Refusal | undefined =>
    pattern.test(`${method} ${path}`) ? refusal : undefined;

describe('a registry that refuses', () => {
  test.each<[string, [RegExp, Refusal], RegExp]>([
    [
      'because it may not',
      [/^POST/, { status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' }],
      /HTTP 403, DENIED no\. The account may not/,
    ],
    [
      'because there is no such repository',
      [/^POST/, { status: 404 }],
      /HTTP 404\. Does the repository exist/,
    ],
    ['because it is full', [/^PUT .*uploads/, { status: 507 }], /HTTP 507\. It has no space left/],
    [
      'a manifest',
      [/^PUT .*manifests/, { status: 400, body: '<html>' }],
      /refuses PUT \/v2\/team\/brupop\/manifests\/.*HTTP 400\./,
    ],
    [
      'by sending elsewhere without protection',
      [/^POST/, { status: 202, headers: { location: 'http://storage.example.com/' } }],
      /not https/,
    ],
    ['by not saying where to go on', [/^POST/, { status: 202 }], /does not follow the protocol/],
  ])('%s is quoted, and no tag has changed', async (_, [pattern, refusal], message) => {
    await TestRegistry.with({ refuse: refusing(pattern, refusal) }, async (registry) => {
      const session = sessionWith(registry);
      await expect(session.push()).rejects.toThrow(message);
      await expect(session.push()).rejects.toMatchObject({ code: 'registry' });
      expect(registry.manifests.has('team/brupop:v1')).toBe(false);
      expect(session.pauses).toEqual([]);
    });
  });

  test('for a moment is asked again, as late as it wants', async () => {
    const refusals: Refusal[] = [{ status: 503 }, { status: 429, headers: { 'retry-after': '7' } }];
    const refuse = ({ method, path }: { method: string; path: string }) =>
      method === 'PUT' && path.includes('uploads') ? refusals.shift() : undefined;
    await TestRegistry.with({ refuse }, async (registry) => {
      const session = sessionWith(registry);
      await session.push();
      expect(session.pauses).toEqual([1_000, 7_000]);
      expect(registry.manifests.has('team/brupop:v1')).toBe(true);
    });
  });

  test('again and again is given up', async () => {
    await TestRegistry.with({ refuse: refusing(/^HEAD/, { status: 502 }) }, async (registry) => {
      const session = sessionWith(registry);
      await expect(session.push()).rejects.toThrow(/HTTP 502/);
      expect(session.pauses).toEqual([1_000, 2_000, 4_000]);
    });
  });

  test('to listen is named with the reason', async () => {
    const host = await TestRegistry.with({}, async (registry) => registry.host);
    const attempt = push({
      image,
      referrer: referrerOf(image),
      to: parseReference(`${host}/brupop:v1`),
      progress: () => undefined,
      signal: new AbortController().signal,
      sleep: async () => undefined,
    });
    await expect(attempt).rejects.toThrow(/cannot be asked: .*ECONNREFUSED/);
  });
});
