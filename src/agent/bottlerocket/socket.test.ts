import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BODY_LIMIT_BYTES, socketTransport } from './socket.ts';

let folder: string;
let path: string;
let server: Server | undefined;
const never = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brupop-socket-'));
  path = join(folder, 'api.sock');
});
afterEach(async () => {
  await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
  server = undefined;
  await rm(folder, { recursive: true });
});

/** Serves one raw answer a connection, and keeps what was asked. */
async function hostThatSends(raw: string): Promise<string[]> {
  const asked: string[] = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      asked.push(data.toString());
      if (raw === 'reset') socket.destroy();
      else socket.end(raw);
    });
  });
  await new Promise<void>((done) => server?.listen(path, done));
  return asked;
}

const get = (signal = never) => socketTransport(path)({ method: 'GET', path: '/os' }, signal);

it('reads an answer and asks for the connection to be closed', async () => {
  const asked = await hostThatSends('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
  expect(await get()).toEqual({ kind: 'response', status: 200, body: '{}' });
  expect(asked[0]).toMatch(/^GET \/os HTTP\/1\.1\r\n/);
  expect(asked[0]).toMatch(/connection: close/i);
});

it('sends a body with its type and length', async () => {
  const asked = await hostThatSends('HTTP/1.1 204 No Content\r\n\r\n');
  const reply = await socketTransport(path)({ method: 'PATCH', path: '/settings', body: '{"ü":1}' }, never);
  expect(reply).toEqual({ kind: 'response', status: 204, body: '' });
  expect(asked[0]).toContain('content-type: application/json');
  expect(asked[0]).toContain('content-length: 8');
});

it('sends a command without a body', async () => {
  const asked = await hostThatSends('HTTP/1.1 423 Locked\r\n\r\nUpdate lock held');
  const reply = await socketTransport(path)({ method: 'POST', path: '/actions/x' }, never);
  expect(reply).toEqual({ kind: 'response', status: 423, body: 'Update lock held' });
  expect(asked[0]).toContain('content-length: 0');
});

it('names why there is no connection', async () => {
  expect(await get()).toEqual({ kind: 'error', code: 'ENOENT' });
});

it.each<[string, string, object]>([
  ['a lost connection', 'reset', { kind: 'error', code: 'ECONNRESET' }],
  ['silence and a close', '', { kind: 'error', code: 'ECONNRESET' }],
  ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}', { kind: 'error', code: 'ECONNRESET' }],
  ['no HTTP', 'Hello, who is there?\r\n\r\n', { kind: 'garbage', text: expect.stringContaining('Hello') }],
])('takes %s for what it is', async (_what, raw, expected) => {
  await hostThatSends(raw);
  expect(await get()).toEqual(expected);
});

it('stops reading at the limit', async () => {
  const body = 'x'.repeat(BODY_LIMIT_BYTES + 1);
  await hostThatSends(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  expect(await get()).toEqual({ kind: 'garbage', text: 'x'.repeat(500) });
});

it('lets go when told to', async () => {
  const stop = new AbortController();
  server = createServer((socket) => socket.once('data', () => stop.abort()));
  await new Promise<void>((done) => server?.listen(path, done));
  expect(await get(stop.signal)).toMatchObject({ kind: 'error' });
});
