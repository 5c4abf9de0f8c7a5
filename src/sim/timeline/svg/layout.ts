/** Where everything is drawn: rows from top to bottom, time from left to right. */
import type { Timeline, TimelineLane } from '../timeline.ts';

/** Width of the whole drawing, in its own units; it scales. */
export const WIDTH = 1200;
const LABEL_WIDTH = 170;
const RIGHT = 24;
const TOP = 88;
const HEAD_HEIGHT = 24;
/** With more node lanes than this each is a thin bar. */
const ROOMY_LANES = 40;

/** One lane in its row. Offsets are from the top of the row. */
export interface Row {
  lane: TimelineLane;
  y: number;
  height: number;
  /** Middle of the marks; undefined: there is no room for them, only for alarming ones on the bar. */
  marksY?: number;
  barY: number;
  barHeight: number;
  /** Thin bar of readiness; absent where there is no room. */
  readinessY?: number;
}

/** A heading above a group of rows. */
export interface Heading {
  text: string;
  y: number;
}

export interface Layout {
  rows: Row[];
  headings: Heading[];
  /** Left and right edge of the time axis. */
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** Lanes that are not drawn. */
  omitted: number;
  x: (atMs: number) => number;
}

const ACTOR = { height: 34, marksY: 8, barY: 15, barHeight: 13 };
const NODE = { height: 50, marksY: 9, barY: 18, barHeight: 17, readinessY: 38 };
const THIN_NODE = { height: 14, barY: 2, barHeight: 10 };

const hasTrouble = (lane: TimelineLane): boolean => lane.marks.some((mark) => mark.tone === 'bad');

/** All lanes, or so many: those with trouble first of all, in the order of the timeline. */
function chosen(timeline: Timeline, maxLanes: number): TimelineLane[] {
  const { lanes } = timeline;
  if (lanes.length <= maxLanes) return lanes;
  const keep = new Set([...lanes.filter(hasTrouble), ...lanes].slice(0, maxLanes));
  // A lane with trouble counts once although it is listed twice.
  for (const lane of lanes) if (keep.size < maxLanes) keep.add(lane);
  return lanes.filter((lane) => keep.has(lane));
}

/** Rows for the lanes of a timeline. */
export function layOut(timeline: Timeline, maxLanes: number): Layout {
  const lanes = chosen(timeline, maxLanes);
  const thin = lanes.filter(({ kind }) => kind === 'node').length > ROOMY_LANES;
  const groups = [
    { text: 'CLUSTER', shape: ACTOR, lanes: lanes.filter(({ kind }) => kind === 'actor') },
    { text: 'NODES', shape: thin ? THIN_NODE : NODE, lanes: lanes.filter(({ kind }) => kind === 'node') },
  ].filter((group) => group.lanes.length > 0);

  const rows: Row[] = [];
  const headings: Heading[] = [];
  let y = TOP;
  for (const group of groups) {
    headings.push({ text: group.text, y });
    y += HEAD_HEIGHT;
    for (const lane of group.lanes) {
      rows.push({ lane, y, ...group.shape });
      y += group.shape.height;
    }
  }
  const left = LABEL_WIDTH;
  const right = WIDTH - RIGHT;
  const lengthMs = Math.max(1, timeline.endMs - timeline.startMs);
  const x = (atMs: number): number => {
    const part = (atMs - timeline.startMs) / lengthMs;
    return left + Math.min(1, Math.max(0, part)) * (right - left);
  };
  return {
    rows,
    headings,
    left,
    right,
    top: TOP,
    bottom: y + 4,
    omitted: timeline.lanes.length - lanes.length,
    x,
  };
}
