/**
 * The only source of time. Everything that waits or compares instants takes a Clock as an argument, so that
 * the simulation can own time; lint forbids `Date` and timers elsewhere.
 */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds of monotonic time.
   * @throws the signal's reason when it aborts first.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Random numbers, uniform in [0, 1). Injected, so that a seed decides every jitter. */
export type Random = () => number;

/** The process's real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** RFC 3339 in UTC with milliseconds cut, as the Kubernetes API writes times. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** RFC 3339 in UTC with milliseconds, for log lines. */
export const rfc3339Milli = (ms: number): string => new Date(ms).toISOString();

/** RFC 3339 in UTC with six digits of a second: metav1.MicroTime, which takes no other number of them. */
export const rfc3339Micro = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/** Milliseconds since the epoch of an RFC 3339 text; undefined when absent or not a time. */
export function parseRfc3339(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || !/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text))
    return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Milliseconds since the epoch of an HTTP `Date` header; undefined when absent or not a time. */
export function parseHttpDate(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Calls `fire` after `ms` milliseconds if the process still runs then, but does not keep it running. For last
 * resorts only; everything else waits on a Clock. @returns cancels it.
 */
export function backgroundTimer(ms: number, fire: () => void): () => void {
  const timer = setTimeout(fire, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
