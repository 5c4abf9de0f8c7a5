import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  actorEvent,
  EVENT_KINDS,
  nodeEvent,
  SPAN_KINDS,
  type EventKind,
  type TimelineEvent,
} from './events.ts';
import { buildTimeline, timeIn, type TimelineLane } from './timeline.ts';

/** An event of `node-1` this many milliseconds after the start. */
const at = (atMs: number, kind: EventKind, text = ''): TimelineEvent =>
  nodeEvent('node-1', { atMs, kind, text });

/** `draining 3-9`, in the order of their beginning. */
const spans = (lane: TimelineLane | undefined): string[] =>
  (lane?.spans ?? []).map(({ kind, startMs, endMs }) => `${kind} ${startMs}-${endMs ?? ''}`);

const only = (...events: TimelineEvent[]): string[] => spans(buildTimeline(events).lanes[0]);

describe('the lane of a node', () => {
  test('tells an update from its start to its end', () => {
    expect(
      only(
        at(0, 'started'),
        at(3, 'cordoned'),
        at(4, 'drainStarted'),
        at(9, 'drained'),
        at(10, 'rebootRequested'),
        at(11, 'notReady'),
        at(12, 'down'),
        at(14, 'up'),
        at(20, 'ready'),
        at(20, 'bootReported'),
        at(21, 'uncordoned'),
        at(25, 'updated'),
      ),
    ).toEqual([
      'preparing 0-4',
      'cordoned 3-21',
      'draining 4-9',
      'shuttingDown 10-12',
      'notReady 11-20',
      'off 12-14',
      'starting 14-20',
      'verifying 20-25',
    ]);
  });

  test('shows how long a drain was held', () => {
    expect(
      only(at(0, 'drainStarted'), at(2, 'drainHeld'), at(7, 'drainContinued'), at(8, 'drained')),
    ).toEqual(['draining 0-2', 'held 2-7', 'draining 7-8']);
  });

  test('leaves open what has not ended', () => {
    expect(only(at(0, 'cordoned'), at(5, 'note'))).toEqual(['cordoned 0-']);
  });

  test('keeps a span that is told of twice', () => {
    expect(only(at(0, 'drainStarted'), at(3, 'drainStarted'), at(4, 'drained'))).toEqual(['draining 0-4']);
  });

  test('does not start a node that nobody told to reboot', () => {
    expect(only(at(0, 'notReady'), at(4, 'booted'), at(5, 'ready'))).toEqual(['notReady 0-5']);
  });

  test('is in the order of time, whatever the order of telling', () => {
    expect(only(at(9, 'drained'), at(4, 'drainStarted'))).toEqual(['draining 4-9']);
  });
});

const node = (name: string): TimelineEvent => nodeEvent(name, { atMs: 0, kind: 'note', text: '' });
const actor = (name: string): TimelineEvent => actorEvent(name, { atMs: 1, kind: 'note', text: '' });

describe('a timeline', () => {
  test('has actors as they came, then nodes as people count them', () => {
    const { lanes } = buildTimeline([node('node-10'), node('node-2'), actor('window'), actor('client')]);
    expect(lanes.map(({ name }) => name)).toEqual(['window', 'client', 'node-2', 'node-10']);
  });

  test('spans its events, or what it is told', () => {
    expect(buildTimeline([at(5, 'note'), at(9, 'note')])).toMatchObject({ startMs: 5, endMs: 9 });
    expect(buildTimeline([at(5, 'note')], { startMs: 0, endMs: 20 })).toMatchObject({
      startMs: 0,
      endMs: 20,
    });
    expect(buildTimeline([])).toEqual({ startMs: 0, endMs: 0, lanes: [] });
  });

  test('adds up the time in a kind of span, to its end where it is open', () => {
    const timeline = buildTimeline([at(0, 'cordoned'), at(3, 'uncordoned'), at(5, 'cordoned')], { endMs: 9 });
    expect(timeIn(timeline.lanes[0]!, 'cordoned', timeline)).toBe(7);
  });

  const kinds = Object.keys(EVENT_KINDS) as EventKind[];
  test('never has two spans of one track at once, and loses no mark', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ atMs: fc.nat(500), kind: fc.constantFrom(...kinds) }), { maxLength: 40 }),
        (drawn) => {
          const timeline = buildTimeline(drawn.map(({ atMs, kind }) => at(atMs, kind)));
          const lane = timeline.lanes[0];
          expect(lane?.marks.length ?? 0).toBe(drawn.length);
          for (const track of new Set(Object.values(SPAN_KINDS).map((kind) => kind.track))) {
            const mine = (lane?.spans ?? []).filter(({ kind }) => SPAN_KINDS[kind].track === track);
            for (const [index, span] of mine.entries()) {
              const end = span.endMs ?? Infinity;
              expect(end).toBeGreaterThanOrEqual(span.startMs);
              expect(mine[index + 1]?.startMs ?? Infinity).toBeGreaterThanOrEqual(end);
            }
          }
        },
      ),
    );
  });
});
