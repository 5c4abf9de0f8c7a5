import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { type KubeObject, type KubernetesError, type Resource, type WatchEvent } from '../kubernetes.ts';
import { PrometheusMetrics } from '../prometheus.ts';
import { createKubernetesClient, type KubernetesClient, type KubernetesClientOptions } from './client.ts';

interface Widget extends KubeObject {
  spec?: { size: number };
}
const Widgets: Resource<Widget> = {
  group: 'example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};
const Nodes: Resource = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false };

interface Received {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: http.IncomingHttpHeaders;
  body: unknown;
  connection: unknown;
}
type Handler = (request: Received, response: http.ServerResponse) => void;

let server: http.Server;
let requests: Received[];
let handler: Handler;
let client: KubernetesClient;
let sockets: number;

async function receive(request: http.IncomingMessage): Promise<Received> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const url = new URL(request.url ?? '', 'http://server');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    body: text === '' ? undefined : JSON.parse(text),
    connection: request.socket,
  };
}

const json = (response: http.ServerResponse, status: number, value: object): void => {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
};

const refuse =
  (code: number, fields: object = {}): Handler =>
  (_, response) =>
    json(response, code, { kind: 'Status', status: 'Failure', code, ...fields });

const configOf = (user: object = { token: 'first' }): KubeConfig => {
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromClusterAndUser(
    { name: 'test', server: `http://127.0.0.1:${port}/prefix`, skipTLSVerify: true },
    { name: 'me', ...user },
  );
  return config;
};

const connect = (options: Partial<KubernetesClientOptions> = {}): KubernetesClient => {
  client = createKubernetesClient({ kubeConfig: configOf(), clock: systemClock, ...options });
  return client;
};

const failure = async (promise: Promise<unknown>): Promise<KubernetesError> =>
  promise.then(
    () => expect.fail('expected an error'),
    (error: KubernetesError) => error,
  );

const collect = async (signal = new AbortController().signal): Promise<WatchEvent<KubeObject>[]> => {
  const events: WatchEvent<KubeObject>[] = [];
  for await (const event of client.watch(Nodes, { resourceVersion: '5', timeoutSeconds: 9, signal }))
    events.push(event);
  return events;
};
const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

beforeEach(async () => {
  requests = [];
  sockets = 0;
  handler = (_, response) => json(response, 200, { metadata: { name: 'a' } });
  server = http.createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const received = await receive(request);
      requests.push(received);
      handler(received, response);
    };
    void answer();
  });
  server.on('connection', () => (sockets += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(() => {
  client.close();
  server.closeAllConnections();
  server.close();
});

describe('requests', () => {
  test('get asks for one object with the token', async () => {
    const object = await connect().get(Widgets, { name: 'a', namespace: 'shop' });
    expect(object.metadata.name).toBe('a');
    expect(requests[0]).toMatchObject({
      method: 'GET',
      path: '/prefix/apis/example.com/v1/namespaces/shop/widgets/a',
    });
    expect(requests[0]?.headers.authorization).toBe('Bearer first');
  });

  test('list passes selectors and pages on', async () => {
    handler = (_, response) =>
      json(response, 200, { items: null, metadata: { resourceVersion: '7', continue: 'next' } });
    const page = await connect().list(Nodes, { labelSelector: 'a=b', limit: 5, continue: 'here' });
    expect(page).toEqual({ items: [], resourceVersion: '7', continue: 'next' });
    expect(requests[0]?.query).toEqual({ labelSelector: 'a=b', limit: '5', continue: 'here' });
  });

  test('an empty continue means the last page', async () => {
    handler = (_, response) =>
      json(response, 200, { items: [], metadata: { resourceVersion: '7', continue: '' } });
    expect(await connect().list(Nodes)).not.toHaveProperty('continue');
  });

  test('create says what it creates and who does', async () => {
    await connect().create(
      Widgets,
      { metadata: { name: 'a', namespace: 'shop' }, spec: { size: 1 } },
      { dryRun: true },
    );
    expect(requests[0]).toMatchObject({
      method: 'POST',
      path: '/prefix/apis/example.com/v1/namespaces/shop/widgets',
      query: { fieldManager: 'brupop', dryRun: 'All', timeout: '4000ms' },
      body: { apiVersion: 'example.com/v1', kind: 'Widget', spec: { size: 1 } },
    });
  });

  test('patch sends a merge patch to the status', async () => {
    await connect().patch(
      Widgets,
      { name: 'a', namespace: 'shop' },
      { spec: null },
      { subresource: 'status' },
    );
    expect(requests[0]).toMatchObject({
      method: 'PATCH',
      path: '/prefix/apis/example.com/v1/namespaces/shop/widgets/a/status',
      body: { spec: null },
    });
    expect(requests[0]?.headers['content-type']).toBe('application/merge-patch+json');
  });

  test('patches that begin together are all heard of before one is carried out', async () => {
    const seen: string[] = [];
    server.prependListener('request', () => seen.push('headers'));
    handler = (_, response) => {
      seen.push('body');
      json(response, 200, {});
    };
    const port = connect();
    const patch = { metadata: { finalizers: [] } };
    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        port.patch(Widgets, { name, namespace: 'ns' }, patch, { bodyAfterMs: 200 }),
      ),
    );
    expect(seen).toEqual(['headers', 'headers', 'headers', 'body', 'body', 'body']);
    expect(requests.map(({ body }) => body)).toEqual([patch, patch, patch]);
  });

  test('a refusal does not wait for a body', async () => {
    server.prependListener('request', (_, response: http.ServerResponse) =>
      json(response, 403, { kind: 'Status', status: 'Failure', code: 403, reason: 'Forbidden' }),
    );
    const call = connect().patch(Widgets, { name: 'a', namespace: 'ns' }, {}, { bodyAfterMs: 3_000 });
    expect(await failure(call)).toMatchObject({ code: 'forbidden' });
  });

  test('delete carries its preconditions', async () => {
    await connect().delete(Nodes, { name: 'a' }, { uid: 'u', resourceVersion: '5' });
    expect(requests[0]).toMatchObject({
      method: 'DELETE',
      path: '/prefix/api/v1/nodes/a',
      body: { preconditions: { uid: 'u', resourceVersion: '5' } },
    });
  });

  test('evict names the pod by UID', async () => {
    await connect().evict(
      { name: 'p', namespace: 'shop' },
      { uid: 'u', gracePeriodSeconds: 5, dryRun: true },
    );
    expect(requests[0]).toMatchObject({
      method: 'POST',
      path: '/prefix/api/v1/namespaces/shop/pods/p/eviction',
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        deleteOptions: { preconditions: { uid: 'u' }, gracePeriodSeconds: 5, dryRun: ['All'] },
      },
    });
  });

  test('reviewToken reads the identity', async () => {
    const status = {
      authenticated: true,
      audiences: ['x'],
      user: { username: 'system:serviceaccount:a:b', uid: 'u', extra: { 'k/v': ['1'] } },
    };
    handler = (_, response) => json(response, 201, { status });
    expect(await connect().reviewToken('secret', ['x'])).toEqual({
      authenticated: true,
      username: 'system:serviceaccount:a:b',
      uid: 'u',
      audiences: ['x'],
      extra: { 'k/v': ['1'] },
    });
    expect(requests[0]?.body).toMatchObject({ spec: { token: 'secret', audiences: ['x'] } });
  });

  test('a review without an answer in it is no identity', async () => {
    handler = (_, response) => json(response, 201, {});
    expect(await connect().reviewToken('secret', [])).toEqual({ authenticated: false });
  });

  test.each([{ name: '' }, { name: 'a' }, { name: 'a', namespace: '' }])(
    'an incomplete key %j never reaches the collection',
    async (key) => {
      connect();
      await expect((async () => client.delete(Widgets, key))()).rejects.toThrow(TypeError);
      expect(requests).toEqual([]);
    },
  );

  test('connections are reused', async () => {
    connect({ maxRequests: 4 });
    await Promise.all(Array.from({ length: 40 }, () => client.get(Nodes, { name: 'a' })));
    expect(sockets).toBeLessThanOrEqual(4);
  });

  test('the clock skew comes from the Date header', async () => {
    handler = (_, response) => {
      response.setHeader('Date', new Date(systemClock.now() + 60_000).toUTCString());
      json(response, 200, { metadata: {} });
    };
    connect();
    expect(client.clockSkewMs()).toBeUndefined();
    await client.get(Nodes, { name: 'a' });
    expect(client.clockSkewMs()).toBeGreaterThan(58_500);
    expect(client.clockSkewMs()).toBeLessThan(61_500);
  });

  test('requests are counted by verb, resource and code', async () => {
    const metrics = new PrometheusMetrics();
    connect({ metrics });
    await client.get(Nodes, { name: 'a' });
    handler = refuse(404);
    await failure(client.get(Nodes, { name: 'b' }));
    const { body } = await metrics.scrape();
    expect(body).toContain('kubernetes_requests_total{verb="get",resource="nodes",code="200"} 1');
    expect(body).toContain('kubernetes_requests_total{verb="get",resource="nodes",code="404"} 1');
    expect(body).toContain('kubernetes_requests_total{verb="get",resource="nodes",code="500"} 0');
  });
});

describe('errors', () => {
  test.each([
    [404, {}, 'notFound'],
    [409, { reason: 'Conflict' }, 'conflict'],
    [409, { reason: 'AlreadyExists' }, 'alreadyExists'],
    [400, {}, 'invalid'],
    [422, {}, 'invalid'],
    [415, {}, 'invalid'],
    [401, {}, 'unauthorized'],
    [403, {}, 'forbidden'],
    [410, {}, 'expired'],
    [429, {}, 'throttled'],
    [500, {}, 'server'],
    [504, {}, 'server'],
    [302, {}, 'server'],
  ])('%i %j is %s', async (status, fields, code) => {
    handler = refuse(status, fields);
    expect(await failure(connect().get(Nodes, { name: 'a' }))).toMatchObject({ code, status });
  });

  test('causes and Retry-After are kept', async () => {
    const causes = [{ reason: 'DisruptionBudget', message: 'needs 2 healthy pods' }];
    handler = (received, response) => {
      response.setHeader('Retry-After', '3');
      refuse(429, { message: 'cannot evict', details: { causes } })(received, response);
    };
    expect(await failure(connect().evict({ name: 'p', namespace: 'n' }, { uid: 'u' }))).toMatchObject({
      message: 'cannot evict',
      causes,
      retryAfterMs: 3_000,
    });
  });

  test('a Status without its kind is one all the same', async () => {
    const status = { metadata: {}, status: 'Failure', message: 'request did not complete', code: 504 };
    handler = (_, response) => json(response, 504, status);
    expect(await failure(connect().get(Nodes, { name: 'a' }))).toMatchObject({
      code: 'server',
      message: 'request did not complete',
    });
  });

  test('an answer that is no Status is still an error', async () => {
    handler = (_, response) => response.writeHead(502).end('<html>Bad gateway</html>');
    const error = await failure(connect().get(Nodes, { name: 'a' }));
    expect(error).toMatchObject({ code: 'server', status: 502 });
    expect(error.message).toContain('Bad gateway');
  });

  test('a connection cut before the answer leaves a write unknown, and it is not sent again', async () => {
    connect();
    await client.get(Nodes, { name: 'a' });
    handler = (received) => (received.connection as { destroy(): void }).destroy();
    const error = await failure(client.patch(Nodes, { name: 'a' }, {}));
    expect(error).toMatchObject({ code: 'unknown', status: 0, outcomeUnknown: true });
    expect(requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
  });

  test('a read on a kept connection that was closed is repeated', async () => {
    connect();
    await client.get(Nodes, { name: 'a' });
    let cut = false;
    handler = (received, response) => {
      if (cut) return json(response, 200, { metadata: { name: 'again' } });
      cut = true;
      (received.connection as { destroy(): void }).destroy();
    };
    expect((await client.get(Nodes, { name: 'a' })).metadata.name).toBe('again');
  });

  test('nobody listening is unknown', async () => {
    const config = configOf();
    config.clusters = [{ name: 'test', server: 'http://127.0.0.1:1', skipTLSVerify: true }];
    connect({ kubeConfig: config });
    expect(await failure(client.get(Nodes, { name: 'a' }))).toMatchObject({ code: 'unknown' });
  });

  test.each([
    ['get', () => client.get(Nodes, { name: 'a' })],
    ['list', () => client.list(Nodes)],
    ['patch', () => client.patch(Nodes, { name: 'a' }, {})],
  ])('%s gives up after its limit', async (_, call) => {
    handler = () => undefined;
    connect({ limits: { writeMs: 30, getMs: 30, listMs: 30 } });
    expect(await failure(call())).toMatchObject({ code: 'unknown', message: 'no result within 30 ms' });
  });

  test('an answer that stops half way is unknown after the limit', async () => {
    handler = (_, response) => response.writeHead(200).write('{"metadata"');
    connect({ limits: { getMs: 50 } });
    expect(await failure(client.get(Nodes, { name: 'a' }))).toMatchObject({ code: 'unknown' });
  });

  test('a request that was never sent is throttled, not unknown', async () => {
    handler = () => undefined;
    connect({ maxRequests: 1, limits: { writeMs: 40, getMs: 200 } });
    const blocking = failure(client.get(Nodes, { name: 'a' }));
    expect(await failure(client.patch(Nodes, { name: 'a' }, {}))).toMatchObject({
      code: 'throttled',
      outcomeUnknown: false,
    });
    await blocking;
    expect(requests.map(({ method }) => method)).toEqual(['GET']);
  });
});

describe('credentials', () => {
  test('after a 401 the kubeconfig is loaded again and the request repeated', async () => {
    let token = 'old';
    let nowMs = 0;
    const clock = { ...systemClock, monotonic: () => nowMs };
    handler = (received, response) =>
      received.headers.authorization === 'Bearer new'
        ? json(response, 200, { metadata: { name: 'a' } })
        : refuse(401)(received, response);
    connect({ kubeConfig: () => configOf({ token }), clock });
    token = 'new';
    nowMs = 11_000;
    await client.patch(Nodes, { name: 'a' }, {});
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  test('a token file is read again after ten seconds', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'token-'));
    const tokenFile = path.join(folder, 'token');
    let nowMs = 0;
    const authProvider = { name: 'tokenFile', config: { tokenFile } };
    await writeFile(tokenFile, 'one\n');
    connect({ kubeConfig: configOf({ authProvider }), clock: { ...systemClock, monotonic: () => nowMs } });
    await client.get(Nodes, { name: 'a' });
    await writeFile(tokenFile, 'two');
    await client.get(Nodes, { name: 'a' });
    nowMs = 10_000;
    await client.get(Nodes, { name: 'a' });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer one',
      'Bearer one',
      'Bearer two',
    ]);
    await rm(folder, { recursive: true });
  });

  test('user and password go as Basic', async () => {
    connect({ kubeConfig: configOf({ username: 'u', password: 'p' }) });
    await client.get(Nodes, { name: 'a' });
    expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
  });
});

describe('watch', () => {
  test('events and bookmarks come one by one until the server ends', async () => {
    handler = (_, response) => {
      const text = Buffer.from(
        event('ADDED', { metadata: { name: 'köln' } }) +
          event('BOOKMARK', { metadata: { resourceVersion: '9' } }),
      );
      // Cut inside the two bytes of a letter.
      const cut = text.indexOf(0xc3) + 1;
      response.write(text.subarray(0, cut));
      setImmediate(() => response.end(text.subarray(cut)));
    };
    connect();
    expect(await collect()).toEqual([
      { type: 'ADDED', object: { metadata: { name: 'köln' } } },
      { type: 'BOOKMARK', resourceVersion: '9' },
    ]);
    expect(requests[0]?.query).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '5',
      timeoutSeconds: '9',
    });
  });

  test('it tells when the server has accepted it, before any event', async () => {
    const stop = new AbortController();
    handler = (_, response) => response.flushHeaders();
    connect();
    const { signal } = stop;
    for await (const _ of client.watch(Nodes, { resourceVersion: '5', onOpen: () => stop.abort(), signal }))
      expect.fail('no event was sent');
    expect(signal.aborted).toBe(true);
  });

  test('an ERROR event is thrown', async () => {
    handler = (_, response) =>
      response.end(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }));
    connect();
    expect(await failure(collect())).toMatchObject({ code: 'expired', status: 410, message: 'too old' });
  });

  test('an answer that is no 2xx is thrown', async () => {
    handler = refuse(429, { details: { retryAfterSeconds: 2 } });
    connect();
    expect(await failure(collect())).toMatchObject({ code: 'throttled', retryAfterMs: 2_000 });
  });

  test('a cut connection is thrown', async () => {
    handler = (received, response) => {
      response.write(event('ADDED', { metadata: { name: 'a' } }), () => {
        (received.connection as { destroy(): void }).destroy();
      });
    };
    connect();
    expect(await failure(collect())).toMatchObject({ code: 'unknown' });
  });

  test('headers that never come are unknown', async () => {
    handler = () => undefined;
    connect({ limits: { listMs: 30 } });
    expect(await failure(collect())).toMatchObject({ code: 'unknown' });
  });

  test('an abort ends it without an error and closes the connection', async () => {
    const stop = new AbortController();
    let closed: Promise<void> = Promise.resolve();
    handler = (_, response) => {
      closed = new Promise((resolve) => {
        response.on('close', resolve);
      });
      response.write(event('ADDED', { metadata: { name: 'a' } }), () => stop.abort());
    };
    connect();
    await expect(collect(stop.signal)).resolves.toBeDefined();
    await closed;
  });

  test('a consumer that leaves closes the connection', async () => {
    let closed: Promise<void> = Promise.resolve();
    handler = (_, response) => {
      closed = new Promise((resolve) => {
        response.on('close', resolve);
      });
      response.write(event('ADDED', { metadata: { name: 'a' } }));
    };
    connect();
    const { signal } = new AbortController();
    for await (const received of client.watch(Nodes, { resourceVersion: '5', signal })) {
      expect(received.type).toBe('ADDED');
      break;
    }
    await closed;
  });
});
