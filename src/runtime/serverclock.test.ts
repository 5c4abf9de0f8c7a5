import { describe, expect, it } from 'vitest';
import { serverClock } from './serverclock.ts';

const SERVER_MS = 1_000_000_000;
const MAX_MS = 30_000;

/** A clock that is ahead of the server's by so much. */
const seen = (aheadMs: number, isKnown = true): number => {
  const clock = { now: () => SERVER_MS + aheadMs, monotonic: () => 0, sleep: async () => undefined };
  return serverClock(clock, { clockSkewMs: () => (isKnown ? -aheadMs : undefined) }, MAX_MS).now();
};

describe('the wall clock of a controller', () => {
  it.each([-MAX_MS, -1, 0, MAX_MS])('is its own while it is %s ms ahead', (aheadMs) => {
    expect(seen(aheadMs)).toBe(SERVER_MS + aheadMs);
  });

  it.each([-3_600_000, -MAX_MS - 1, MAX_MS + 1, 3_600_000])(
    "is the server's while it is %s ms ahead",
    (aheadMs) => {
      expect(seen(aheadMs)).toBe(SERVER_MS);
    },
  );

  it('is its own until the server has answered', () => {
    expect(seen(3_600_000, false)).toBe(SERVER_MS + 3_600_000);
  });
});
