import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ConfigMap, Secret } from '../../api/core.ts';
import { CA_BUNDLE_CONFIGMAP, CA_BUNDLE_KEY, CA_KEY_SECRET, SERVING_SECRET } from '../../api/names.ts';
import { VirtualClock } from '../../sim/clock.ts';
import type { CertificatesController } from './controller.ts';
import { dnsNamesOf } from './gather.ts';
import { isForNames, parseCertificate, parseCertificates } from './parse.ts';
import { ListLogger, ObjectsOverTime, controllerOf, whyNotAccepted } from './testworld.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Mounted files are at most so old. */
const MAX_LAG_MS = 55 * MINUTE_MS;

let clock: VirtualClock;
let objects: ObjectsOverTime;
let log: ListLogger;
let controller: CertificatesController;

beforeEach(() => {
  clock = new VirtualClock();
  objects = new ObjectsOverTime(clock);
  log = new ListLogger();
  controller = controllerOf(objects, { clock, logger: log });
});

/** Looks and takes steps until nothing is due. */
async function settle(): Promise<void> {
  for (let count = 0; count < 20; count += 1) {
    const waitMs = await controller.pass().catch(() => 0);
    if (waitMs > 0) return;
  }
  throw new Error(`never done: ${log.steps.join(' ')}`);
}

/** Every so often a look, for so long. */
async function live(forMs: number, everyMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
    await clock.advance(everyMs);
    await settle();
  }
}

const decoded = (name: string, key: string): string =>
  Buffer.from(objects.at<Secret>(name)?.data?.[key] ?? '', 'base64').toString();
const serving = (): string => decoded(SERVING_SECRET, 'tls.crt');
const bundle = (): string[] =>
  parseCertificates(objects.at<ConfigMap>(CA_BUNDLE_CONFIGMAP)?.data?.[CA_BUNDLE_KEY] ?? '').map(
    ({ fingerprint }) => fingerprint,
  );

const refusal = (agentLagMs = 0, serverLagMs = 0): string | undefined =>
  whyNotAccepted(objects, { agentLagMs, serverLagMs, now: clock.now() });

/** No agent refuses the API server, whichever of them lags behind. */
function expectAccepted(): void {
  for (const agentLagMs of [0, MAX_LAG_MS])
    for (const serverLagMs of [0, MAX_LAG_MS]) expect(refusal(agentLagMs, serverLagMs)).toBeUndefined();
}

describe('a new installation', () => {
  it('has an authority, then its bundle, then a serving certificate, at once', async () => {
    await settle();
    expect(log.steps).toEqual(['makeAuthority', 'publish', 'issue']);
    expect(refusal()).toBeUndefined();
    expect(objects.at<Secret>(SERVING_SECRET)?.type).toBe('kubernetes.io/tls');
    const leaf = parseCertificate(serving());
    expect(isForNames(leaf!, dnsNamesOf('brupop-bottlerocket-aws'))).toBe(true);
    expect(isForNames(leaf!, ['kubernetes.default.svc'])).toBe(false);
  });

  it('keeps the key of the authority in its own Secret alone', async () => {
    await settle();
    const key = objects.at<Secret>(CA_KEY_SECRET)?.data?.['ca.key'] ?? '';
    const elsewhere = [SERVING_SECRET, CA_BUNDLE_CONFIGMAP].map((name) => JSON.stringify(objects.at(name)));
    expect(key).not.toBe('');
    for (const text of elsewhere) expect(text).not.toContain(key);
  });

  it('writes nothing more when all is well', async () => {
    await settle();
    const { writes } = objects;
    await live(DAY_MS, HOUR_MS);
    expect(objects.writes).toBe(writes);
  });
});

describe('a long life', () => {
  it('goes through authorities without an agent that refuses, whoever lags', async () => {
    await settle();
    await clock.advance(HOUR_MS);
    const authorities = new Set<string>();
    for (let day = 0; day < 2 * 365; day += 1) {
      // Around a rotation the hours count.
      const isRotating = bundle().length > 1 && day % 60 < 10;
      await live(DAY_MS, isRotating ? 2 * HOUR_MS : DAY_MS);
      expectAccepted();
      bundle().forEach((fingerprint) => authorities.add(fingerprint));
    }
    expect(authorities.size).toBe(3);
  });

  it('rotates in the order of design 7', async () => {
    await settle();
    const first = bundle();
    await live(244 * DAY_MS, DAY_MS);
    const before = log.steps.length;
    expect(log.steps.slice(0, before).at(-1)).not.toBe('promote');
    await live(3 * HOUR_MS, MINUTE_MS);
    const rotation = log.steps.slice(log.steps.lastIndexOf('makeAuthority'));
    expect(rotation).toEqual(['makeAuthority', 'publish', 'promote', 'publish', 'issue']);
    expect(bundle()).toHaveLength(2);
    expect(bundle()).toContain(first[0]);
    await live(91 * DAY_MS, DAY_MS);
    expect(bundle()).toHaveLength(1);
    expect(bundle()).not.toContain(first[0]);
  });

  it('signs with the next authority an hour after it was published, not before', async () => {
    await settle();
    const old = serving();
    await live(243 * DAY_MS, DAY_MS);
    const renewed = serving();
    expect(renewed).not.toBe(old);
    const untilNext = async (): Promise<void> => {
      while (bundle().length < 2) await live(MINUTE_MS, MINUTE_MS);
    };
    await untilNext();
    await live(59 * MINUTE_MS, MINUTE_MS);
    expect(serving()).toBe(renewed);
    await live(2 * MINUTE_MS, MINUTE_MS);
    expect(serving()).not.toBe(renewed);
  });
});

const garbage = (text: string): string => Buffer.from(text).toString('base64');
const replace = (name: string, data: Record<string, string>): void => {
  const old = objects.at<Secret>(name);
  objects.put(name, { ...old, metadata: { name }, data: { ...old?.data, ...data } } as Secret);
};

describe('whatever others do to the objects', () => {
  it.each<[string, () => void]>([
    ['the serving Secret is deleted', () => objects.put(SERVING_SECRET, undefined)],
    ['its certificate is garbage', () => replace(SERVING_SECRET, { 'tls.crt': garbage('garbage') })],
    ['its certificate is no base64', () => replace(SERVING_SECRET, { 'tls.crt': '%%%' })],
    ['its key is garbage', () => replace(SERVING_SECRET, { 'tls.key': garbage('garbage') })],
    [
      'its key is of another',
      () => replace(SERVING_SECRET, { 'tls.key': objects.at<Secret>(CA_KEY_SECRET)?.data?.['ca.key'] ?? '' }),
    ],
    ['it is empty', () => objects.put(SERVING_SECRET, { metadata: { name: SERVING_SECRET } })],
    [
      'its certificate is the authority itself',
      () => {
        const { data } = objects.at<Secret>(CA_KEY_SECRET) ?? {};
        replace(SERVING_SECRET, { 'tls.crt': data?.['ca.crt'] ?? '', 'tls.key': data?.['ca.key'] ?? '' });
      },
    ],
  ])('%s: a new one is issued at once by the same authority', async (_name, harm) => {
    await settle();
    const trusted = bundle();
    harm();
    await settle();
    expect(refusal()).toBeUndefined();
    expect(bundle()).toEqual(trusted);
    expect(log.steps.at(-1)).toBe('issue');
  });

  it.each<[string, () => void]>([
    ['the bundle is deleted', () => objects.put(CA_BUNDLE_CONFIGMAP, undefined)],
    [
      'the bundle is garbage',
      () =>
        objects.put(CA_BUNDLE_CONFIGMAP, { metadata: { name: '' }, data: { 'ca.crt': 'x' } } as ConfigMap),
    ],
    [
      'the bundle lost its records',
      () => {
        const old = objects.at<ConfigMap>(CA_BUNDLE_CONFIGMAP);
        objects.put(CA_BUNDLE_CONFIGMAP, { ...old, metadata: { name: '', annotations: {} } });
      },
    ],
    [
      'a stranger is in the bundle',
      () => {
        const old = objects.at<ConfigMap>(CA_BUNDLE_CONFIGMAP);
        const text = `${old?.data?.[CA_BUNDLE_KEY] ?? ''}# ours\n${serving()}`;
        objects.put(CA_BUNDLE_CONFIGMAP, { ...old, data: { [CA_BUNDLE_KEY]: text } } as ConfigMap);
      },
    ],
  ])('%s: it is published again, and nothing else changes', async (_name, harm) => {
    await settle();
    const [trusted, leaf] = [bundle(), serving()];
    harm();
    await settle();
    expect(bundle()).toEqual(trusted);
    expect(serving()).toBe(leaf);
    expect(log.steps.slice(3)).toEqual(['publish']);
  });

  it.each<[string, () => void]>([
    ['deleted', () => objects.put(CA_KEY_SECRET, undefined)],
    ['garbage', () => replace(CA_KEY_SECRET, { 'ca.crt': garbage('x'), 'ca.key': garbage('x') })],
    ['without key', () => replace(CA_KEY_SECRET, { 'ca.key': '' })],
    [
      'the key of another',
      () => replace(CA_KEY_SECRET, { 'ca.key': objects.at<Secret>(SERVING_SECRET)?.data?.['tls.key'] ?? '' }),
    ],
    [
      'no authority',
      () => {
        const { data } = objects.at<Secret>(SERVING_SECRET) ?? {};
        replace(CA_KEY_SECRET, { 'ca.crt': data?.['tls.crt'] ?? '', 'ca.key': data?.['tls.key'] ?? '' });
      },
    ],
  ])('the authority is %s: another takes over without an agent that refuses', async (_name, harm) => {
    await settle();
    await live(2 * HOUR_MS, HOUR_MS);
    const leaf = serving();
    harm();
    await settle();
    expect(bundle()).toHaveLength(2);
    expect(serving()).toBe(leaf);
    for (let count = 0; count < 20; count += 1) {
      await live(10 * MINUTE_MS, MINUTE_MS);
      expectAccepted();
    }
    expect(serving()).not.toBe(leaf);
    await live(91 * DAY_MS, DAY_MS);
    expect(bundle()).toHaveLength(1);
    expectAccepted();
  });

  it('all is lost: all is made anew at once', async () => {
    await settle();
    for (const name of [CA_KEY_SECRET, SERVING_SECRET, CA_BUNDLE_CONFIGMAP]) objects.put(name, undefined);
    await settle();
    expect(refusal()).toBeUndefined();
  });

  it('the controller was away for two years: all is made anew at once', async () => {
    await settle();
    await clock.advance(730 * DAY_MS);
    expect(refusal()).toBe('the serving certificate has ended');
    await settle();
    expect(refusal()).toBeUndefined();
    expect(bundle()).toHaveLength(1);
  });

  it('cert-manager keeps the serving Secret: everything is left to it', async () => {
    const metadata = { name: SERVING_SECRET, annotations: { 'cert-manager.io/certificate-name': 'api' } };
    objects.put(SERVING_SECRET, { metadata });
    await settle();
    await settle();
    expect(objects.writes).toBe(0);
    expect(log.lines.map(({ message }) => message)).toEqual(['Certificates are kept by somebody else']);
  });

  it('an object refuses to be written: the reason names it and the remedy', async () => {
    objects.failNext('invalid');
    await expect(controller.pass()).rejects.toMatchObject({ code: 'invalid' });
    expect(log.lines.at(-1)).toMatchObject({
      level: 'warn',
      message: 'Certificates cannot be kept',
      fields: { object: 'Secret brupop-ca-key', remedy: expect.stringContaining('Delete') as string },
    });
  });
});

describe('writes that fail', () => {
  it('and those whose answer is lost are decided anew from what is stored', async () => {
    for (const code of ['conflict', 'unknown', 'server', 'throttled', 'alreadyExists'] as const) {
      objects.failNext(code, code === 'unknown' || code === 'server');
    }
    await settle();
    expect(refusal()).toBeUndefined();
    expect(bundle()).toHaveLength(1);
  });

  it('never let an agent refuse, whatever fails and however long nobody looks', async () => {
    const world = fc.record({
      failures: fc.array(
        fc.record({
          code: fc.constantFrom(
            'conflict' as const,
            'unknown' as const,
            'server' as const,
            'throttled' as const,
          ),
          isDone: fc.boolean(),
        }),
        { maxLength: 4 },
      ),
      // Shorter than a third of a serving certificate's life, or nobody can keep it.
      pauses: fc.array(fc.integer({ min: 1, max: 29 * 24 }), { minLength: 20, maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(world, async ({ failures, pauses }) => {
        clock = new VirtualClock();
        objects = new ObjectsOverTime(clock);
        log = new ListLogger();
        controller = controllerOf(objects, { clock, logger: log });
        await settle();
        await clock.advance(HOUR_MS);
        for (const hours of pauses) {
          await clock.advance(hours * HOUR_MS);
          const failure = failures.pop();
          if (failure !== undefined)
            objects.failNext(failure.code, failure.isDone && failure.code !== 'conflict');
          await settle();
          expectAccepted();
        }
      }),
      { numRuns: 12 },
    );
  });
});
