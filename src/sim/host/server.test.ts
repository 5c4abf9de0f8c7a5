import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { seededRandom } from '../random.ts';
import { serveControl } from './control.ts';
import type { ControlLine, ControlRequest } from './control.ts';
import { SimulatedHost } from './host.ts';
import { HostServer } from './server.ts';
import { UpdateRepository } from './versions.ts';

const image = { arch: 'x86_64', variant: 'aws-k8s-1.30', version: '1.25.0' };
const quick = {
  refreshMs: 20,
  prepareMs: 20,
  activateMs: 20,
  shutdownMs: 20,
  bootMs: 50,
  apiRestartMs: 20,
  answerMs: 1,
};

let folder: string;
let stop: AbortController;
let host: SimulatedHost;
let server: HostServer;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brupop-host-'));
  stop = new AbortController();
  path = join(folder, 'api.sock');
  const repository = new UpdateRepository();
  for (const version of ['1.25.0', '1.26.1']) repository.publish({ ...image, version });
  host = new SimulatedHost({
    clock: systemClock,
    random: seededRandom(1),
    image,
    repository,
    durations: quick,
  });
  const bootIdFile = join(folder, 'boot_id');
  server = new HostServer({ host, socketPath: path, bootIdFile, keepAliveMs: 50, headersMs: 100 });
  await server.start(stop.signal);
  await serveControl({ host, repository, controlPath: join(folder, 'control.sock') }, stop.signal);
});

afterEach(async () => {
  stop.abort();
  await server.settled();
  await rm(folder, { recursive: true });
});

/** Sends raw bytes and collects all that comes until the host closes the connection. */
function raw(text: string, socketPath = path): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () => socket.write(text));
    let seen = '';
    socket.on('data', (data) => (seen += data.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(seen));
  });
}

/** The answer with its date blotted out. */
const ask = async (head: string, body = ''): Promise<string> =>
  (await raw(`${head} HTTP/1.1\r\n\r\n${body}`)).replace(/date: [^\r]+/, 'date: D');

describe('bytes on the socket', () => {
  it.each<[string, string]>([
    [
      'GET /updates/status',
      'HTTP/1.1 404 Not Found\r\ncontent-length: 64\r\ndate: D\r\n\r\nUpdate status is uninitialized, refresh-updates to initialize it',
    ],
    ['GET /nothing', 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\ndate: D\r\n\r\n'],
    ['POST /actions/refresh-updates', 'HTTP/1.1 204 No Content\r\ndate: D\r\n\r\n'],
    ['POST /tx/apply', 'HTTP/1.1 204 No Content\r\ncontent-type: application/json\r\ndate: D\r\n\r\n'],
    ['PUT /exec', 'HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\ndate: D\r\n\r\n'],
    [
      'GET /tx/list',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\ndate: D\r\n\r\n[]',
    ],
  ])('%s', async (line, expected) => {
    expect(await ask(line)).toBe(expected);
  });

  it('refuse HTTP/2 with an empty 400', async () => {
    expect(await raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 Bad Request\r\ncontent-length: 0\r\n/,
    );
  });

  it('refuse slow headers with 408', async () => {
    expect(await raw('GET /os HTTP/1.1\r\n')).toMatch(
      /^HTTP\/1.1 408 Request Timeout\r\n.*connection: close\r\n/s,
    );
  });

  it('carry settings', async () => {
    const body = '{"updates":{"version-lock":"1.26.1"}}';
    const head = `PATCH /settings HTTP/1.1\r\ncontent-length: ${body.length}\r\n`;
    expect(await raw(`${head}\r\n${body}`)).toContain('400 Bad Request');
    expect(await raw(`${head}content-type: application/json\r\n\r\n${body}`)).toContain('204 No Content');
    expect(host.dump().transactions).toEqual(['default']);
  });
});

describe('the socket file', () => {
  it('is for root and its group', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o660);
  });

  it('goes at a reboot and comes back as another one, with another boot id', async () => {
    const before = await readFile(join(folder, 'boot_id'), 'utf8');
    const up = new Promise<void>((resolve) => {
      host.onPower((event) => event.type === 'up' && resolve());
    });
    expect(await ask('POST /actions/reboot')).toContain('204');
    await vi.waitUntil(() => !host.apiUp, { interval: 2 });
    await server.settled();
    await expect(raw('GET /os HTTP/1.1\r\n\r\n')).rejects.toMatchObject({ code: 'ENOENT' });
    await up;
    await server.settled();
    const boot = await readFile(join(folder, 'boot_id'), 'utf8');
    expect(boot).toBe(`${host.bootId}\n`);
    expect(boot).not.toBe(before);
    expect(await ask('GET /os')).toContain('1.25.0');
  });

  it('cuts a connection whose answer is lost', async () => {
    host.fault('answerLost', { times: 1 });
    expect(await raw('GET /os HTTP/1.1\r\n\r\n')).toBe('');
  });

  it('keeps a blocked client waiting', async () => {
    host.fault('workerBlocked', { forMs: 20 });
    const answer = ask('GET /os');
    expect(await answer).toContain('200 OK');
  });
});

/** A conversation over the control socket. */
function controlled(...requests: (ControlRequest | string)[]): Promise<ControlLine[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(folder, 'control.sock'));
    let seen = '';
    socket.on('error', reject);
    socket.on('data', (data) => {
      seen += data.toString();
      const lines = seen.split('\n').slice(0, -1);
      if (lines.length < requests.length) return;
      socket.destroy();
      resolve(lines.map((line) => JSON.parse(line) as ControlLine));
    });
    for (const request of requests)
      socket.write(`${typeof request === 'string' ? request : JSON.stringify(request)}\n`);
  });
}

describe('the control channel', () => {
  it('arms and clears faults', async () => {
    expect(
      await controlled(
        { do: 'fault', name: 'tufDown', spec: { times: 2 } },
        { do: 'fault', name: 'bootPanics' },
      ),
    ).toEqual([{ reply: 'ok' }, { reply: 'ok' }]);
    expect(host.faults.names()).toEqual(['tufDown', 'bootPanics']);
    await controlled({ do: 'clear', name: 'tufDown' });
    expect(host.faults.names()).toEqual(['bootPanics']);
    await controlled({ do: 'clear' });
    expect(host.faults.names()).toEqual([]);
  });

  it('says what it does not understand', async () => {
    expect(
      await controlled('nonsense', '{"do":"explode"}', { do: 'fault', name: 'gremlins' }, 'null'),
    ).toEqual(Array.from({ length: 4 }, () => ({ reply: 'error', message: expect.any(String) })));
  });

  it('publishes releases and runs the commands of others', async () => {
    await controlled(
      { do: 'publish', release: { ...image, version: '1.27.0' } },
      { do: 'otherClient', command: 'refresh' },
    );
    await vi.waitUntil(() => !host.locked, { interval: 2 });
    expect(host.status?.chosen_update?.version).toBe('1.27.0');
  });

  it('shows everything, and tells of power', async () => {
    const [dump] = await controlled({ do: 'dump' });
    expect(dump).toMatchObject({ reply: 'ok', value: { power: 'on', image } });
    const lines = await controlled({ do: 'watch' }, { do: 'powerCycle' }, 'x');
    expect(lines[0]).toMatchObject({ state: { bootId: host.dump().bootId } });
    expect(lines).toContainEqual({ event: expect.objectContaining({ type: 'down' }) });
  });
});
