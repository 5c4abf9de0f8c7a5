/** Many agents in a process of their own: each holds a stream, then some of them report at a steady rate. */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import { SHADOW_PATH, STATUS_PATH } from '../../../src/api/wire.ts';
import { nodeName, tokenOf } from './kubernetes.ts';

export type ClientMessage =
  | { open: number; refused: number; seconds: number }
  | { lines: number; ended: number }
  | { latenciesMs: number[]; failed: number };

export interface Work {
  port: number;
  ca: string;
  streams: number;
  /** Seconds without any report, in which only heartbeats come. */
  idleSeconds: number;
  reportsPerSecond: number;
  reportSeconds: number;
  /** Agents that report, in turn; the others only listen. */
  reporters: number;
}

const CONNECTING_AT_ONCE = 64;
/** Below the rate of token reviews. */
const WARM_UP_PER_SECOND = 25;
const send = (message: ClientMessage): void => void process.send?.(message);

class Fleet {
  readonly #work: Work;
  readonly #secureContext: SecureContext;
  readonly #tokens: string[];
  #open = 0;
  #refused = 0;
  #lines = 0;
  #ended = 0;

  constructor(work: Work) {
    this.#work = work;
    this.#secureContext = createSecureContext({ ca: work.ca });
    const expires = Math.floor(Date.now() / 1000) + 3600;
    this.#tokens = Array.from({ length: work.streams }, (_, index) => tokenOf(index, expires));
  }

  async run(): Promise<void> {
    const { streams, idleSeconds } = this.#work;
    const startMs = performance.now();
    const indexes = Array.from({ length: streams }, (_, index) => index).values();
    await Promise.all(
      Array.from({ length: CONNECTING_AT_ONCE }, async () => {
        for (const index of indexes) await this.#connect(index);
      }),
    );
    send({ open: this.#open, refused: this.#refused, seconds: (performance.now() - startMs) / 1000 });
    this.#lines = 0;
    await pause(idleSeconds * 1000);
    send({ lines: this.#lines, ended: this.#ended });
    await this.#report();
  }

  /** As an agent does: refused, it comes back when it was told to. */
  async #connect(index: number): Promise<void> {
    for (;;) {
      const response = await this.#send(index, { method: 'GET', path: `${SHADOW_PATH}?watch=true` });
      if (response.statusCode === 200) {
        this.#open += 1;
        response.on('data', () => (this.#lines += 1));
        response.on('close', () => (this.#ended += 1));
        return;
      }
      this.#refused += 1;
      response.resume();
      await pause(Number(response.headers['retry-after'] ?? 1) * 1000);
    }
  }

  /** The tokens of the reporters are reviewed again first, at a rate that is granted. */
  async #report(): Promise<void> {
    const { reportsPerSecond, reportSeconds, reporters } = this.#work;
    await this.#reportAt(WARM_UP_PER_SECOND, { from: 0, count: reporters });
    const count = reportsPerSecond * reportSeconds;
    send(await this.#reportAt(reportsPerSecond, { from: reporters, count }));
  }

  async #reportAt(
    perSecond: number,
    { from, count }: { from: number; count: number },
  ): Promise<{ latenciesMs: number[]; failed: number }> {
    const { reporters } = this.#work;
    const latenciesMs: number[] = [];
    let failed = 0;
    const pending: Promise<void>[] = [];
    const startMs = performance.now();
    for (let number = from; number < from + count; number += 1) {
      const waitMs = startMs + ((number - from) * 1000) / perSecond - performance.now();
      if (waitMs > 0) await pause(waitMs);
      const sentMs = performance.now();
      pending.push(
        this.#put(number % reporters, Math.floor(number / reporters) + 1).then(
          () => void latenciesMs.push(performance.now() - sentMs),
          () => void (failed += 1),
        ),
      );
    }
    await Promise.all(pending);
    return { latenciesMs, failed };
  }

  async #put(index: number, seq: number): Promise<void> {
    const body = JSON.stringify({
      uid: `shadow-${nodeName(index)}`,
      generation: 1,
      seq,
      current_state: 'Idle',
      current_version: '1.50.0',
      target_version: '1.51.0',
      host: { bootId: 'boot', agentVersion: '0.1.0', updateState: 'Available', available: ['1.51.0'] },
    });
    const response = await this.#send(index, { method: 'PUT', path: STATUS_PATH, body });
    for await (const _chunk of response);
    if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
  }

  #send(index: number, what: { method: string; path: string; body?: string }): Promise<IncomingMessage> {
    const { method, path, body } = what;
    const options = {
      host: '127.0.0.1',
      servername: 'localhost',
      port: this.#work.port,
      secureContext: this.#secureContext,
      method,
      path,
      agent: false,
      headers: {
        authorization: `Bearer ${this.#tokens[index]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    };
    return new Promise((resolve, reject) => {
      request(options, resolve).on('error', reject).end(body);
    });
  }
}

process.on('message', (work: Work) => void new Fleet(work).run());
process.on('disconnect', () => process.exit());
