import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareResourceVersions } from './resourceversion.ts';

test('versions compare as the numbers they are, however long', () => {
  const version = fc.bigInt({ min: 0n, max: 10n ** 30n });
  fc.assert(
    fc.property(version, version, (a, b) => {
      const expected = a === b ? 0 : a < b ? -1 : 1;
      expect(Math.sign(compareResourceVersions(String(a), String(b)))).toBe(expected);
    }),
  );
});

test.each(['', '01', '1a', '-1', ' 1'])('%j is no resource version', (text) => {
  expect(() => compareResourceVersions(text, '1')).toThrow(TypeError);
  expect(() => compareResourceVersions('1', text)).toThrow(TypeError);
});
