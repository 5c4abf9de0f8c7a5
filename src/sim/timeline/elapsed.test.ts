import { describe, expect, test } from 'vitest';
import { formatLength, formatOffset, formatPreciseOffset, ticks } from './elapsed.ts';

const MINUTE = 60_000;

describe('times as text', () => {
  test.each([
    [0, '0.0 s'],
    [12_340, '12.3 s'],
    [59_960, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [124 * MINUTE, '2 h 04 min'],
    [78 * 60 * MINUTE, '3 d 06 h'],
  ])('a length of %i ms is %s', (ms, text) => expect(formatLength(ms)).toBe(text));

  test.each([
    [7_900, '0:07', '0:07.9'],
    [750_000, '12:30', '12:30.0'],
    [65 * MINUTE, '1:05:00', '1:05:00.0'],
    [51.25 * 60 * MINUTE, '2 d 03:15:00', '2 d 03:15:00.0'],
    [-1_500, '-0:01', '-0:01.5'],
    [9_960, '0:09', '0:10.0'],
  ])('%i ms after the start is %s, precisely %s', (ms, text, precise) => {
    expect([formatOffset(ms), formatPreciseOffset(ms)]).toEqual([text, precise]);
  });
});

describe('an axis', () => {
  test.each([
    [108_000, [0, 15, 30, 45, 60, 75, 90, 105]],
    [0, [0]],
    [9_000, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])('over %i ms has round values', (lengthMs, seconds) => {
    expect(ticks(lengthMs, 11)).toEqual(seconds.map((each) => each * 1_000));
  });

  test.each([1, 1_000, 3_600_000, 86_400_000 * 30, 86_400_000 * 900])('over %i ms is not crowded', (ms) => {
    expect(ticks(ms, 11).length).toBeLessThanOrEqual(11);
  });
});
