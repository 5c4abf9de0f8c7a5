import { describe, expect, test } from 'vitest';
import {
  attemptsOf,
  disorder,
  leftCordoned,
  leftInFlight,
  mostAtOnce,
  mostInFlight,
  orderOf,
  seenBetween,
  wrongReboots,
} from './attempts.ts';
import { nodeEvent, type EventKind } from './events.ts';
import { buildTimeline, type Timeline } from './timeline.ts';

const STEPS = [
  'started',
  'cordoned',
  'drained',
  'rebootRequested',
  'booted',
  'uncordoned',
  'updated',
] as const;

/** These events of a node, a second apart. */
const story = (node: string, startS: number, kinds: readonly EventKind[] = STEPS) =>
  kinds.map((kind, index) =>
    nodeEvent(node, {
      atMs: (startS + index) * 1_000,
      kind,
      text: kind === 'started' ? 'attempt 1 to 1.43.0' : '',
    }),
  );

const timeline = (...stories: ReturnType<typeof story>[]): Timeline => buildTimeline(stories.flat());

describe('attempts', () => {
  test('begin with their start and end with success', () => {
    const [one, ...others] = attemptsOf(timeline(story('a', 0)));
    expect(one).toMatchObject({ node: 'a', startMs: 0, endMs: 6_000 });
    expect(one?.marks.map(({ kind }) => kind)).toEqual(STEPS);
    expect(others).toEqual([]);
  });

  test('that are put back last until the host is as before', () => {
    const put = timeline(story('a', 0, ['started', 'cordoned', 'putBack', 'uncordoned', 'finished']));
    expect(attemptsOf(put)).toMatchObject([{ endMs: 4_000 }]);
    expect(leftInFlight(put)).toEqual([]);
  });

  test('that are not over are named', () => {
    expect(leftInFlight(timeline(story('a', 0, ['started'])))).toEqual([
      'a, attempt 1 to 1.43.0, is not over',
    ]);
  });
});

describe('how many at once', () => {
  test.each([
    ['one after the other', [0, 6, 20], 1],
    ['two that overlap', [0, 5, 20], 2],
    ['all together', [0, 1, 2], 3],
  ])('%s', (_, starts, most) => {
    const all = timeline(...starts.map((start, index) => story(`n${index}`, start)));
    expect(mostInFlight(all)).toBe(most);
  });

  test('also for a kind of span, one that is open included', () => {
    const all = timeline(story('a', 0), story('b', 1, ['cordoned']), story('c', 9, ['note']));
    expect(mostAtOnce(all, 'cordoned')).toBe(2);
    expect(mostAtOnce(all, 'notReady')).toBe(0);
  });
});

describe('the order of steps', () => {
  test('is kept by an update, and by one that was broken off', () => {
    expect(disorder(timeline(story('a', 0), story('b', 0, ['started', 'cordoned', 'finished'])))).toEqual([]);
  });

  test.each<[EventKind[], string]>([
    [['started', 'drained', 'cordoned'], 'drained without cordoned before'],
    [['started', 'drained'], 'cordoned never happened'],
    [['started', 'cordoned', 'rebootRequested'], 'drained never happened'],
    [['started', 'cordoned', 'rebootRequested', 'drained'], 'reboot requested without drained before'],
  ])('%j is not', (kinds, complaint) => {
    expect(disorder(timeline(story('a', 0, kinds)))).toContain(`a, attempt 1 to 1.43.0: ${complaint}`);
  });
});

describe('reboots', () => {
  test('are one for an update', () => expect(wrongReboots(timeline(story('a', 0)))).toEqual([]));

  test.each<[string, EventKind[], string]>([
    ['none', ['started', 'updated'], 'a, attempt 1 to 1.43.0: 0 reboots requested'],
    [
      'a second request',
      ['started', 'rebootRequested', 'rebootRequested', 'updated'],
      'a, attempt 1 to 1.43.0: 2 reboots requested',
    ],
    [
      'a boot that nobody asked for',
      ['started', 'rebootRequested', 'booted', 'updated', 'booted'],
      'a: 2 boots for 1 reasons',
    ],
  ])('%s', (_, kinds, complaint) =>
    expect(wrongReboots(timeline(story('a', 0, kinds)))).toEqual([complaint]),
  );

  test('after a power cut are nobody’s fault', () => {
    const cut = story('a', 0, ['started', 'killed', 'booted', 'rebootRequested', 'booted', 'updated']);
    expect(wrongReboots(timeline(cut))).toEqual([]);
  });

  test('into the new version may be those of a power cut: nothing else is needed then', () => {
    const armed = timeline(story('a', 0, ['started', 'killed', 'booted', 'drained', 'updated']));
    expect([...wrongReboots(armed), ...disorder(armed)]).toEqual([]);
    const early = timeline(story('a', 0, ['started', 'killed', 'drained', 'cordoned', 'updated']));
    expect(disorder(early)).toEqual(['a, attempt 1 to 1.43.0: drained without cordoned before']);
  });
});

describe('what is left, what was seen, in which order', () => {
  const all = timeline(story('b', 0), story('a', 10), story('c', 20, ['cordoned']));

  test('cordons', () => expect(leftCordoned(all)).toEqual(['c is still cordoned']));

  test('events between two instants', () => {
    expect(seenBetween(all, ['started'], { fromMs: 5_000 })).toEqual(['a: attempt started at 0:10.0']);
    expect(seenBetween(all, ['started', 'cordoned'], { fromMs: 0, toMs: 9_000 })).toEqual([
      'b: cordoned at 0:01.0',
    ]);
  });

  test('nodes by their first event of a kind', () =>
    expect(orderOf(all, 'cordoned')).toEqual(['b', 'a', 'c']));
});
