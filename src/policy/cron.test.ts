import { CronExpressionParser } from 'cron-parser';
import * as fc from 'fast-check';
import { DateTime } from 'luxon';
import { describe, expect, it } from 'vitest';
import { calendarDay, DAY_MS } from './calendar.ts';
import { parseCron } from './cron.ts';

const dayOf = (date: string): number => DateTime.fromISO(date, { zone: 'utc' }).toMillis() / DAY_MS;

/** Fires of a schedule on the wall clock within `days` days from a date, as luxon would write them. */
function fires(text: string, from: string, days: number): string[] {
  const { firesOn, minutesOfDay } = parseCron(text);
  const first = dayOf(from);
  return Array.from({ length: days }, (_, index) => first + index)
    .filter(firesOn)
    .flatMap((day) => minutesOfDay.map((minute) => day * DAY_MS + minute * 60_000))
    .map((ms) => DateTime.fromMillis(ms, { zone: 'utc' }).toFormat("yyyy-MM-dd'T'HH:mm"));
}

/** One field: any, a number, a range, a list, a range with a step. */
const part = (min: number, max: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    fc.integer({ min, max }).map(String),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc
      .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 })
      .map((values) => values.join(',')),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min: 1, max: max + 1 }))
      .map(([a, s]) => `${a}-${max}/${s}`),
  );

describe('the calendar', () => {
  it('agrees with luxon on every day of 200 years', () => {
    for (let day = -36_500; day < 36_500; day += 1) {
      const date = DateTime.fromMillis(day * DAY_MS, { zone: 'utc' });
      const { year, month, dayOfMonth, dayOfWeek } = calendarDay(day);
      if (
        year !== date.year ||
        month !== date.month ||
        dayOfMonth !== date.day ||
        dayOfWeek !== date.weekday % 7
      )
        expect.fail(date.toISODate() ?? '');
    }
  });
});

describe('cron texts', () => {
  it.each([
    ['0 1 * * 6', ['2026-01-03T01:00', '2026-01-10T01:00']],
    ['0 1 * * SAT', ['2026-01-03T01:00', '2026-01-10T01:00']],
    ['30 2,14 4 jan *', ['2026-01-04T02:30', '2026-01-04T14:30']],
    ['0 0 * * 7', ['2026-01-04T00:00', '2026-01-11T00:00']],
    ['0 0 * * 0', ['2026-01-04T00:00', '2026-01-11T00:00']],
    ['0 0 * * fri-7', ['2026-01-02T00:00', '2026-01-03T00:00', '2026-01-04T00:00', '2026-01-09T00:00', '2026-01-10T00:00', '2026-01-11T00:00']], // prettier-ignore
    ['0 22-23 1-2 * *', ['2026-01-01T22:00', '2026-01-01T23:00', '2026-01-02T22:00', '2026-01-02T23:00']],
    ['45/5 3 5 1 *', ['2026-01-05T03:45', '2026-01-05T03:50', '2026-01-05T03:55']],
    ['*/20 6-8/2 5 1 *', ['2026-01-05T06:00', '2026-01-05T06:20', '2026-01-05T06:40', '2026-01-05T08:00', '2026-01-05T08:20', '2026-01-05T08:40']], // prettier-ignore
    [' 0  1 3 1 * ', ['2026-01-03T01:00']],
  ])('%s fires', (text, expected) => expect(fires(text, '2026-01-01', 14)).toEqual(expected));

  it('fires on either day when day-of-month and day-of-week are both restricted', () =>
    expect(fires('0 0 5 * 6', '2026-01-01', 14)).toEqual([
      '2026-01-03T00:00',
      '2026-01-05T00:00',
      '2026-01-10T00:00',
    ]));

  it('asks for both when one of them begins with an asterisk, as vixie does', () =>
    expect(fires('0 0 */2 * 6', '2026-01-01', 31)).toEqual([
      '2026-01-03T00:00',
      '2026-01-17T00:00',
      '2026-01-31T00:00',
    ]));

  it('finds 29 February across 2100', () =>
    expect(fires('0 0 29 2 *', '2096-03-01', 366 * 9)).toEqual(['2104-02-29T00:00']));

  it.each([
    ['0 0 1 * * 6', 'has 6 fields; a field for seconds is not allowed'],
    ['0 1 * *', 'has 4 fields'],
    ['', 'has 0 fields'],
    ['0 0 0 1 1 * *', 'has 7 fields'],
    ['@weekly', 'is a shorthand'],
    ['@every 1h', 'is a shorthand'],
    ['0 1 L * *', 'has "L" in day-of-month, which is not allowed'],
    ['0 1 * * 5L', 'has "L" in day-of-week'],
    ['0 1 15W * *', 'has "W" in day-of-month'],
    ['0 1 * * 6#1', 'has "#" in day-of-week'],
    ['0 1 * * sat#1', 'has "#" in day-of-week'],
    ['0 1 ? * 6', 'has "?" in day-of-month'],
    ['H 1 * * 6', 'has "H" in minute'],
    ['H(0-30) 1 * * 6', 'has "H" in minute'],
    ['0 1 * FEBR *', 'has "FEBR" in month, which is no name there'],
    ['0 1 * * Saturday', 'has "Saturday" in day-of-week, which is no name there'],
    ['0 mon * * *', 'has "mon" in hour, which is no name there'],
    ['60 1 * * *', 'is no cron text: Constraint error, got value 60 expected range 0-59'],
    ['0 24 * * *', 'expected range 0-23'],
    ['0 22-2 * * *', 'Invalid range: 22-2'],
    ['*/0 * * * *', 'cannot repeat at every 0 time'],
    ['0 0 30 2 *', 'Invalid explicit day of month definition'],
    ['0 0 31 2,4 *', 'Invalid explicit day of month definition'],
    ['1- * * * *', 'has "1-" in minute, which is no number, range or step'],
    ['1--2 * * * *', 'has "1--2" in minute'],
    [', * * * *', 'has "" in minute'],
    ['0 0 * * 1,,2', 'has "" in day-of-week'],
    ['1.5 * * * *', 'has "1.5" in minute'],
    ['0 0 * * *-5', 'has "*-5" in day-of-week'],
  ])('%j is refused: it %s', (text, problem) => expect(() => parseCron(text)).toThrow(problem));

  it('says what is allowed', () =>
    expect(() => parseCron('0 1 L * *')).toThrow(
      'exactly five fields are allowed: minute hour day-of-month month day-of-week, of numbers, names, lists, ranges and steps, such as "0 1 * * 6"',
    ));

  it('enumerates the same fires as cron-parser does in UTC, where both mean the same', () => {
    const text = fc
      .tuple(fc.integer({ min: 0, max: 59 }), part(0, 23), part(1, 28), part(1, 12), part(0, 6))
      .map((fields) => fields.join(' '));
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 3_000 }), (schedule, startDay) => {
        const from = dayOf('2024-01-01') + startDay;
        const expected: string[] = [];
        const parser = CronExpressionParser.parse(schedule, {
          currentDate: new Date(from * DAY_MS - 1),
          tz: 'UTC',
          hashSeed: 'x',
        });
        for (let index = 0; index < 15; index += 1)
          expected.push(parser.next().toISOString()?.slice(0, 16) ?? '');
        const start = DateTime.fromMillis(from * DAY_MS, { zone: 'utc' }).toISODate() ?? '';
        const lastDay = dayOf(expected.at(-1)?.slice(0, 10) ?? '');
        expect(fires(schedule, start, lastDay - from + 1).slice(0, 15)).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});
