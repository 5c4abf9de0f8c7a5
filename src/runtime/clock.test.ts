import { expect, test, vi } from 'vitest';
import { backgroundTimer, parseHttpDate, parseRfc3339, rfc3339, rfc3339Micro, systemClock } from './clock.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

test('times are written as the API writes them', () => {
  expect(rfc3339(NOW)).toBe('2026-01-02T03:04:05Z');
  expect(rfc3339Micro(NOW)).toBe('2026-01-02T03:04:05.678000Z');
});

test.each([
  ['2026-01-02T03:04:05Z', NOW - 678],
  ['2026-01-02T03:04:05.678000Z', NOW],
  ['2026-01-02T05:04:05+02:00', NOW - 678],
  ['2026-01-02', undefined],
  ['2026-13-02T03:04:05Z', undefined],
  ['', undefined],
  [null, undefined],
  [undefined, undefined],
])('%s is read as %s', (given, expected) => {
  expect(parseRfc3339(given)).toBe(expected);
});

test('an HTTP date is read', () => {
  expect(parseHttpDate('Fri, 02 Jan 2026 03:04:05 GMT')).toBe(NOW - 678);
  expect([parseHttpDate('soon'), parseHttpDate(undefined)]).toEqual([undefined, undefined]);
});

test('the system clock sleeps, and an abort ends the sleep', async () => {
  vi.useFakeTimers();
  try {
    const stop = new AbortController();
    const [slept, broken] = [systemClock.sleep(1_000), systemClock.sleep(1_000, stop.signal)];
    const failed = expect(broken).rejects.toThrow('enough');
    stop.abort(new Error('enough'));
    await failed;
    await vi.advanceTimersByTimeAsync(1_000);
    await slept;
    await expect(systemClock.sleep(1, stop.signal)).rejects.toThrow('enough');
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('a background timer can be cancelled', async () => {
  vi.useFakeTimers();
  try {
    const fired: string[] = [];
    const cancel = backgroundTimer(10, () => fired.push('cancelled'));
    backgroundTimer(10, () => fired.push('kept'));
    cancel();
    await vi.advanceTimersByTimeAsync(10);
    expect(fired).toEqual(['kept']);
  } finally {
    vi.useRealTimers();
  }
});
