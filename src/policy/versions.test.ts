import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, parseExclude, parseRange, VersionRules } from './versions.ts';
import type { VersionVerdict } from './versions.ts';

const judge = (
  spec: { range?: string; exclude?: string[]; hostLock?: 'Pin' | 'Observe' },
  current: string | null,
  ...[available, chosen]: [(string[] | null)?, string?]
): VersionVerdict =>
  new VersionRules({ range: '*', exclude: [], hostLock: 'Pin', ...spec }).judge({
    current,
    available,
    chosen,
  });

describe('the target of a host', () => {
  it.each([
    ['the newest offered', {}, '1.42.0', ['1.44.0', '1.43.0', '1.42.0'], '1.44.0'],
    ['whatever the order', {}, '1.42.0', ['1.43.0', '1.44.0', '1.9.0'], '1.44.0'],
    ['a pin', { range: '1.43.0' }, '1.42.0', ['1.44.0', '1.43.0'], '1.43.0'],
    ['a range', { range: '~1.43.0' }, '1.42.0', ['1.44.0', '1.43.2', '1.43.1'], '1.43.2'],
    ['two ranges', { range: '1.40.x || 1.43.x' }, '1.39.0', ['1.44.0', '1.43.0', '1.40.0'], '1.43.0'],
    ['without excluded ones', { exclude: ['1.44.0'] }, '1.42.0', ['1.44.0', '1.43.0'], '1.43.0'],
    ['excluded with a v', { exclude: ['v1.44.0'] }, '1.42.0', ['1.44.0', '1.43.0'], '1.43.0'],
    ['without the v of the host', {}, 'v1.42.0', ['v1.44.0'], '1.44.0'],
    ['1.9 is older than 1.10', {}, '1.8.0', ['1.9.0', '1.10.0'], '1.10.0'],
    ['no pre-release by *', {}, '1.42.0', ['1.44.0-rc.1', '1.43.0'], '1.43.0'],
    ['a pre-release that is named', { range: '>=1.44.0-rc.1' }, '1.42.0', ['1.44.0-rc.2'], '1.44.0-rc.2'],
    ['from a pre-release to its release', {}, '1.44.0-rc.1', ['1.44.0'], '1.44.0'],
    ['texts that are no versions are passed over', {}, '1.42.0', ['latest', '1.43.0', ''], '1.43.0'],
  ])('%s', (...[, spec, current, available, version]) =>
    expect(judge(spec, current, available)).toEqual({ kind: 'eligible', version }),
  );

  it.each([
    [
      'runs the newest',
      {},
      '1.44.0',
      ['1.44.0', '1.43.0'],
      'Runs 1.44.0; nothing newer is offered and allowed.',
    ],
    ['is offered nothing', {}, '1.44.0', [], 'Runs 1.44.0; nothing newer is offered and allowed.'],
    ['runs its pin', { range: '1.43.0' }, '1.43.0', ['1.44.0'], 'Offered: 1.44.0 is outside range 1.43.0.'],
    [
      'is offered an excluded one',
      { exclude: ['1.44.0'] },
      '1.43.0',
      ['1.44.0'],
      'Offered: 1.44.0 is excluded.',
    ],
  ])('is up to date when it %s', (...[, spec, current, available, message]) =>
    expect(judge(spec, current, available)).toEqual({
      kind: 'upToDate',
      message: expect.stringContaining(message) as string,
    }),
  );

  it.each([
    ['the pin is not offered', { range: '1.44.0' }, '1.43.0', ['1.45.0'], 'Runs 1.43.0, which is outside range 1.44.0. Offered: 1.45.0 is outside range 1.44.0.'],
    ['the pin would be a downgrade', { range: '1.43.0' }, '1.45.0', ['1.46.0', '1.43.0'], 'Runs 1.45.0, which is outside range 1.43.0. Offered: 1.46.0 is outside range 1.43.0. 1.43.0 would be a downgrade.'],
    ['nothing is offered', { range: '>=1.44.0' }, '1.43.0', [], 'Runs 1.43.0, which is outside range >=1.44.0. The host is offered nothing.'],
    ['what runs is excluded', { exclude: ['1.43.0'] }, '1.43.0', ['1.43.0'], 'Runs 1.43.0, which is excluded.'],
    ['a pre-release is not named', { range: '>=1.44.0' }, '1.43.0', ['1.45.0-rc.1'], '1.45.0-rc.1 is a pre-release that range >=1.44.0 does not name'],
    ['the host runs no version', {}, 'unknown', ['1.43.0'], 'The host runs "unknown", which is no version.'],
    ['many are refused', { range: '2.x' }, '1.1.0', ['1.9.0', '1.8.0', '1.7.0', '1.6.0', '1.5.0', '1.4.0', '1.3.0'], '1.5.0 is outside range 2.x and 2 more.'],
  ])('has none and says why when %s', (...[, spec, current, available, message]) =>
    expect(judge(spec, current, available)).toEqual({ kind: 'none', message: expect.stringContaining(message) as string }),
  ); // prettier-ignore

  it('is unknown before the first report', () => {
    expect(judge({}, null, ['1.44.0'])).toEqual({ kind: 'unknown' });
    expect(judge({}, '1.43.0', null)).toEqual({ kind: 'unknown' });
  });

  it.each([
    ['the same', '1.44.0', { kind: 'eligible', version: '1.44.0' }],
    ['the same with a v', 'v1.44.0', { kind: 'eligible', version: '1.44.0' }],
    ['another', '1.45.0', { kind: 'notOffered', target: '1.44.0', message: 'The target is 1.44.0, but the host would choose 1.45.0.' }],
    ['none', undefined, { kind: 'notOffered', target: '1.44.0', message: 'The target is 1.44.0, but the host would choose no version.' }],
  ])('under Observe has to be what the host chooses itself: %s', (...[, chosen, verdict]) =>
    expect(judge({ range: '1.44.x', hostLock: 'Observe' }, '1.43.0', ['1.45.0', '1.44.0'], chosen)).toEqual(verdict),
  ); // prettier-ignore

  it('is offered, in the range, not excluded, newer, and the newest of these', () => {
    const version = fc
      .tuple(fc.integer({ min: 1, max: 2 }), fc.nat(4), fc.nat(2))
      .map((parts) => parts.join('.'));
    const range = fc.constantFrom('*', '1.x', '~1.2', '>=1.2.1 <2.0.0', '2.0.0', '1.1.x || 2.1.x');
    fc.assert(
      fc.property(
        fc.array(version),
        range,
        fc.tuple(version, fc.array(version)),
        (available, text, [current, exclude]) => {
          const verdict = judge({ range: text, exclude }, current, available);
          const allowed = available.filter(
            (each) =>
              parseRange(text).test(each) && !exclude.includes(each) && compareVersions(each, current) > 0,
          );
          const newest = allowed.toSorted(compareVersions).at(-1);
          if (newest === undefined) expect(verdict.kind).toMatch(/upToDate|none/);
          else expect(verdict).toEqual({ kind: 'eligible', version: newest });
        },
      ),
    );
  });
});

describe('texts about versions', () => {
  it.each(['latest', '1.44.0 to 1.45.0', '>=', 'v', '1.44.0.1'])('%j is no range', (text) =>
    expect(() => parseRange(text)).toThrow(`"${text}" is not a version range`),
  );
  it.each(['', '  '])('%j is no range, because it is empty', (text) =>
    expect(() => parseRange(text)).toThrow('it is empty'),
  );
  it.each(['1.44', '1.x', '>1.44.0', 'latest', ''])('%j is no exact version', (text) =>
    expect(() => parseExclude(text)).toThrow(`"${text}" is not an exact version: write one like 1.44.0`),
  );
  it('sorts versions, what is none first', () =>
    expect(['1.10.0', 'x', '1.9.0', 'a', '1.10.0-rc.1'].toSorted(compareVersions)).toEqual(['a', 'x', '1.9.0', '1.10.0-rc.1', '1.10.0'])); // prettier-ignore
});
