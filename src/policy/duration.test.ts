import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationText, formatDuration, parseDuration } from './duration.ts';
import { PolicyTextError } from './errors.ts';

describe('duration texts', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['4h', 14_400_000],
    ['72h', 259_200_000],
    ['1h30m', 5_400_000],
    ['1h30m5s250ms', 5_405_250],
    ['1.5h', 5_400_000],
    ['0.1s', 100],
    ['1.1h', 3_960_000],
    ['30s1m', 90_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    ['', 'it is empty'],
    ['15', '15 has no unit'],
    ['1h30', '30 has no unit'],
    ['1d', '"d" is not a unit'],
    ['2w', '"w" is not a unit'],
    ['5min', '"min" is not a unit'],
    ['10us', '"us" is not a unit'],
    ['4H', '"H" is not a unit'],
    ['constructor', '"constructor" is not a number with a unit'],
    ['1constructor', '"constructor" is not a unit'],
    ['-5m', 'it has a sign'],
    ['+5m', 'it has a sign'],
    ['.5h', '".5h" is not a number with a unit'],
    ['1 h', '1 has no unit'],
    [' 1h', '" 1h" is not a number with a unit'],
    ['1h ', '" " is not a number with a unit'],
    ['99999999999999999999h', 'longer than ten years'],
  ])('%j is refused: %s', (text, problem) => {
    expect(() => parseDuration(text)).toThrow(problem);
    expect(() => parseDuration(text)).toThrow(PolicyTextError);
  });

  it('says what is allowed', () =>
    expect(() => parseDuration('1d')).toThrow(
      '"1d" is not a duration: "d" is not a unit; write numbers with the units ms, s, m, h, such as 90s, 15m, 1h30m or 72h',
    ));

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 * 365 * 86_400_000 }), (ms) => {
        expect(parseDuration(durationText(ms))).toBe(ms);
      }),
    );
  });

  it('accepts exactly what the schema of the CRD accepts, up to ten years', () => {
    const inSchema = /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/;
    const text = fc.string({
      unit: fc.constantFrom('1', '0', '.', 'm', 's', 'h', 'd', '-', ' '),
      maxLength: 7,
    });
    fc.assert(
      fc.property(text, (candidate) => {
        let accepted = true;
        try {
          parseDuration(candidate);
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyTextError);
          accepted = String(error).includes('longer than ten years');
        }
        expect(accepted).toBe(inSchema.test(candidate));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('durations for people', () => {
  it.each([
    [0, '0s'],
    [999, '0s'],
    [45_000, '45s'],
    [90_000, '1m 30s'],
    [3_600_000, '1h'],
    [5_400_000, '1h 30m'],
    [3_601_000, '1h'],
    [187_200_000, '2d 4h'],
    [-5, '0s'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});
