/** One replica in a process of its own: its memory is what is measured. Talks to its parent by messages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testAuthority } from '../../../src/apiserver/http/testclient.ts';
import { Replica } from '../../../src/apiserver/lifecycle.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { createLogger } from '../../../src/runtime/logger.ts';
import { PrometheusMetrics } from '../../../src/runtime/prometheus.ts';
import { manyShadows } from './kubernetes.ts';

export type ServerMessage = { port: number; ca: string };

/** So many times faster runs the time of the replica until it is told otherwise. */
const HURRY = 5;

/** Time that hurries at first, so that 10,000 token reviews, of which 50 a second are made, do not take minutes. */
class HurriedClock implements Clock {
  #factor = HURRY;
  #sinceMs = systemClock.monotonic();
  #reachedMs = 0;
  readonly #startMs = systemClock.now();

  now(): number {
    return this.#startMs + this.monotonic();
  }

  monotonic(): number {
    return this.#reachedMs + (systemClock.monotonic() - this.#sinceMs) * this.#factor;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms / this.#factor, signal);
  }

  /** From now on a second is a second. */
  calm(): void {
    this.#reachedMs = this.monotonic();
    this.#sinceMs = systemClock.monotonic();
    this.#factor = 1;
  }
}

const send = (message: ServerMessage): void => void process.send?.(message);

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const { ca, pair } = testAuthority();
  const { cert, key } = pair();
  writeFileSync(join(directory, 'tls.crt'), cert);
  writeFileSync(join(directory, 'tls.key'), key);
  const stop = new AbortController();
  const clock = new HurriedClock();
  process.on('message', (message: 'calm' | 'stop') => (message === 'stop' ? stop.abort() : clock.calm()));
  process.on('disconnect', () => stop.abort());
  await new Replica({
    kubernetes: manyShadows(Number(process.argv[2])),
    clock,
    random: Math.random,
    log: createLogger({ clock: systemClock, level: 'warn' }),
    metrics: new PrometheusMetrics({ processMetrics: true }),
    address: { host: '127.0.0.1', port: 0 },
    certificateDirectory: directory,
    onListening: (port) => send({ port, ca }),
  }).run(stop.signal);
  rmSync(directory, { recursive: true });
}

await main();
