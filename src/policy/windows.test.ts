import * as fc from 'fast-check';
import { DateTime } from 'luxon';
import { describe, expect, it } from 'vitest';
import type { BlackoutWindow, MaintenanceWindow } from '../api/v1/updatepolicy.ts';
import { DAY_MS } from './calendar.ts';
import { parseCron } from './cron.ts';
import { withDefaults } from './effective.ts';
import type { Interval } from './windows.ts';
import { CompiledWindows } from './windows.ts';
import { parseZone } from './zone.ts';

const at = (text: string): number => DateTime.fromISO(text, { zone: 'utc' }).toMillis();
const iso = (ms: number | undefined): string | undefined =>
  ms === undefined
    ? undefined
    : (DateTime.fromMillis(ms, { zone: 'utc' }).toISO({ suppressMilliseconds: true }) ?? '');
const windows = (maintenanceWindows: MaintenanceWindow[], blackoutWindows: BlackoutWindow[] = []) =>
  new CompiledWindows(withDefaults({ maintenanceWindows, blackoutWindows }));

const weekend = { name: 'weekend', schedule: '0 1 * * 6', duration: '6h', timeZone: 'Europe/Paris' };

const zoneAt = (compiled: CompiledWindows, now: string): string => compiled.at(at(now)).zone.name;

describe('where the clock stands in the windows', () => {
  it('is always open without windows', () => {
    const verdict = windows([]).at(at('2026-01-10T00:00:00Z'));
    expect(verdict).toMatchObject({
      open: true,
      blackout: false,
      closesAt: undefined,
      nextOpensAt: undefined,
    });
    expect(windows([]).remaining(0)).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ['before', '2026-01-09T23:59:59Z', false, undefined, '2026-01-10T00:00:00Z'],
    ['at the start, inclusive', '2026-01-10T00:00:00Z', true, '2026-01-10T06:00:00Z', '2026-01-17T00:00:00Z'],
    ['inside', '2026-01-10T05:59:59Z', true, '2026-01-10T06:00:00Z', '2026-01-17T00:00:00Z'],
    ['at the end, exclusive', '2026-01-10T06:00:00Z', false, undefined, '2026-01-17T00:00:00Z'],
  ])('%s', (...[, now, open, closesAt, nextOpensAt]) => {
    const verdict = windows([weekend]).at(at(now));
    expect(verdict.open).toBe(open);
    expect(iso(verdict.closesAt)).toBe(closesAt);
    expect(iso(verdict.nextOpensAt)).toBe(nextOpensAt);
    expect(verdict.name).toBe(open ? 'weekend' : undefined);
    expect(windows([weekend]).remaining(at(now))).toBe(open ? at(closesAt ?? '') - at(now) : 0);
  });

  it.each([
    ['in the spring gap', '30 2 29 3 *', '2026-03-29T01:00:00Z', '2026-03-29T07:00:00Z'],
    ['in the repeated hour', '30 2 25 10 *', '2026-10-25T00:30:00Z', '2026-10-25T06:30:00Z'],
    ['across the gap', '0 1 29 3 *', '2026-03-29T00:00:00Z', '2026-03-29T06:00:00Z'],
    ['across the repeated hour', '0 1 25 10 *', '2026-10-24T23:00:00Z', '2026-10-25T05:00:00Z'],
  ])('a window of 6 hours that starts %s lasts 6 hours and comes once', (...[, schedule, start, end]) => {
    const compiled = windows([{ schedule, duration: '6h', timeZone: 'Europe/Paris' }]);
    expect(compiled.availability(at(start) - 2 * DAY_MS, at(start) + 2 * DAY_MS)).toEqual([
      { start: at(start), end: at(end) },
    ]);
  });

  it('runs past midnight into a day the schedule does not name', () => {
    const compiled = windows([{ schedule: '0 22 * * mon', duration: '6h' }]);
    expect(compiled.at(at('2026-01-06T03:59:00Z')).open).toBe(true);
    expect(compiled.at(at('2026-01-05T03:59:00Z')).open).toBe(false);
  });

  it('merges fires that overlap or touch', () => {
    const hourly = windows([{ schedule: '0 1-4 * * *', duration: '1h' }]);
    expect(iso(hourly.at(at('2026-01-10T01:30:00Z')).closesAt)).toBe('2026-01-10T05:00:00Z');
    const daily = windows([{ schedule: '0 0 * * *', duration: '24h', timeZone: 'Europe/Paris' }]);
    // 25 October has 25 hours: the window of 24 h ends an hour before the next one opens.
    expect(iso(daily.at(at('2026-10-20T00:00:00Z')).closesAt)).toBe('2026-10-25T22:00:00Z');
    expect(iso(daily.at(at('2026-10-20T00:00:00Z')).nextOpensAt)).toBe('2026-10-25T23:00:00Z');
  });

  it('is the union of its windows, touching ones joined', () => {
    const compiled = windows([
      { name: 'early', schedule: '0 1 * * *', duration: '2h' },
      { name: 'late', schedule: '0 3 * * *', duration: '2h' },
    ]);
    expect(compiled.at(at('2026-01-10T01:00:00Z'))).toMatchObject({
      name: 'early',
      closesAt: at('2026-01-10T05:00:00Z'),
    });
    expect(compiled.at(at('2026-01-10T03:00:00Z'))).toMatchObject({
      name: 'late',
      closesAt: at('2026-01-10T05:00:00Z'),
    });
  });

  it('closes at a blackout, whichever is first, and opens again after it', () => {
    const compiled = windows(
      [{ name: 'nights', schedule: '0 1 * * *', duration: '6h' }],
      [{ name: 'freeze', from: '2026-01-10T03:00:00Z', until: '2026-01-10T04:00:00Z' }],
    );
    expect(compiled.at(at('2026-01-10T02:00:00Z'))).toMatchObject({
      open: true,
      closesAt: at('2026-01-10T03:00:00Z'),
      nextOpensAt: at('2026-01-10T04:00:00Z'),
      blackoutAt: at('2026-01-10T03:00:00Z'),
    });
    expect(compiled.at(at('2026-01-10T03:00:00Z'))).toMatchObject({
      open: false,
      blackout: true,
      name: 'freeze',
      nextOpensAt: at('2026-01-10T04:00:00Z'),
    });
    expect(compiled.at(at('2026-01-10T04:00:00Z'))).toMatchObject({
      open: true,
      blackout: false,
      name: 'nights',
      closesAt: at('2026-01-10T07:00:00Z'),
    });
    expect(compiled.remaining(at('2026-01-10T02:30:00Z'))).toBe(1_800_000);
  });

  it('has blackouts that recur, also without maintenance windows', () => {
    const compiled = windows(
      [],
      [{ name: 'office', schedule: '0 8 * * mon-fri', duration: '10h', timeZone: 'Europe/Berlin' }],
    );
    expect(compiled.at(at('2026-01-09T12:00:00Z'))).toMatchObject({
      open: false,
      blackout: true,
      name: 'office',
    });
    expect(compiled.at(at('2026-01-09T17:00:00Z'))).toMatchObject({
      open: true,
      closesAt: at('2026-01-12T07:00:00Z'),
    });
  });

  it('shows times in the zone of the window that is open, else of the next one, else of the blackout', () => {
    const two = windows([weekend, { schedule: '0 12 * * 0', duration: '2h', timeZone: 'Asia/Tokyo' }]);
    expect(zoneAt(two, '2026-01-10T01:00:00Z')).toBe('Europe/Paris');
    expect(zoneAt(two, '2026-01-10T12:00:00Z')).toBe('Asia/Tokyo');
    const office = { schedule: '0 8 * * mon-fri', duration: '10h', timeZone: 'Europe/Berlin' };
    expect(zoneAt(windows([], [office]), '2026-01-09T12:00:00Z')).toBe('Europe/Berlin');
    expect(zoneAt(windows([], [office]), '2026-01-10T12:00:00Z')).toBe('UTC');
  });

  it('never opens under a blackout without end in sight', () => {
    const compiled = windows([weekend], [{ schedule: '0 0 * * *', duration: '24h' }]);
    expect(compiled.at(at('2026-01-10T01:00:00Z'))).toMatchObject({ open: false, nextOpensAt: undefined });
  });

  it('opens after a blackout of years', () => {
    const compiled = windows([weekend], [{ from: '2026-01-01T00:00:00Z', until: '2056-01-01T00:00:00Z' }]);
    expect(iso(compiled.at(at('2026-01-10T01:00:00Z')).nextOpensAt)).toBe('2056-01-01T00:00:00Z');
  });

  it('never closes when the fires never leave a gap', () => {
    const compiled = windows([{ schedule: '*/10 * * * *', duration: '15m' }]);
    expect(compiled.at(at('2026-10-25T00:30:00Z'))).toMatchObject({
      open: true,
      closesAt: undefined,
      nextOpensAt: undefined,
    });
    const two = windows([
      { schedule: '0 0-22/2 * * *', duration: '1h' },
      { schedule: '0 1-23/2 * * *', duration: '1h' },
    ]);
    expect(two.at(at('2026-01-10T01:00:00Z')).closesAt).toBeUndefined();
  });

  it('fires only once in the repeated hour, however often it fires', () => {
    const compiled = windows([{ schedule: '*/10 * * * *', duration: '15m', timeZone: 'Europe/Paris' }]);
    expect(iso(compiled.at(at('2026-10-25T00:30:00Z')).closesAt)).toBe('2026-10-25T01:05:00Z');
    expect(iso(compiled.at(at('2026-10-25T00:30:00Z')).nextOpensAt)).toBe('2026-10-25T02:00:00Z');
  });

  it('finds a window that comes once in years', () => {
    const compiled = windows([{ schedule: '0 0 29 2 *', duration: '1h' }]);
    expect(iso(compiled.at(at('2026-01-10T01:00:00Z')).nextOpensAt)).toBe('2028-02-29T00:00:00Z');
    expect(iso(compiled.at(at('2096-03-10T01:00:00Z')).nextOpensAt)).toBe('2104-02-29T00:00:00Z');
  });

  it('gives the same answers after the clock was set back', () => {
    const compiled = windows([weekend]);
    const before = compiled.at(at('2026-01-10T01:00:00Z'));
    compiled.at(at('2027-06-01T00:00:00Z'));
    expect(compiled.at(at('2026-01-10T01:00:00Z'))).toEqual(before);
  });
});

const ZONES = ['UTC', 'Europe/Paris', 'America/New_York', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia', 'Antarctica/Troll', 'Africa/Casablanca']; // prettier-ignore

type Written = { schedule: string; duration: string; timeZone: string };

/** Every fire of the window as an interval of its own: no grouping, no search, nothing remembered. */
function fires(
  window: { schedule: string; duration: string; timeZone: string },
  from: number,
  until: number,
): Interval[] {
  const { firesOn, minutesOfDay } = parseCron(window.schedule);
  const zone = parseZone(window.timeZone);
  const durationMs = Number(window.duration.slice(0, -1)) * 60_000;
  const found: Interval[] = [];
  for (let day = Math.floor(from / DAY_MS) - 11; day <= Math.ceil(until / DAY_MS) + 3; day += 1)
    if (firesOn(day))
      for (const minute of minutesOfDay) {
        const start = zone.firstInstantShowing(day * DAY_MS + minute * 60_000);
        found.push({ start, end: start + durationMs });
      }
  return found;
}

const window = fc.record({
  schedule: fc
    .tuple(
      fc.constantFrom('0', '30', '*/15', '*/7', '5,35', '*'),
      fc.constantFrom('*', '1', '2', '0', '22-23', '*/6', '1-3'),
      fc.constantFrom('*', '*', '*', '1-7', '25', '*/2', '29,30,31'),
      fc.constantFrom('*', '*', '3,4,10,11'),
      fc.constantFrom('*', '*', '6', '0', '1-5'),
    )
    .map((fields) => fields.join(' ')),
  duration: fc.constantFrom(15, 60, 90, 360, 1_440, 1_500, 10_080).map((minutes) => `${minutes}m`),
  timeZone: fc.constantFrom(...ZONES),
});
const fixed = fc
  .tuple(fc.integer({ min: -20, max: 30 * 24 }), fc.integer({ min: 1, max: 100 }))
  .map(([startHour, hours]) => ({ startHour, hours }));
/** Around the changes of clocks, and anywhere. */
const start = fc
  .oneof(
    fc
      .constantFrom(
        '2026-03-05',
        '2026-03-26',
        '2026-10-22',
        '2026-10-29',
        '2026-04-02',
        '2026-10-01',
        '2011-12-28',
        '2026-02-12',
      )
      .map(at),
    fc.integer({ min: at('2020-01-01'), max: at('2035-01-01') }),
  )
  .map((ms) => Math.floor(ms / 60_000) * 60_000);

const covers = (intervals: Interval[], instant: number): boolean =>
  intervals.some(({ start, end }) => start <= instant && instant < end);

/** Intervals that overlap or touch made one: a fire every minute would otherwise be looked at 20,000 times. */
function joined(intervals: Interval[]): Interval[] {
  const result: { start: number; end: number }[] = [];
  for (const { start, end } of intervals.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** What `open` and `blackout` should be, instant by instant, and every instant at which either may change. */
function reference(
  drawn: { maintenance: Written[]; recurring: Written[] },
  blackouts: Interval[],
  from: number,
) {
  const until = from + 10 * DAY_MS;
  const on = joined(drawn.maintenance.flatMap((each) => fires(each, from, until)));
  const off = joined([...drawn.recurring.flatMap((each) => fires(each, from, until)), ...blackouts]);
  const blackout = (instant: number): boolean => covers(off, instant);
  const open = (instant: number): boolean =>
    (drawn.maintenance.length === 0 || covers(on, instant)) && !blackout(instant);
  const boundaries = [...new Set([...on, ...off].flatMap(({ start, end }) => [start, end]))]
    .filter((instant) => instant >= from && instant < until)
    .toSorted((a, b) => a - b);
  return { until, open, blackout, boundaries };
}

describe('windows compared with each fire looked at by itself', () => {
  it('agree on every boundary', () => {
    const spec = fc.record({
      maintenance: fc.array(window, { maxLength: 3 }),
      recurring: fc.array(window, { maxLength: 2 }),
      fixed: fc.array(fixed, { maxLength: 2 }),
      start,
      minutes: fc.array(fc.integer({ min: 0, max: 9 * 1_440 }), { maxLength: 10 }),
    });
    fc.assert(
      fc.property(spec, (drawn) => {
        const from = drawn.start;
        const blackouts = drawn.fixed.map(({ startHour, hours }) => ({
          start: from + startHour * 3_600_000,
          end: from + (startHour + hours) * 3_600_000,
        }));
        const { until, open, blackout, boundaries } = reference(drawn, blackouts, from);
        const compile = (): CompiledWindows =>
          windows(drawn.maintenance, [
            ...drawn.recurring,
            ...blackouts.map(({ start, end }) => ({ from: iso(start) ?? '', until: iso(end) ?? '' })),
          ]);
        const compiled = compile();
        const other = compile();
        const every = Math.ceil(boundaries.length / 12);
        const some = boundaries.filter((_, index) => index % every === 0).flatMap((each) => [each - 1, each]);
        for (const instant of [...drawn.minutes.map((minute) => from + minute * 60_000), ...some]) {
          const verdict = compiled.at(instant);
          expect(verdict.open, iso(instant)).toBe(open(instant));
          expect(verdict.blackout, iso(instant)).toBe(blackout(instant));
          const change = boundaries.find((each) => each > instant && open(each) !== open(instant));
          const next = verdict.open ? verdict.closesAt : verdict.nextOpensAt;
          if (change === undefined) expect(next ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(until);
          else expect(iso(next), iso(instant)).toBe(iso(change));
          const { open: isOpen, name, closesAt, nextOpensAt } = verdict;
          const lastMoment = Math.max(instant, verdict.nextChange - 1);
          expect(other.at(lastMoment)).toMatchObject({ open: isOpen, name, closesAt, nextOpensAt });
        }
        const total = compiled
          .availability(from, until)
          .reduce((sum, { start, end }) => sum + end - start, 0);
        const edges = [from, ...boundaries, until];
        const lengths = edges.slice(1).map((edge, index) => {
          const before = edges[index] ?? from;
          return open(before) ? edge - before : 0;
        });
        expect(total).toBe(lengths.reduce((sum, length) => sum + length, 0));
      }),
      { numRuns: 60 },
    );
  }, 30_000);
});
