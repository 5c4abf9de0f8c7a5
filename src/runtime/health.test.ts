import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import { type Health, HEALTHY, HealthServer, type HealthServerOptions, unhealthy } from './health.ts';
import { silentLogger } from './log.ts';

let stop: AbortController;
let clock: VirtualClock;
let url: string;

beforeEach(() => {
  stop = new AbortController();
  clock = new VirtualClock();
});
afterEach(() => stop.abort());

const serve = async (options: Partial<HealthServerOptions>): Promise<void> => {
  const server = new HealthServer({
    host: '127.0.0.1',
    port: 0,
    clock,
    logger: silentLogger,
    live: {},
    ready: {},
    ...options,
  });
  url = `http://127.0.0.1:${await server.start(stop.signal)}`;
};

const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
  const response = await fetch(url + path, { method });
  return [response.status, await response.text()];
};

describe('checks', () => {
  test('all well is 200 and names them', async () => {
    await serve({ ready: { caches: () => HEALTHY, api: () => Promise.resolve(HEALTHY) } });
    expect(await get('/readyz?verbose')).toEqual([200, '[+] caches: ok\n[+] api: ok\nok\n']);
  });

  test('one that fails is 503 and says why', async () => {
    await serve({ ready: { caches: () => HEALTHY, clock: () => unhealthy('40 s ahead') } });
    expect(await get('/readyz')).toEqual([503, '[+] caches: ok\n[-] clock: 40 s ahead\nfailed\n']);
  });

  test('the state is asked for anew each time', async () => {
    let health: Health = HEALTHY;
    await serve({ live: { loop: () => health } });
    expect((await get('/healthz'))[0]).toBe(200);
    health = unhealthy('stuck');
    expect((await get('/healthz'))[0]).toBe(503);
  });

  test('readiness and liveness are different things', async () => {
    await serve({ ready: { api: () => unhealthy('away') } });
    expect([(await get('/healthz'))[0], (await get('/readyz'))[0]]).toEqual([200, 503]);
  });

  test('one that throws has failed', async () => {
    await serve({ live: { broken: () => Promise.reject(new Error('broken')) } });
    expect(await get('/healthz')).toEqual([503, '[-] broken: broken\nfailed\n']);
  });

  test('one that takes too long has failed', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const stuck = (): Promise<Health> => {
      ask();
      return new Promise(() => undefined);
    };
    await serve({ live: { stuck } });
    const answer = get('/healthz');
    await asked;
    await clock.advance(2_000);
    expect(await answer).toEqual([503, '[-] stuck: no result within 2000 ms\nfailed\n']);
  });
});

describe('pages', () => {
  test('metrics are the text of a scrape', async () => {
    await serve({
      scrape: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'x 1\n' }),
    });
    expect(await get('/metrics')).toEqual([200, 'x 1\n']);
  });

  test('a scrape that fails is 500', async () => {
    await serve({ scrape: () => Promise.reject(new Error('secret detail')) });
    expect(await get('/metrics')).toEqual([500, 'internal error\n']);
  });

  test.each([
    ['/metrics', 'GET', 404],
    ['/', 'GET', 404],
    ['/healthz', 'POST', 405],
    ['/healthz', 'HEAD', 200],
  ])('%s %s is %i', async (path, method, status) => {
    await serve({});
    expect((await get(path, method))[0]).toBe(status);
  });
});

test('it stops listening when told', async () => {
  await serve({});
  stop.abort();
  await expect(get('/healthz')).rejects.toThrow('fetch failed');
});

test('a port that is taken is an error', async () => {
  await serve({});
  const port = Number(new URL(url).port);
  await expect(serve({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
