import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import { silentLogger } from './log.ts';
import { type ProcessHost, runProcess } from './process.ts';
import { aborted } from './timers.ts';

/** A process that only notes what is done to it. */
class NotedProcess implements ProcessHost {
  exitCode: number | undefined;
  readonly exits: number[] = [];
  readonly #signalListeners = new Set<(name: string) => void>();
  readonly #faultListeners = new Set<(error: unknown) => void>();

  onSignal(listener: (name: string) => void): () => void {
    this.#signalListeners.add(listener);
    return () => void this.#signalListeners.delete(listener);
  }

  onFault(listener: (error: unknown) => void): () => void {
    this.#faultListeners.add(listener);
    return () => void this.#faultListeners.delete(listener);
  }

  setExitCode(code: number): void {
    this.exitCode = code;
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  watchdog(ms: number, fire: () => void): () => void {
    const timer = clock.after(ms, fire);
    return () => timer.cancel();
  }

  activeResources(): string[] {
    return ['Timeout'];
  }

  signal(name = 'SIGTERM'): void {
    for (const listener of this.#signalListeners) listener(name);
  }

  fault(error: unknown): void {
    for (const listener of this.#faultListeners) listener(error);
  }

  get listeners(): number {
    return this.#signalListeners.size + this.#faultListeners.size;
  }
}

let clock: VirtualClock;
let host: NotedProcess;
beforeEach(() => {
  clock = new VirtualClock();
  host = new NotedProcess();
});

const run = (main: (signal: AbortSignal) => Promise<void>, graceMs?: number): Promise<void> =>
  runProcess({ host, logger: silentLogger, ...(graceMs !== undefined && { graceMs }) }, main);

describe('the end', () => {
  test('work that ends makes exit code 0, and nothing is forced', async () => {
    await run(() => Promise.resolve());
    expect([host.exitCode, host.exits, host.listeners]).toEqual([0, [], 0]);
  });

  test('work that fails makes exit code 1', async () => {
    await run(() => Promise.reject(new Error('broken')));
    expect([host.exitCode, host.exits]).toEqual([1, []]);
  });

  test('what keeps the process afterwards does not keep it for long', async () => {
    await run(() => Promise.resolve());
    await clock.advance(1_999);
    expect(host.exits).toEqual([]);
    await clock.advance(1);
    expect(host.exits).toEqual([0]);
  });

  test('what runs beside the work is told', async () => {
    let side: AbortSignal | undefined;
    await run((signal) => {
      side = signal;
      return Promise.resolve();
    });
    expect(side?.aborted).toBe(true);
  });
});

describe('signals', () => {
  test('the first lets the work end in order', async () => {
    const ended = run(aborted);
    host.signal();
    await ended;
    expect([host.exitCode, host.exits]).toEqual([0, []]);
  });

  test('the second ends the process at once', () => {
    void run(() => new Promise(() => undefined));
    host.signal();
    expect(host.exits).toEqual([]);
    host.signal('SIGINT');
    expect(host.exits).toEqual([1]);
  });

  test.each([
    [undefined, 5_000],
    [45_000, 45_000],
  ])('with a grace of %s ms, work that does not end is ended after %i ms', async (graceMs, limitMs) => {
    void run(() => new Promise(() => undefined), graceMs);
    host.signal();
    await clock.advance(limitMs - 1);
    expect(host.exits).toEqual([]);
    await clock.advance(1);
    expect(host.exits).toEqual([1]);
  });

  test('an end in time stops the watchdog', async () => {
    const ended = run(async (signal) => {
      await aborted(signal);
      await clock.sleep(4_900);
    });
    host.signal();
    await clock.advance(6_000);
    await ended;
    expect(host.exits).toEqual([]);
  });
});

test('an error that nobody caught ends the work, with exit code 1', async () => {
  const ended = run(aborted);
  host.fault(new Error('oops'));
  await ended;
  expect([host.exitCode, host.exits]).toEqual([1, []]);
});
