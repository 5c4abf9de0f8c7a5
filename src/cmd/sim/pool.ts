/** Plays many seeds on several threads. */
import { Worker } from 'node:worker_threads';
import type { Played } from './worker.ts';

export interface PoolOptions {
  /** Threads. */
  jobs: number;
  /** The seeds, in order; an endless sequence is ended by the signal. */
  seeds: Iterator<string>;
  /** Told of each, in the order they end. */
  onPlayed(played: Played): void;
  /** No seed is begun after this. */
  signal: AbortSignal;
}

/** Resolves when the last has been played. @throws when a thread dies */
export async function playAll(options: PoolOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.jobs }, () => runThread(options)));
}

async function runThread(options: PoolOptions): Promise<void> {
  const { seeds, signal } = options;
  const worker = new Worker(new URL('worker.ts', import.meta.url));
  try {
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const { value, done } = signal.aborted ? { value: undefined, done: true } : seeds.next();
        if (done === true) resolve();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        else worker.postMessage(value);
      };
      worker.on('message', (played: Played) => {
        options.onPlayed(played);
        next();
      });
      worker.once('error', reject);
      next();
    });
  } finally {
    await worker.terminate();
  }
}
