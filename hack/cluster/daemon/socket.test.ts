import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { paths } from '../layout.ts';
import { ClusterClient } from './client.ts';
import type { Cluster } from './cluster.ts';
import { Progress } from './progress.ts';
import type { MachineEvent } from './protocol.ts';
import { serve, type Served } from './server.ts';

const listeners = new Set<(event: MachineEvent) => void>();

/** What a cluster would be asked; it answers with the words it was given. */
const cluster = {
  status: () => Promise.resolve({ name: 'a', state: 'ready', machines: [], components: {} }),
  component: (component: string, to: string) => {
    if (to === 'away') return Promise.reject(new Error(`${component} is needed.`));
    return Promise.resolve();
  },
  watch: (listener: (event: MachineEvent) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
} as unknown as Cluster;

let dir: string;
let daemon: Server;
let client: ClusterClient;
let progress: Progress;
let up: PromiseWithResolvers<void>;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'brupop-daemon-'));
  progress = new Progress(() => undefined);
  up = Promise.withResolvers<void>();
  up.promise.catch(() => undefined);
  const served: Served = {
    cluster,
    ready: async (listener) => {
      const stop = progress.follow(listener);
      await up.promise.finally(stop);
    },
  };
  daemon = await serve(served, paths(dir).socket);
  client = new ClusterClient(dir);
});
afterEach(() => {
  client.close();
  daemon.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('whoever waits for the cluster', () => {
  test('hears what was said before and after, and that it is ready', async () => {
    progress.say('one');
    const heard: string[] = [];
    const ready = client.ready((line) => heard.push(line));
    await expect.poll(() => heard).toEqual(['one']);
    progress.say('two');
    up.resolve();
    await ready;
    expect(heard).toEqual(['one', 'two']);
  });

  test('hears why it does not come up', async () => {
    const ready = client.ready();
    up.reject(new Error('etcd ended.'));
    await expect(ready).rejects.toMatchObject({ code: 'refused', message: 'etcd ended.' });
  });

  test('is told when nobody is there', async () => {
    const nobody = new ClusterClient(join(dir, 'nothing'));
    await expect(nobody.ready()).rejects.toMatchObject({ code: 'unreachable' });
  });
});

test('a request is answered with its value, or in the words of the refusal', async () => {
  expect(await client.status()).toMatchObject({ name: 'a', state: 'ready' });
  await client.component('etcd', 'back');
  await expect(client.component('etcd', 'away')).rejects.toThrow('etcd is needed.');
});

test('who watches hears of every change until they stop', async () => {
  const off: MachineEvent = { at: 1, machine: 'node-1', state: 'off', bootId: 'x' };
  const heard: MachineEvent[] = [];
  const stop = await client.watch((event) => heard.push(event));
  await expect.poll(() => listeners.size).toBe(1);
  for (const listener of listeners) listener(off);
  await expect.poll(() => heard).toEqual([off]);
  stop();
  await expect.poll(() => listeners.size).toBe(0);
});

const converse = (socket: Socket): Promise<string> => {
  socket.end('world');
  return text(socket);
};

describe('a connection into the cluster', () => {
  let inside: Server;
  let port: number;
  beforeEach(async () => {
    // Speaks first, as many servers do.
    inside = createServer({ allowHalfOpen: true }, (socket) => socket.write('hello ') && socket.pipe(socket));
    inside.listen(0, '127.0.0.1');
    await once(inside, 'listening');
    ({ port } = inside.address() as AddressInfo);
  });
  afterEach(() => inside.close());

  test('is one to that address', async () => {
    expect(await converse(await client.connect('127.0.0.1', port))).toBe('hello world');
  });

  test('can be had by a port of loopback', async () => {
    const near = await client.forward('127.0.0.1', port);
    expect(await converse(connect({ port: near, allowHalfOpen: true }))).toBe('hello world');
  });

  test('loses nothing of what is much', async () => {
    const much = 'x'.repeat(5_000_000);
    const near = connect({ port: await client.forward('127.0.0.1', port), allowHalfOpen: true });
    near.end(much);
    expect((await text(near)).length).toBe(much.length + 'hello '.length);
  });

  test('to nobody is refused', async () => {
    inside.close();
    await expect(client.connect('127.0.0.1', port)).rejects.toThrow(`No connection to 127.0.0.1:${port}`);
  });
});
