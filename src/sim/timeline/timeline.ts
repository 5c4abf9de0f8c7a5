/** Events → lanes of spans and marks. */
import {
  eventText,
  SPAN_KINDS,
  type EventKind,
  type Lane,
  type SpanKind,
  type Tone,
  type TimelineEvent,
} from './events.ts';

export interface Span {
  kind: SpanKind;
  startMs: number;
  /** Undefined: not over when the timeline ends. */
  endMs?: number;
  /** Of the event that began it. */
  text: string;
}

export interface Mark {
  kind: EventKind;
  tone: Tone;
  atMs: number;
  text: string;
}

/** Everything of one node or actor, by time. */
export interface TimelineLane extends Lane {
  spans: Span[];
  marks: Mark[];
}

export interface Timeline {
  /** Of the first event, unless told otherwise. */
  startMs: number;
  /** Of the last event, unless told otherwise; never before the start. */
  endMs: number;
  /** Actors in order of their first event, then nodes by name. */
  lanes: TimelineLane[];
}

export interface TimelineOptions {
  /** @default that of the first event */
  startMs?: number;
  /** @default that of the last event */
  endMs?: number;
}

/** `node-2` comes before `node-10`. */
const COLLATOR = new Intl.Collator('en', { numeric: true });

function close(lane: TimelineLane, atMs: number, which: (kind: SpanKind) => boolean): void {
  for (const span of lane.spans) if (span.endMs === undefined && which(span.kind)) span.endMs = atMs;
}

const isOpen = (lane: TimelineLane, kind: SpanKind): boolean =>
  lane.spans.some((span) => span.endMs === undefined && span.kind === kind);

function enter(lane: TimelineLane, event: TimelineEvent): void {
  const { tone, opens, onlyAfter, closes } = eventText(event.kind);
  lane.marks.push({ kind: event.kind, tone, atMs: event.atMs, text: event.text });
  const allowed = onlyAfter === undefined || onlyAfter.some((kind) => isOpen(lane, kind));
  if (closes !== undefined) close(lane, event.atMs, (kind) => closes.includes(kind));
  if (opens === undefined || !allowed || isOpen(lane, opens)) return;
  const { track } = SPAN_KINDS[opens];
  close(lane, event.atMs, (kind) => SPAN_KINDS[kind].track === track);
  lane.spans.push({ kind: opens, startMs: event.atMs, text: event.text });
}

/** Actors first, as they came; nodes as people count them. */
function inOrder(lanes: Iterable<TimelineLane>): TimelineLane[] {
  const all = [...lanes];
  const nodes = all.filter(({ kind }) => kind === 'node');
  return [
    ...all.filter(({ kind }) => kind === 'actor'),
    ...nodes.toSorted((a, b) => COLLATOR.compare(a.name, b.name)),
  ];
}

/** See the head of this file. Events may come in any order; those of the same instant keep theirs. */
export function buildTimeline(events: readonly TimelineEvent[], options: TimelineOptions = {}): Timeline {
  const sorted = events.toSorted((a, b) => a.atMs - b.atMs);
  const lanes = new Map<string, TimelineLane>();
  for (const event of sorted) {
    const { kind, name } = event.lane;
    const key = `${kind}/${name}`;
    const lane = lanes.get(key) ?? { kind, name, spans: [], marks: [] };
    lanes.set(key, lane);
    enter(lane, event);
  }
  const startMs = options.startMs ?? sorted[0]?.atMs ?? 0;
  const endMs = Math.max(startMs, options.endMs ?? sorted.at(-1)?.atMs ?? startMs);
  return { startMs, endMs, lanes: inOrder(lanes.values()) };
}

/** When a span ends as far as the timeline knows. */
export const spanEnd = (span: Span, timeline: Timeline): number => span.endMs ?? timeline.endMs;

/** All time a lane spent in a kind of span, in milliseconds. */
export const timeIn = (lane: TimelineLane, kind: SpanKind, timeline: Timeline): number =>
  lane.spans
    .filter((span) => span.kind === kind)
    .reduce((sum, span) => sum + spanEnd(span, timeline) - span.startMs, 0);
