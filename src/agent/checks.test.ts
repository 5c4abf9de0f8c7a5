import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECK_INTERVAL_MS, CheckSchedule } from './checks.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const minutesAgo = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();

describe('the first check of an agent', () => {
  it.each([
    ['nothing is recorded', { checkedAt: null, forgotten: false }, 0, 10_000],
    ['the host has rebooted', { checkedAt: minutesAgo(1), forgotten: true }, 0, 10_000],
    ['the last was long ago', { checkedAt: minutesAgo(600), forgotten: false }, 0, 10_000],
    ['the last was 20 minutes ago', { checkedAt: minutesAgo(20), forgotten: false }, 2_400_000, 2_410_000],
    ['the last is in the future', { checkedAt: minutesAgo(-60), forgotten: false }, 3_600_000, 3_610_000],
  ])('%s', (...row) => {
    const [, last, leastMs, mostMs] = row;
    const schedule = new CheckSchedule(() => 0.5);
    schedule.isDue(0, { now, ...last });
    expect(schedule.isDue(leastMs, { now, ...last })).toBe(false);
    expect(schedule.isDue(mostMs, { now, ...last })).toBe(true);
  });
});

it('later ones come within a tenth of an hour or, after a failure, of ten minutes', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (r) => {
      const last = { now, checkedAt: null, forgotten: false };
      const schedule = new CheckSchedule(() => r);
      schedule.started(0);
      expect(schedule.isDue(CHECK_INTERVAL_MS * 0.89, last)).toBe(false);
      expect(schedule.isDue(CHECK_INTERVAL_MS * 1.11, last)).toBe(true);
      schedule.failed(0);
      expect(schedule.isDue(530_000, last)).toBe(false);
      expect(schedule.isDue(670_000, last)).toBe(true);
    }),
  );
});

it('the interval can be set, and how long a check is still to come is known', () => {
  const last = { now, checkedAt: null, forgotten: false };
  const schedule = new CheckSchedule(() => 0.5, 30_000);
  expect(schedule.untilMs(0)).toBeUndefined();
  schedule.started(0);
  expect(schedule.untilMs(10_000)).toBe(20_000);
  expect(schedule.untilMs(30_000)).toBeUndefined();
  expect(schedule.isDue(30_000, last)).toBe(true);
  schedule.failed(0);
  expect(schedule.isDue(30_000, last)).toBe(true);
});
