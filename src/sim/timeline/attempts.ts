/** Attempts read off a timeline, and what may be said of all of them: each check lists what is wrong. */
import { formatPreciseOffset } from './elapsed.ts';
import { EVENT_KINDS, type EventKind, type SpanKind } from './events.ts';
import { spanEnd, type Mark, type Timeline, type TimelineLane } from './timeline.ts';

/** What happened to one node from the start of an attempt until it was over. */
export interface Attempt {
  node: string;
  startMs: number;
  /** Undefined: not over when the timeline ends. */
  endMs?: number;
  /** `attempt 2 to 1.43.0`. */
  text: string;
  /** From the start to the end, in order. */
  marks: Mark[];
}

/** Of these the first ends an attempt; one that is put back goes on until the host has undone everything. */
const ENDS: readonly EventKind[] = ['updated', 'finished', 'removed'];

/** The steps of an attempt, each of which has to follow the one before. */
const ORDER: readonly EventKind[] = ['started', 'cordoned', 'drained', 'rebootRequested', 'updated'];

function attemptsOfLane(lane: TimelineLane): Attempt[] {
  const attempts: Attempt[] = [];
  let open: Attempt | undefined;
  for (const mark of lane.marks) {
    if (mark.kind === 'started') {
      open = { node: lane.name, startMs: mark.atMs, text: mark.text, marks: [] };
      attempts.push(open);
    }
    open?.marks.push(mark);
    if (open === undefined || !ENDS.includes(mark.kind)) continue;
    open.endMs = mark.atMs;
    open = undefined;
  }
  return attempts;
}

const nodesOf = ({ lanes }: Timeline): TimelineLane[] => lanes.filter(({ kind }) => kind === 'node');

/** Every attempt, in the order of their starts. */
export const attemptsOf = (timeline: Timeline): Attempt[] =>
  nodesOf(timeline)
    .flatMap(attemptsOfLane)
    .toSorted((a, b) => a.startMs - b.startMs);

/** Most of these stretches of time that overlap at one moment. Where one ends as another begins they do not. */
function mostOverlapping(stretches: readonly { startMs: number; endMs: number }[]): number {
  const turns = stretches
    .filter(({ startMs, endMs }) => endMs > startMs)
    .flatMap(({ startMs, endMs }) => [
      { atMs: startMs, change: 1 },
      { atMs: endMs, change: -1 },
    ])
    .toSorted((a, b) => a.atMs - b.atMs || a.change - b.change);
  let now = 0;
  let most = 0;
  for (const { change } of turns) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

/** Most nodes with an attempt under way at one moment. */
export const mostInFlight = (timeline: Timeline): number =>
  mostOverlapping(
    attemptsOf(timeline).map(({ startMs, endMs }) => ({ startMs, endMs: endMs ?? timeline.endMs })),
  );

/** Most nodes in such a span at one moment. */
export const mostAtOnce = (timeline: Timeline, kind: SpanKind): number =>
  mostOverlapping(
    nodesOf(timeline).flatMap(({ spans }) =>
      spans
        .filter((span) => span.kind === kind)
        .map((span) => ({ startMs: span.startMs, endMs: spanEnd(span, timeline) })),
    ),
  );

const count = (marks: readonly Mark[], kind: EventKind): number =>
  marks.filter((mark) => mark.kind === kind).length;

const isBefore = (one: Mark | undefined, other: Mark | undefined): boolean =>
  one !== undefined && other !== undefined && one.atMs <= other.atMs;

/** What an attempt may leave out whose host has booted by itself. */
const SKIPPED: readonly EventKind[] = ['cordoned', 'drained', 'rebootRequested'];

/** Steps of an attempt that were left out or taken too early; what came after the last step it took is not missed. */
function disorderOf({ node, text, marks }: Attempt): string[] {
  // A host that was armed when its power was cut boots into the new version, and what was to come before is not needed.
  const cut = count(marks, 'killed') > 0;
  const order = ORDER.filter((kind) => !cut || !SKIPPED.includes(kind) || count(marks, kind) > 0);
  const taken = order.map((kind) => marks.find((mark) => mark.kind === kind));
  const last = taken.findLastIndex((mark) => mark !== undefined);
  return order.slice(1, last + 1).flatMap((kind, index) => {
    const [earlier, later] = [taken[index], taken[index + 1]];
    const before = EVENT_KINDS[order[index] ?? kind].label.toLowerCase();
    if (isBefore(earlier, later)) return [];
    const what = EVENT_KINDS[kind].label.toLowerCase();
    return [
      `${node}, ${text}: ${what} ${later === undefined ? 'never happened' : `without ${before} before`}`,
    ];
  });
}

/** Attempts whose steps were not in their order: started, cordoned, drained, reboot requested, updated. */
export const disorder = (timeline: Timeline): string[] => attemptsOf(timeline).flatMap(disorderOf);

/**
 * Reboots that should not have been, or are missing: an attempt requests at most one, one that succeeded exactly one
 * unless the node's power was cut meanwhile, and a node boots once for each request and each time somebody cut its power (an event `killed` of the node).
 */
export function wrongReboots(timeline: Timeline): string[] {
  const attempts = attemptsOf(timeline).flatMap(({ node, text, marks }) => {
    const requested = count(marks, 'rebootRequested');
    const least = count(marks, 'updated') - count(marks, 'killed');
    return requested > 1 || requested < least ? [`${node}, ${text}: ${requested} reboots requested`] : [];
  });
  const nodes = nodesOf(timeline).flatMap(({ name, marks }) => {
    const booted = count(marks, 'booted');
    const expected = count(marks, 'rebootRequested') + count(marks, 'killed');
    return booted > expected ? [`${name}: ${booted} boots for ${expected} reasons`] : [];
  });
  return [...attempts, ...nodes];
}

/** Nodes that are still cordoned at the end. */
export const leftCordoned = (timeline: Timeline): string[] =>
  nodesOf(timeline)
    .filter(({ spans }) => spans.some(({ kind, endMs }) => kind === 'cordoned' && endMs === undefined))
    .map(({ name }) => `${name} is still cordoned`);

/** Attempts that are not over at the end. */
export const leftInFlight = (timeline: Timeline): string[] =>
  attemptsOf(timeline)
    .filter(({ endMs }) => endMs === undefined)
    .map(({ node, text }) => `${node}, ${text}, is not over`);

/** Events of these kinds on nodes between two instants, as sentences. */
export const seenBetween = (
  timeline: Timeline,
  kinds: readonly EventKind[],
  { fromMs, toMs = Infinity }: { fromMs: number; toMs?: number },
): string[] =>
  nodesOf(timeline).flatMap(({ name, marks }) =>
    marks
      .filter(({ kind, atMs }) => kinds.includes(kind) && atMs > fromMs && atMs <= toMs)
      .map(
        ({ kind, atMs }) =>
          `${name}: ${EVENT_KINDS[kind].label.toLowerCase()} at ${formatPreciseOffset(atMs - timeline.startMs)}`,
      ),
  );

/** Names of the nodes in the order of their first event of a kind. */
export const orderOf = (timeline: Timeline, kind: EventKind): string[] =>
  nodesOf(timeline)
    .map(({ name, marks }) => ({ name, first: marks.find((mark) => mark.kind === kind)?.atMs }))
    .filter((each): each is { name: string; first: number } => each.first !== undefined)
    .toSorted((a, b) => a.first - b.first)
    .map(({ name }) => name);
