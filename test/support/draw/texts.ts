/** Texts of the kinds that people and hosts write: good ones, nearly good ones, and noise. */
import * as fc from 'fast-check';

export type Texts = fc.Arbitrary<string>;

const some = (...values: string[]): Texts => fc.constantFrom(...values);

export const durations = some(
  '0s',
  '1s',
  '10s',
  '90s',
  '2m',
  '15m',
  '16m',
  '1h30m',
  '1.5h',
  '6h',
  '24h',
  '72h',
  '168h',
  '999999h',
  '500ms',
  '1h1h',
);
export const schedules = some(
  '0 1 * * 6',
  '*/15 * * * *',
  '0 0 29 2 *',
  '0 0 31 2 *',
  '0 2 * * SUN',
  '30 2 1-7 * MON-FRI',
  '0 22 * 12 1,3,5',
  '5/20 1-3 */2 JAN-MAR 7',
  '0  1 *  * 6',
  '* * * * *',
);
export const zones = some(
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'Mars/Olympus',
);
export const versions = some(
  '1.40.0',
  '1.41.1',
  '1.44.0',
  'v1.44.0',
  '1.45.0-rc.1',
  '2.0.0',
  '1.44',
  '01.2.3',
);
export const ranges = some(
  '*',
  '1.44.0',
  '1.x',
  '>=1.40.0 <2.0.0',
  '^1.40',
  '1.40 - 1.44',
  '>2 <1',
  'x || 1',
  '>=1.45.0-0',
);
export const instants = some(
  '2026-01-01T00:00:00Z',
  '2026-03-29T02:30:00+01:00',
  '2026-12-24T18:00:00.5Z',
  '2027-01-01t00:00:00z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '2026-02-30T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01',
);
export const labelKeys = some(
  'a',
  'b',
  'role',
  'topology.kubernetes.io/zone',
  'brupop.test/k',
  '-a',
  'a b',
  'x/',
  'X.y/a',
);
export const labelValues = some('1', '2', '', 'blue', 'a.b_c-d', 'b c', '-x', 'x'.repeat(63), 'x'.repeat(64));
export const percentages = some('0%', '10%', '100%', '101%', '05%', '5', '10 %');
/** Names that JavaScript gives a meaning to. */
export const traps = some(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'valueOf',
  'then',
);

/** Anything at all: unpaired surrogates, control characters, what looks like a number. */
export const noise: Texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 24 }),
  fc.string({ maxLength: 40 }),
  some(
    '',
    ' ',
    '\n',
    '\0',
    '-',
    '.',
    '/',
    '{}',
    '[]',
    'null',
    'true',
    '-1',
    '1e999',
    'NaN',
    '٣',
    '𝟙h',
    '\ud800',
  ),
  traps,
);

/** A good text of any kind. */
export const good: Texts = fc.oneof(
  durations,
  schedules,
  zones,
  versions,
  ranges,
  instants,
  labelKeys,
  labelValues,
  percentages,
);

const damage = (text: string, { at, with: piece }: { at: number; with: string }): string => {
  const place = text.length === 0 ? 0 : at % text.length;
  return text.slice(0, place) + piece + text.slice(place + (at % 2));
};

/** Something like `texts`: as it is, or with a few characters changed, put in or left out. */
export const nearly = (texts: Texts): Texts =>
  fc.oneof(
    { weight: 3, arbitrary: texts },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          texts,
          fc.array(fc.record({ at: fc.nat(64), with: fc.string({ unit: 'binary', maxLength: 2 }) }), {
            minLength: 1,
            maxLength: 3,
          }),
        )
        .map(([text, damages]) => damages.reduce(damage, text)),
    },
    { weight: 1, arbitrary: noise },
  );

/** Longer than any bound. */
export const long: Texts = fc
  .tuple(fc.oneof(good, noise), fc.integer({ min: 100, max: 2_000 }))
  .map(([text, times]) => text.repeat(times));
