/** Aborts and time limits on an injected clock. */
import type { Clock } from './clock.ts';

/** A signal that follows a parent and can be aborted by itself. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  /** Aborts this signal, not the parent. Without effect the second time. */
  abort(reason?: unknown): void;
  /** Lets go of the parent. A parent that lives as long as the process would keep every child otherwise. */
  release(): void;
}

/** Makes a signal that is aborted with its parent, if there is one, or alone. */
export function linkAbort(parent: AbortSignal | undefined): LinkedAbort {
  const controller = new AbortController();
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted === true) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => parent?.removeEventListener('abort', follow),
  };
}

/** The time given to `withTimeout` is over. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'timeout';
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no result within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/**
 * Runs `work` with a signal that is aborted after `limitMs` milliseconds.
 * @throws TimeoutError when time is up, even if `work` ignores its signal; else what `work` throws.
 */
export async function withTimeout<T>(
  options: { clock: Clock; limitMs: number; signal?: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = linkAbort(options.signal);
  const timer = new AbortController();
  const expiry = options.clock.sleep(options.limitMs, timer.signal).then(
    () => {
      const error = new TimeoutError(options.limitMs);
      limit.abort(error);
      throw error;
    },
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work(limit.signal), expiry]);
  } finally {
    timer.abort();
    limit.release();
  }
}

/** Resolves when the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Sleeps; an abort ends it early. @returns whether the time passed. */
export async function sleepUnlessAborted(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/**
 * The result of `promise`, unless the signal aborts first: then nobody waits for it any more.
 * @throws the signal's reason, or what the promise is rejected with.
 */
export async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const link = linkAbort(signal);
  const end = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else link.signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    link.release();
  }
}
