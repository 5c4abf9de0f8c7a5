/** A process of agents that listen: each holds a stream. */
import { createSecureContext } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import { SHADOW_PATH } from '../../../src/api/wire.ts';
import type { Target } from './connection.ts';
import { open } from './connection.ts';
import { tokenOf } from './objects.ts';

export interface ListenWork {
  port: number;
  ca: string;
  streams: number;
  /** New streams a second; the server reviews so many tokens. */
  perSecond: number;
}
export type ListenMessage = { seconds: number } | { lines: number; ended: number };

/** The token of a stream outlives the measurement. */
const TOKEN_SECONDS = 3600;

let lines = 0;
let ended = 0;

async function listen(target: Target, index: number): Promise<void> {
  const token = tokenOf(index, Math.floor(Date.now() / 1000) + TOKEN_SECONDS);
  for (;;) {
    const { socket, status, retryAfter } = await open(target, {
      method: 'GET',
      path: `${SHADOW_PATH}?watch=true`,
      token,
    });
    if (status === 200) {
      socket.on('data', () => (lines += 1));
      socket.on('close', () => (ended += 1));
      return;
    }
    socket.destroy();
    await pause(Math.max(1, retryAfter) * 1000);
  }
}

async function listenAll({ port, ca, streams, perSecond }: ListenWork): Promise<number> {
  const target = { port, secureContext: createSecureContext({ ca }) };
  const startMs = performance.now();
  const opening: Promise<void>[] = [];
  for (let index = 0; index < streams; index += 1) {
    const waitMs = startMs + (index * 1000) / perSecond - performance.now();
    if (waitMs > 0) await pause(waitMs);
    opening.push(listen(target, index));
  }
  await Promise.all(opening);
  return (performance.now() - startMs) / 1000;
}

const send = (message: ListenMessage): void => void process.send?.(message);

async function run(work: ListenWork): Promise<void> {
  const seconds = await listenAll(work);
  // From then on each message asks what came since.
  process.on('message', () => {
    send({ lines, ended });
    lines = 0;
  });
  send({ seconds });
}

process.once('message', (work: ListenWork) => void run(work));
process.on('disconnect', () => process.exit());
