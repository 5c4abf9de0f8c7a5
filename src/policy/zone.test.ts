import * as fc from 'fast-check';
import { DateTime, IANAZone } from 'luxon';
import { describe, expect, it } from 'vitest';
import { parseZone } from './zone.ts';

const wallMs = (text: string): number => DateTime.fromISO(text, { zone: 'utc' }).toMillis();
const opens = (zone: string, wall: string): string =>
  DateTime.fromMillis(parseZone(zone).firstInstantShowing(wallMs(wall)), { zone: 'utc' }).toISO({
    suppressMilliseconds: true,
  }) ?? '';

const ZONES = [
  'UTC', 'Europe/Paris', 'Europe/London', 'America/New_York', 'America/Sao_Paulo', 'America/St_Johns', 'America/Santiago',
  'America/Havana', 'Asia/Kolkata', 'Asia/Kathmandu', 'Asia/Tehran', 'Asia/Beirut', 'Asia/Amman', 'Africa/Cairo', 'Africa/Casablanca',
  'Australia/Lord_Howe', 'Australia/Adelaide', 'Pacific/Apia', 'Pacific/Chatham', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Antarctica/Troll',
]; // prettier-ignore

describe('from the wall clock to instants', () => {
  it.each([
    ['an ordinary time', 'Europe/Paris', '2026-01-10T01:00', '2026-01-10T00:00:00Z'],
    ['a time in summer', 'Europe/Paris', '2026-07-10T01:00', '2026-07-09T23:00:00Z'],
    [
      'inside the spring gap: the first instant after it',
      'Europe/Paris',
      '2026-03-29T02:30',
      '2026-03-29T01:00:00Z',
    ],
    ['the last minute before the gap', 'Europe/Paris', '2026-03-29T01:59', '2026-03-29T00:59:00Z'],
    ['the first minute after the gap', 'Europe/Paris', '2026-03-29T03:00', '2026-03-29T01:00:00Z'],
    [
      'in the repeated hour: its first occurrence',
      'Europe/Paris',
      '2026-10-25T02:30',
      '2026-10-25T00:30:00Z',
    ],
    ['after the repeated hour', 'Europe/Paris', '2026-10-25T03:00', '2026-10-25T02:00:00Z'],
    ['New York, gap', 'America/New_York', '2026-03-08T02:15', '2026-03-08T07:00:00Z'],
    ['New York, repeated', 'America/New_York', '2026-11-01T01:15', '2026-11-01T05:15:00Z'],
    ['a gap at midnight', 'America/Havana', '2026-03-08T00:00', '2026-03-08T05:00:00Z'],
    ['a gap at midnight, inside', 'America/Sao_Paulo', '2018-11-04T00:30', '2018-11-04T03:00:00Z'],
    ['a gap of half an hour', 'Australia/Lord_Howe', '2026-10-04T02:15', '2026-10-03T15:30:00Z'],
    ['half an hour repeated', 'Australia/Lord_Howe', '2026-04-05T01:45', '2026-04-04T14:45:00Z'],
    ['half an hour repeated, after it', 'Australia/Lord_Howe', '2026-04-05T02:00', '2026-04-04T15:30:00Z'],
    ['an offset of 45 minutes', 'Asia/Kathmandu', '2026-05-01T06:00', '2026-05-01T00:15:00Z'],
    ['a gap of two hours', 'Antarctica/Troll', '2026-03-29T01:30', '2026-03-29T01:00:00Z'],
    ['the day that Samoa left out', 'Pacific/Apia', '2011-12-30T12:00', '2011-12-30T10:00:00Z'],
    ['the day after it', 'Pacific/Apia', '2011-12-31T00:00', '2011-12-30T10:00:00Z'],
    ['the evening before it', 'Pacific/Apia', '2011-12-29T23:59', '2011-12-30T09:59:00Z'],
  ])('%s (%s %s)', (...[, zone, wall, instant]) => expect(opens(zone, wall)).toBe(instant));

  const instant = fc.integer({ min: wallMs('2009-01-01'), max: wallMs('2037-12-01') });

  it('gives the first instant at which the wall clock shows the time or later', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instant, (name, at) => {
        const wall = Math.floor(at / 60_000) * 60_000;
        const iana = IANAZone.create(name);
        const shown = (ms: number): number => ms + iana.offset(ms) * 60_000;
        const found = parseZone(name).firstInstantShowing(wall);
        expect(shown(found)).toBeGreaterThanOrEqual(wall);
        for (let before = 1; before <= 30 * 60; before += 1)
          if (shown(found - before * 60_000) >= wall)
            expect.fail(`${before} minutes earlier it is shown already`);
        expect(shown(found - 1)).toBeLessThan(wall);
      }),
      { numRuns: 60 },
    );
  });

  it('knows the offset at every instant, near changes too', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instant, (name, at) => {
        const zone = parseZone(name);
        expect(zone.offsetAt(at)).toBe(IANAZone.create(name).offset(at) * 60_000);
        const change = zone.firstInstantShowing(at);
        for (const near of [change - 1, change, change + 1])
          expect(zone.offsetAt(near)).toBe(IANAZone.create(name).offset(near) * 60_000);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the order of wall-clock times', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        instant,
        fc.integer({ min: 0, max: 200_000_000 }),
        (name, at, later) => {
          const zone = parseZone(name);
          expect(zone.firstInstantShowing(at + later)).toBeGreaterThanOrEqual(zone.firstInstantShowing(at));
        },
      ),
    );
  });
});

describe('time zone names', () => {
  it.each(['Europe/Pariss', 'Mars/Olympus', '', '+02:00', '-05:00', 'Local', ' UTC', 'Europe/'])(
    '%j is refused',
    (name) =>
      expect(() => parseZone(name)).toThrow(
        `"${name}" is not the name of a time zone: use one of the IANA database, such as Europe/Paris or UTC`,
      ),
  );

  it.each([
    ['UTC', 'UTC'],
    ['Europe/Paris', 'CET'],
    ['America/New_York', 'EST'],
    ['Australia/Sydney', 'AEDT'],
    ['Asia/Kolkata', 'IST'],
    ['Asia/Tokyo', 'GMT+9'],
  ])('%s is called %s in January', (name, expected) =>
    expect(parseZone(name).abbreviation(wallMs('2026-01-10'))).toBe(expected),
  );

  it.each([
    ['Europe/Paris', '2026-01-10T00:00:00Z', 'Sat 2026-01-10 01:00'],
    ['Asia/Kathmandu', '2026-12-31T18:20:59Z', 'Fri 2027-01-01 00:05'],
    ['America/New_York', '2028-03-01T04:59:59Z', 'Tue 2028-02-29 23:59'],
    ['UTC', '1969-12-31T23:59:00Z', 'Wed 1969-12-31 23:59'],
  ])('in %s the wall clock shows %s as %s', (zone, instant, text) => {
    expect(parseZone(zone).wallClock(wallMs(instant), true)).toBe(text);
    expect(parseZone(zone).wallClock(wallMs(instant), false)).toBe(text.replace(/ \d{4}-\d\d-\d\d/, ''));
  });
});
