import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { PrometheusMetrics } from '../../runtime/prometheus.ts';
import type { AgentApi } from '../agentapi.ts';
import type { ScriptedKubernetes } from '../testworld.ts';
import { agentReview, report, shadowOf, token, world } from '../testworld.ts';
import type { HttpLimits } from './limits.ts';
import { HttpServer } from './server.ts';
import type { Answer } from './testclient.ts';
import { TestClient, testAuthority } from './testclient.ts';

const SHADOW = '/v2/shadow';
const STATUS = '/v2/shadow/status';
const authority = testAuthority();

let kubernetes: ScriptedKubernetes;
let api: AgentApi;
let authorization: string;
let metrics: PrometheusMetrics;
let server: HttpServer;
let client: TestClient;
let port: number;
let notReady: string | undefined;

async function start(limits: Partial<HttpLimits> = {}): Promise<void> {
  server = new HttpServer({
    api,
    pair: authority.pair(),
    isReady: () => notReady,
    clock: systemClock,
    log: silentLogger,
    limits,
  });
  port = await server.listen({ host: '127.0.0.1', port: 0 });
  client = new TestClient({ ca: authority.ca, port });
}

beforeEach(async () => {
  metrics = new PrometheusMetrics();
  ({ kubernetes, api, bearer: authorization } = world({ clock: systemClock, metrics }));
  notReady = undefined;
  await start();
});
afterEach(() => server.close(100));

const put = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  client.ask({
    method: 'PUT',
    path: STATUS,
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body,
  });

/** The report of the agent with one thing changed. */
const changed = (change: (body: Record<string, unknown>) => void): string => {
  const body = structuredClone(report('node-a')) as unknown as Record<string, unknown>;
  change(body);
  return JSON.stringify(body);
};

/** The same within `host`. */
const hostWith = (host: Record<string, unknown>): string =>
  changed((body) => void (body['host'] = { bootId: 'boot-1', ...host }));

const counted = async (code: string): Promise<boolean> =>
  (await metrics.scrape()).body.includes(`apiserver_problems_total{code="${code}"} 1`);

describe('requests', () => {
  it('read the own shadow', async () => {
    const answer = await client.ask({ path: SHADOW, headers: { authorization } });
    expect(answer).toMatchObject({
      status: 200,
      body: { type: 'SHADOW', object: { spec: { state: 'Idle' } } },
    });
  });

  it('record a report', async () => {
    const answer = await put(JSON.stringify(report('node-a')));
    expect(answer).toMatchObject({ status: 200, body: { uid: 'shadow-uid-node-a', generation: 1, seq: 1 } });
    expect(kubernetes.shadows.get('brs-node-a')?.status?.host?.seq).toBe(1);
  });

  it('may say more than is known: the rest is dropped', async () => {
    const body = changed((old) => {
      old['spec'] = { state: 'MonitoringUpdate' };
      old['host'] = { bootId: 'b', future: 1, saved: { versionLock: null, more: true } };
    });
    expect((await put(body)).status).toBe(200);
    const status = kubernetes.shadows.get('brs-node-a')?.status;
    expect(JSON.stringify(status)).not.toMatch(/future|more/);
    expect(kubernetes.shadows.get('brs-node-a')?.spec).toEqual({ state: 'Idle' });
  });

  it('probe without a token', async () => {
    for (const [path, body] of [
      ['/ping', 'pong'],
      ['/healthz', 'ok'],
      ['/readyz', 'ok'],
    ] as const) {
      expect(await client.ask({ path })).toMatchObject({ status: 200, body });
    }
    notReady = 'bottlerocketshadows have not been listed yet';
    expect(await client.ask({ path: '/readyz' })).toMatchObject({ status: 503, body: notReady });
  });
});

describe('refusals are problem+json with a code, counted, and change nothing', () => {
  it.each<[name: string, header: string | undefined, status: number, code: string]>([
    ['without token', undefined, 401, 'TokenMissing'],
    ['with a token Kubernetes does not know', `Bearer ${token('x')}`, 401, 'TokenInvalid'],
    ['with an expired token', `Bearer ${token('x', 1000)}`, 401, 'TokenExpired'],
    ['of another ServiceAccount', `Bearer ${token('controller')}`, 403, 'WrongServiceAccount'],
  ])('%s', async (...[, header, status, code]) => {
    kubernetes.tokens.set(token('controller'), agentReview('node-a', { username: 'somebody' }));
    const headers = header === undefined ? {} : { authorization: header };
    const answer = await client.ask({ method: 'PUT', path: STATUS, headers, body: 'x'.repeat(1000) });
    expect(answer).toMatchObject({ status, body: { code, status } });
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    expect(answer.headers.connection).toBe('close');
    expect(await counted(code)).toBe(true);
  });

  it.each<[name: string, body: string, status: number, code: string, field?: string]>([
    ['nothing', '', 400, 'BadRequest'],
    ['no JSON', '{', 400, 'BadRequest'],
    ['prototype pollution', '{"__proto__":{}}', 400, 'BadRequest'],
    ['a list', '[]', 422, 'InvalidReport', ''],
    ['null', 'null', 422, 'InvalidReport', ''],
    ['too much', changed((body) => void (body['x'] = 'x'.repeat(65_536))), 413, 'BodyTooLarge'],
    ['no seq', changed((body) => void delete body['seq']), 422, 'InvalidReport', ''],
    ['a seq as text', changed((body) => void (body['seq'] = '1')), 422, 'InvalidReport', '/seq'],
    ['half a seq', changed((body) => void (body['seq'] = 0.5)), 422, 'InvalidReport', '/seq'],
    [
      'an unknown state',
      changed((body) => void (body['current_state'] = 'Rebooting')),
      422,
      'InvalidReport',
      '/current_state',
    ],
    ['no host', changed((body) => void (body['host'] = null)), 422, 'InvalidReport', '/host'],
    ['a host without boot id', hostWith({ bootId: undefined }), 422, 'InvalidReport', '/host'],
    [
      'a boot id of 65 characters',
      hostWith({ bootId: 'b'.repeat(65) }),
      422,
      'InvalidReport',
      '/host/bootId',
    ],
    [
      'an unknown error code',
      hostWith({ error: { code: 'Oops', message: '', at: '2026-01-01T00:00:00Z' } }),
      422,
      'InvalidReport',
      '/host/error/code',
    ],
    [
      'an instant that is none',
      hostWith({ rebootIntent: { version: '1', bootId: 'b', generation: 1, at: 'now' } }),
      422,
      'InvalidReport',
      '/host/rebootIntent/at',
    ],
    [
      '33 versions',
      hostWith({ available: Array(33).fill('1.0.0') }),
      422,
      'InvalidReport',
      '/host/available',
    ],
    [
      'a state nobody asked for',
      changed((body) => void (body['current_state'] = 'MonitoringUpdate')),
      409,
      'IllegalState',
    ],
    ['a number twice', changed((body) => void (body['seq'] = 0)), 409, 'StaleSeq'],
  ])('a report of %s', async (...[, body, status, code, field]) => {
    const answer = await put(body);
    expect(answer).toMatchObject({ status, body: { code, ...(field === undefined ? {} : { field }) } });
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(kubernetes.patches).toEqual([]);
    expect(await counted(code)).toBe(true);
  });

  it.each<[string, string, string, number, string]>([
    ['another type', 'PUT', STATUS, 415, 'UnsupportedMediaType'],
    ['another path', 'GET', '/v2/shadows', 404, 'NotFound'],
    ['another method', 'POST', STATUS, 405, 'MethodNotAllowed'],
    ['an unknown value of watch', 'GET', `${SHADOW}?watch=maybe`, 400, 'BadRequest'],
    ['a path that is none', 'GET', '/%zz', 400, 'BadRequest'],
  ])('%s', async (...[, method, path, status, code]) => {
    const headers = { authorization, 'content-type': 'text/plain' };
    const answer = await client.ask({ method, path, headers, ...(method === 'GET' ? {} : { body: '{}' }) });
    expect(answer).toMatchObject({ status, body: { code } });
    expect(await counted(code)).toBe(true);
  });

  it('says when to come back', async () => {
    kubernetes.fail('review', 'unknown');
    const unavailable = await client.ask({ path: SHADOW, headers: { authorization } });
    expect(unavailable).toMatchObject({ status: 503, body: { code: 'ReviewUnavailable' } });
    const ask = (): Promise<Answer> => client.ask({ path: SHADOW, headers: { authorization } });
    const answers = await Promise.all(Array.from({ length: 30 }, ask));
    const refused = answers.find(({ status }) => status === 429);
    expect(refused).toMatchObject({ body: { code: 'TooManyRequests' }, headers: { 'retry-after': '1' } });
  });

  it('what nobody expected is Internal, and says nothing of the inside', async () => {
    kubernetes.script('get', {
      before: () => {
        throw new Error('secret inside');
      },
    });
    const answer = await client.ask({ path: SHADOW, headers: { authorization } });
    expect(answer).toMatchObject({ status: 500, body: { code: 'Internal' } });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });
});

/** Writes bytes on a fresh TLS connection and collects what comes until it is closed. */
const raw = (bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca: authority.ca }, () => {
      socket.write(bytes);
    });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });

describe('strange clients', () => {
  it.each([
    ['what is no HTTP', 'HELLO\r\n\r\n'],
    ['headers beyond 16 KiB', `GET /ping HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`],
  ])('%s is answered and the connection closed', async (_name, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*"code":"BadRequest"/);
    expect(await counted('BadRequest')).toBe(true);
  });

  it.each([
    ['nothing at all', ''],
    ['half a header', 'GET /ping HTTP/1.1\r\nHo'],
    [
      'half a body',
      'PUT /v2/shadow/status HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: TOKEN\r\nContent-Length: 10\r\n\r\n{',
    ],
  ])('one that sends %s is closed in time', async (_name, bytes) => {
    await server.close(100);
    await start({ headersMs: 100, requestMs: 150, checkMs: 20, silenceMs: 300, keepAliveMs: 50 });
    expect(await raw(bytes.replace('TOKEN', authorization))).not.toContain('200 OK');
    expect(kubernetes.patches).toEqual([]);
  });

  it.each([
    ['HTTP/1.1 among others', ['h2', 'http/1.1'], 'http/1.1'],
    ['nothing that we speak', ['h2'], 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
  ])('one that offers %s is told in the handshake', async (...[, ALPNProtocols, outcome]) => {
    const told = await new Promise((resolve) => {
      const to = { host: '127.0.0.1', servername: 'localhost', port, ca: authority.ca, ALPNProtocols };
      const socket = connect(to, () => {
        resolve(socket.alpnProtocol);
        socket.destroy();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(told).toBe(outcome);
  });

  it('one connection too many is closed', async () => {
    await server.close(100);
    await start({ connections: 1 });
    const first = await client.stream({ path: `${SHADOW}?watch=true`, headers: { authorization } });
    await expect(client.ask({ path: '/ping' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    first.close();
  });
});

const watch = (): ReturnType<TestClient['stream']> =>
  client.stream({ path: `${SHADOW}?watch=true`, headers: { authorization } });

describe('a stream', () => {
  it('carries lines as they come', async () => {
    const { lines, close } = await watch();
    expect((await lines.next()).value).toMatchObject({ type: 'SHADOW', object: { spec: { state: 'Idle' } } });
    api.shadowChanged(shadowOf('node-a', { spec: { attempt: 1 } }));
    expect((await lines.next()).value).toMatchObject({ type: 'SHADOW', object: { spec: { attempt: 1 } } });
    api.shadowDeleted('brs-node-a');
    expect((await lines.next()).value).toEqual({ type: 'GONE' });
    close();
  });

  it('begins with one piece: head and first line', async () => {
    const chunks: string[] = [];
    const target = { host: '127.0.0.1', servername: 'localhost', port, ca: authority.ca };
    const socket = connect(target, () => {
      socket.write(`GET ${SHADOW}?watch=true HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`);
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    await expect.poll(() => chunks.length).toBeGreaterThan(0);
    socket.destroy();
    expect(chunks[0]).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n[0-9a-f]+\r\n\{"type":"SHADOW"[^]*\}\n\r\n$/);
  });

  it('is forgotten when the agent hangs up', async () => {
    const { lines, close } = await watch();
    await lines.next();
    expect(api.streams).toBe(1);
    close();
    await expect.poll(() => api.streams).toBe(0);
  });

  it('ends cleanly', async () => {
    const { lines } = await watch();
    await lines.next();
    api.shadowChanged(shadowOf('node-a', { nodeUid: 'new' }));
    expect(await lines.next()).toMatchObject({ done: true });
  });

  it('is refused like every request', async () => {
    const answer = await client.ask({ path: `${SHADOW}?watch=true` });
    expect(answer).toMatchObject({ status: 401, body: { code: 'TokenMissing' } });
  });

  it('outlives a new certificate, which new connections see', async () => {
    const before = await watch();
    await before.lines.next();
    server.setPair(authority.pair(2));
    const after = await watch();
    expect([before.serial, after.serial]).toEqual(['01', '02']);
    api.shadowChanged(shadowOf('node-a', { spec: { attempt: 1 } }));
    expect((await before.lines.next()).value).toMatchObject({ type: 'SHADOW' });
    before.close();
    after.close();
  });

  it('keeps the pair when a bad one is offered', async () => {
    expect(() => server.setPair({ ...authority.pair(3), key: authority.pair(4).key })).toThrow();
    const { serial, close } = await watch();
    expect(serial).toBe('01');
    close();
  });
});

describe('closing', () => {
  it('finishes the request under way', async () => {
    const held = Promise.withResolvers<void>();
    kubernetes.script('patch', { before: () => held.promise });
    const answer = put(JSON.stringify(report('node-a')));
    await expect.poll(() => kubernetes.count('patch')).toBe(1);
    server.announceClose();
    const closed = server.close(5000);
    held.resolve();
    expect((await answer).status).toBe(200);
    await closed;
    await expect(client.ask({ path: '/ping' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('cuts what does not end', async () => {
    const { lines } = await client.stream({ path: `${SHADOW}?watch=true`, headers: { authorization } });
    await lines.next();
    await server.close(20);
    await expect(lines.next()).rejects.toThrow();
  });

  it('keeps no connection once it is announced', async () => {
    server.announceClose();
    expect((await client.ask({ path: '/ping' })).headers.connection).toBe('close');
  });
});
