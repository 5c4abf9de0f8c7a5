import { describe, expect, test } from 'vitest';
import { rolloutCosts } from './costs.ts';
import { nodeEvent, type EventKind } from './events.ts';
import { buildTimeline } from './timeline.ts';

type Step = readonly [atS: number, kind: EventKind];

const story = (node: string, steps: readonly Step[]) =>
  steps.map(([atS, kind]) => nodeEvent(node, { atMs: atS * 1_000, kind, text: '' }));

const SUCCESS: readonly Step[] = [
  [1, 'started'],
  [4, 'drainStarted'],
  [5, 'podEvicted'],
  [7, 'podGone'],
  [8, 'podGone'],
  [9, 'drained'],
  [10, 'rebootRequested'],
  [16, 'booted'],
  [20, 'updated'],
];
const later = (steps: readonly Step[], byS: number): Step[] => steps.map(([atS, kind]) => [atS + byS, kind]);

describe('where the time went', () => {
  test('of nodes one after the other', () => {
    const timeline = buildTimeline([...story('a', SUCCESS), ...story('b', later(SUCCESS, 20))]);
    expect(rolloutCosts(timeline, 0)).toEqual({
      totalMs: 20_000,
      leavingMs: 4_000,
      rebootMs: 6_000,
      restMs: 10_000,
    });
  });

  test('attempts that failed are part of the rest', () => {
    const failed: Step[] = [
      [0, 'started'],
      [5, 'failed'],
      [5, 'finished'],
    ];
    const timeline = buildTimeline([...story('a', failed), ...story('a', later(SUCCESS, 10))]);
    expect(rolloutCosts(timeline, 0)).toMatchObject({ totalMs: 30_000, restMs: 20_000 });
  });

  test('nothing to move, nothing to wait for', () => {
    const empty = SUCCESS.filter(([, kind]) => kind !== 'podGone' && kind !== 'podEvicted');
    expect(rolloutCosts(buildTimeline(story('a', empty)), 0)).toMatchObject({ leavingMs: 0 });
  });

  test('of nothing', () => {
    expect(rolloutCosts(buildTimeline([]), 0)).toMatchObject({ totalMs: 0, restMs: 0 });
  });
});
