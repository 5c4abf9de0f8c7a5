import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff, backoffMs } from './backoff.ts';

test.each([
  [1, 250, 500],
  [2, 500, 1_000],
  [5, 4_000, 8_000],
  [6, 7_500, 15_000],
  [1_000, 7_500, 15_000],
])('after failure %i the wait lies between %i and %i ms', (failures, low, high) => {
  expect(backoffMs(failures, () => 0)).toBe(low);
  expect(backoffMs(failures, () => 1)).toBe(high);
});

test('no wait leaves the bounds', () => {
  fc.assert(
    fc.property(
      fc.nat(10_000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, r) => {
        const wait = backoffMs(failures, () => r, { baseMs: 10, maxMs: 1_000 });
        expect(wait).toBeGreaterThanOrEqual(5);
        expect(wait).toBeLessThanOrEqual(1_000);
      },
    ),
  );
});

test('a success starts over, and the server may ask for more', () => {
  const backoff = new Backoff(() => 1);
  expect([backoff.failed(), backoff.failed(), backoff.failed(60_000)]).toEqual([500, 1_000, 60_000]);
  expect(backoff.failures).toBe(3);
  backoff.succeeded();
  expect(backoff.failed()).toBe(500);
});
