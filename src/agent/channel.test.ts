import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatusReport, StreamLine } from '../api/wire.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLogger } from '../runtime/log.ts';
import { generateKey, signAuthority, signServer } from '../runtime/x509/certificate.ts';
import { HttpsChannel } from './channel.ts';

const lifetime = { notBeforeMs: Date.UTC(2020, 0, 1), notAfterMs: Date.UTC(2090, 0, 1) };
/** An authority and a server's pair signed by it. */
function certificates(commonName: string) {
  const [caKey, key] = [generateKey(), generateKey()];
  const serial = Buffer.from([1]);
  const ca = signAuthority({ commonName, key: caKey, serial, ...lifetime });
  const authority = { commonName, key: caKey };
  const cert = signServer({ dnsNames: ['localhost'], key, authority, serial: Buffer.from([2]), ...lifetime });
  return { ca, cert, key };
}
const trusted = certificates('brupop-ca');
const other = certificates('other-ca');

const shadow = { metadata: { name: 'brs-n1', uid: 'u', generation: 3 }, spec: { state: 'Idle' } };
const report: StatusReport = {
  uid: 'u',
  generation: 3,
  seq: 8,
  current_state: 'Idle',
  current_version: '1.25.0',
  target_version: null,
  host: { bootId: 'b' },
};
const never = new AbortController().signal;

let folder: string;
let server: Server;
let handle: (request: IncomingMessage, response: ServerResponse, body: string) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brupop-channel-'));
  await writeFile(join(folder, 'token'), 'secret-1\n');
  await writeFile(join(folder, 'ca.crt'), trusted.ca);
  server = createServer({ cert: trusted.cert, key: trusted.key }, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => handle(request, response, body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

const channel = (): HttpsChannel =>
  new HttpsChannel({
    url: new URL(`https://localhost:${(server.address() as AddressInfo).port}`),
    tokenFile: join(folder, 'token'),
    caFile: join(folder, 'ca.crt'),
    clock: systemClock,
    logger: silentLogger,
  });

/** The server answers everything with this. */
function answers(status: number, body: unknown, headers: Record<string, string> = {}): IncomingMessage[] {
  const seen: IncomingMessage[] = [];
  handle = (request, response) => {
    seen.push(request);
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  return seen;
}

async function linesUntilEnd(lines: AsyncIterable<StreamLine>): Promise<StreamLine[]> {
  const all: StreamLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe('a report', () => {
  it('is put with the token of the moment, and counts only when it was accepted', async () => {
    const bodies: string[] = [];
    const tokens: (string | undefined)[] = [];
    handle = (request, response, body) => {
      bodies.push(`${request.method} ${request.url} ${body}`);
      tokens.push(request.headers.authorization);
      response.end('{"uid":"u","generation":3,"seq":8}');
    };
    const one = channel();
    expect(await one.putStatus(report, never)).toEqual({
      kind: 'ok',
      value: { uid: 'u', generation: 3, seq: 8 },
    });
    await writeFile(join(folder, 'token'), 'secret-2');
    await one.putStatus(report, never);
    expect(bodies[0]).toBe(`PUT /v2/shadow/status ${JSON.stringify(report)}`);
    expect(tokens).toEqual(['Bearer secret-1', 'Bearer secret-2']);
  });

  it.each<[string, number, unknown, object]>([
    [
      'a problem',
      409,
      { code: 'StaleSeq', title: 't', detail: 'd' },
      { kind: 'problem', code: 'StaleSeq', detail: 'd' },
    ],
    ['a problem of a later version', 409, { code: 'Novel' }, { kind: 'unknown' }],
    ['a proxy', 502, '<html>', { kind: 'unknown', why: '502 <html>' }],
    ['half an answer', 200, { uid: 'u' }, { kind: 'unknown' }],
    ['noise', 200, 'ok', { kind: 'unknown' }],
  ])('answered by %s', async (...row) => {
    const [, status, body, expected] = row;
    answers(status, body);
    expect(await channel().putStatus(report, never)).toMatchObject(expected);
  });

  it('waits as long as the server asks for', async () => {
    answers(429, { code: 'TooManyRequests' }, { 'retry-after': '7' });
    expect(await channel().putStatus(report, never)).toMatchObject({ kind: 'problem', retryAfterMs: 7_000 });
  });

  it('that gets no answer may have arrived', async () => {
    handle = (request) => request.socket.destroy();
    expect(await channel().putStatus(report, never)).toMatchObject({ kind: 'unknown' });
    await writeFile(join(folder, 'token'), '');
    await rm(join(folder, 'token'));
    expect(await channel().putStatus(report, never)).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('ENOENT'),
    });
  });
});

describe('the connection', () => {
  it('is shared by requests that follow each other', async () => {
    const seen = answers(200, { type: 'SHADOW', object: shadow });
    const one = channel();
    for (let i = 0; i < 3; i++) expect(await one.get(never)).toMatchObject({ kind: 'ok' });
    expect(new Set(seen.map(({ socket }) => socket)).size).toBe(1);
  });

  it('is another one for the stream', async () => {
    const seen = answers(200, '{"type":"GONE"}\n');
    const one = channel();
    await one.get(never);
    await linesUntilEnd(one.watch(never));
    await one.get(never);
    expect(seen.map(({ socket }) => socket === seen[0]?.socket)).toEqual([true, false, true]);
  });

  it('that the server has closed meanwhile is followed by another', async () => {
    answers(200, { type: 'SHADOW', object: shadow });
    const one = channel();
    await one.get(never);
    server.closeIdleConnections();
    await expect.poll(() => one.get(never)).toMatchObject({ kind: 'ok' });
  });

  it('is not used again once its request was given up', async () => {
    const one = channel();
    const stop = new AbortController();
    const asked: IncomingMessage[] = [];
    handle = (request) => {
      asked.push(request);
      stop.abort();
    };
    expect(await one.get(stop.signal)).toMatchObject({ kind: 'unknown' });
    const seen = answers(200, { type: 'SHADOW', object: shadow });
    expect(await one.get(never)).toMatchObject({ kind: 'ok' });
    expect(seen[0]?.socket).not.toBe(asked[0]?.socket);
  });
});

describe('a live read', () => {
  it('brings the shadow, or says that there is none', async () => {
    answers(200, { type: 'SHADOW', object: shadow });
    expect(await channel().get(never)).toEqual({ kind: 'ok', value: shadow });
    answers(404, { code: 'ShadowNotFound' });
    expect(await channel().get(never)).toMatchObject({ kind: 'problem', code: 'ShadowNotFound' });
    answers(200, { type: 'SHADOW', object: { ...shadow, spec: { state: 'Sleeping' } } });
    expect(await channel().get(never)).toMatchObject({ kind: 'unknown' });
  });
});

describe('the stream', () => {
  it('brings lines, whatever their types of later versions', async () => {
    const seen = answers(
      200,
      [
        JSON.stringify({ type: 'SHADOW', object: shadow }),
        '{"type":"HEARTBEAT","at":"2026-01-01T00:00:00Z"}',
        '{"type":"NEWS"}',
        '{"type":"GONE"}\n',
      ].join('\n'),
    );
    expect(await linesUntilEnd(channel().watch(never))).toEqual([
      { type: 'SHADOW', object: shadow },
      { type: 'HEARTBEAT', at: '2026-01-01T00:00:00Z' },
      { type: 'GONE' },
    ]);
    expect(seen[0]?.url).toBe('/v2/shadow?watch=true');
  });

  it.each<[string, number, unknown, string]>([
    ['a problem', 401, { code: 'TokenExpired', detail: 'd' }, 'TokenExpired'],
    ['a proxy', 502, 'bad gateway', 'notUnderstood'],
    ['noise', 200, 'hello\n', 'badLine'],
    ['a shadow of unknown shape', 200, '{"type":"SHADOW","object":{}}\n', 'badLine'],
  ])('answered by %s is lost, and why is told', async (...row) => {
    const [, status, body, code] = row;
    answers(status, body);
    await expect(linesUntilEnd(channel().watch(never))).rejects.toMatchObject({ name: 'ChannelError', code });
  });

  it('that is cut is lost', async () => {
    handle = (request, response) => {
      response.write('{"type":"GONE"}\n', () => request.socket.destroy());
    };
    const lines = channel().watch(never)[Symbol.asyncIterator]();
    expect(await lines.next()).toMatchObject({ value: { type: 'GONE' } });
    await expect(lines.next()).rejects.toMatchObject({ name: 'ChannelError' });
  });

  it('ends when it is no longer wanted, and the server notices', async () => {
    const stop = new AbortController();
    let closed: Promise<unknown> | undefined;
    handle = (request, response) => {
      closed = new Promise((done) => request.socket.on('close', done));
      response.write('{"type":"GONE"}\n');
    };
    const lines = channel().watch(stop.signal)[Symbol.asyncIterator]();
    await lines.next();
    stop.abort();
    await expect(lines.next()).rejects.toMatchObject({ name: 'ChannelError' });
    await closed;
  });
});

const attempt = () => channel().get(never);

describe('trust', () => {
  it('is in the authorities of the file, and in nobody else', async () => {
    answers(200, { type: 'SHADOW', object: shadow });
    await writeFile(join(folder, 'ca.crt'), other.ca);
    expect(await attempt()).toMatchObject({ kind: 'unknown' });
    await writeFile(join(folder, 'ca.crt'), `${other.ca}\n${trusted.ca}`);
    expect(await attempt()).toMatchObject({ kind: 'ok' });
  });

  it('follows the file, and stays while the file is unusable', async () => {
    answers(200, { type: 'SHADOW', object: shadow });
    const one = channel();
    expect(await one.get(never)).toMatchObject({ kind: 'ok' });
    for (const broken of ['', 'x', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      await writeFile(join(folder, 'ca.crt'), broken);
      expect(await one.get(never)).toMatchObject({ kind: 'ok' });
    }
    await rm(join(folder, 'ca.crt'));
    expect(await one.get(never)).toMatchObject({ kind: 'ok' });
    await writeFile(join(folder, 'ca.crt'), other.ca);
    expect(await one.get(never)).toMatchObject({ kind: 'unknown' });
  });

  it('is not in a server of another name', async () => {
    answers(200, { type: 'SHADOW', object: shadow });
    const { port } = server.address() as AddressInfo;
    const files = { tokenFile: join(folder, 'token'), caFile: join(folder, 'ca.crt') };
    const wrong = new HttpsChannel({
      url: new URL(`https://127.0.0.1:${port}`),
      ...files,
      clock: systemClock,
      logger: silentLogger,
    });
    expect(await wrong.get(never)).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('altnames'),
    });
  });

  it('starts with the file: without it there is no connection', async () => {
    await rm(join(folder, 'ca.crt'));
    expect(await attempt()).toMatchObject({ kind: 'unknown', why: expect.stringContaining('ENOENT') });
  });
});
