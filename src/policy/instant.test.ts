import { describe, expect, it } from 'vitest';
import { parseInstant } from './instant.ts';

describe('instants', () => {
  it.each([
    ['2026-12-24T18:00:00Z', 1_798_135_200_000],
    ['2026-12-24T18:00:00+01:00', 1_798_131_600_000],
    ['2026-12-24T18:00:00.250Z', 1_798_135_200_250],
    ['2026-12-24t18:00:00z', 1_798_135_200_000],
    ['2028-02-29T00:00:00Z', 1_835_395_200_000],
  ])('%s', (text, ms) => expect(parseInstant(text)).toBe(ms));

  it.each([
    '2026-12-24T18:00:00',
    '2026-12-24',
    '2026-12-24 18:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-12-24T24:00:00Z',
    '2026-12-24T18:00Z',
    'tomorrow',
    '',
    '1767225600',
  ])('%j is refused, with an example', (text) =>
    expect(() => parseInstant(text)).toThrow(/is not an RFC 3339 time: write it like 2026-12-24T18:00:00Z/),
  );
});
