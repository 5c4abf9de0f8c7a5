import { describe, expect, it } from 'vitest';
import type { UpdatePolicySpec } from '../../api/v1/updatepolicy.ts';
import { withDefaults } from '../../policy/effective.ts';
import { backoffMs, livenessBoundMs, roundsOf, settleMs } from './liveness.ts';
import type { WaitingNode } from './liveness.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Monday. */
const NOW = Date.parse('2026-01-12T00:00:00Z');

const fleet = (count: number, node: Partial<WaitingNode> = {}): WaitingNode[] =>
  Array.from({ length: count }, (_, index) => ({ labels: { zone: `z${index % 3}` }, badEnds: 0, ...node }));
const daily = (duration: string) => [{ schedule: '0 1 * * *', duration }];
const bound = (spec: UpdatePolicySpec, nodes = fleet(6)): number =>
  livenessBoundMs({ now: NOW, policy: { spec }, nodes });

describe('the number of rounds', () => {
  it.each<[string, UpdatePolicySpec, number]>([
    ['one at a time', {}, 6],
    ['two at a time', { maxConcurrentUpdates: 2 }, 3],
    ['four at a time', { maxConcurrentUpdates: 4 }, 2],
    ['all at once', { maxConcurrentUpdates: '100%' }, 1],
    ['a share of them', { maxConcurrentUpdates: '50%' }, 2],
    ['fewer that may be away', { maxConcurrentUpdates: 6, maxUnavailable: 1 }, 6],
    ['one of a zone, and zone after zone', { maxConcurrentUpdates: 6, topology: { key: 'zone' } }, 1 + 6],
    [
      'three of a zone',
      { maxConcurrentUpdates: 6, topology: { key: 'zone', maxConcurrentUpdates: 3 } },
      1 + 3,
    ],
    ['none', { maxConcurrentUpdates: 0 }, Number.POSITIVE_INFINITY],
  ])('%s', (_name, spec, expected) => expect(roundsOf(withDefaults(spec), fleet(6))).toBe(expected));

  it('is none without nodes', () => expect(roundsOf(withDefaults({}), [])).toBe(0));
});

describe('what a node has to sit out', () => {
  it.each([
    [0, undefined, 10],
    [1, undefined, 20],
    [3, undefined, 80],
    [30, undefined, 360],
    [1, NOW + 7 * MINUTE, 27],
    [1, NOW - 7 * MINUTE, 20],
  ])('after %i bad ends, back-off until %s: %i minutes', (badEnds, backoffUntilMs, expected) => {
    expect(backoffMs({ labels: {}, badEnds, backoffUntilMs }, NOW)).toBe(expected * MINUTE);
  });
});

describe('an attempt under way', () => {
  it('ends within all of its timeouts, and as long as staging again to be put back', () => {
    const spec = {
      timeouts: { stage: '1h', reboot: '2h', verify: '3h' },
      drain: { timeout: '4h' },
      interval: '5h',
    };
    expect(settleMs(withDefaults(spec))).toBe(16 * HOUR + 16 * MINUTE);
  });
});

describe('the bound', () => {
  const always = bound({});

  it('grows with timeouts, intervals, back-off, nodes and waves', () => {
    expect(bound({ timeouts: { verify: '1h' } })).toBe(always + 7 * 45 * MINUTE);
    expect(bound({ interval: '1h' })).toBe(always + 7 * HOUR);
    expect(bound({ health: { stableFor: '12m' } })).toBe(always + 6 * 10 * MINUTE);
    expect(bound({}, fleet(6, { badEnds: 2 }))).toBe(always + 30 * MINUTE);
    expect(bound({}, fleet(7))).toBeGreaterThan(always);
    const late = livenessBoundMs({
      now: NOW,
      policy: { spec: {} },
      nodes: fleet(6),
      offeredFromMs: NOW + 9 * DAY,
    });
    expect(late).toBeGreaterThan(9 * DAY);
  });

  it('is a matter of hours where nothing is limited', () => {
    expect(always).toBeLessThan(DAY);
    expect(bound({ maxConcurrentUpdates: '100%' })).toBeLessThan(10 * HOUR);
  });

  it('waits for windows: in each as many rounds as fit', () => {
    // The first one that can be used opens the day after; one round fits into each.
    expect(bound({ maintenanceWindows: daily('30m') }, fleet(3))).toBeGreaterThan(2 * DAY);
    expect(bound({ maintenanceWindows: daily('30m') }, fleet(3))).toBeLessThan(5 * DAY);
    expect(bound({ maintenanceWindows: daily('12h') }, fleet(3))).toBeLessThan(2 * DAY);
  });

  it('counts no window that is too short to start in', () => {
    const maintenanceWindows = [{ schedule: '0 1 * * *', duration: '30m' }];
    expect(bound({ maintenanceWindows, minRemaining: '1h' })).toBe(60 * DAY);
  });

  it('has an end even where nothing ever starts', () => {
    expect(bound({ maxConcurrentUpdates: 0 })).toBe(60 * DAY);
    expect(
      bound({
        maintenanceWindows: [{ schedule: '0 1 29 2 1', duration: '1h' }],
        blackoutWindows: [{ from: '2026-01-01T00:00:00Z', until: '2036-01-01T00:00:00Z' }],
      }),
    ).toBe(60 * DAY);
  });
});
