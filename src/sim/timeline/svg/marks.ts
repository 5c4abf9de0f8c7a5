/** Marks: a glyph where something happened; what happened at nearly the same moment shares one. */
import { formatPreciseOffset } from '../elapsed.ts';
import { EVENT_KINDS, type Tone } from '../events.ts';
import type { Mark, Timeline } from '../timeline.ts';
import { element, tooltip } from './element.ts';
import type { Layout, Row } from './layout.ts';

/** Marks closer than this are drawn as one. */
const CLUSTER_WIDTH = 6;
/** Lines of a tooltip at most. */
const MAX_LINES = 15;
/** Most alarming last. */
const TONES: readonly Tone[] = ['minor', 'info', 'good', 'warning', 'bad'];

/** The glyph of a tone, its middle at 0,0. */
export function glyph(tone: Tone): string {
  const fill = `tl-t-${tone} tl-halo`;
  const stroke = { fill: 'none', 'stroke-width': 1.6, 'stroke-linecap': 'round', class: 'tl-stroke' };
  switch (tone) {
    case 'minor':
      return element('circle', { r: 2.4, class: `tl-t-${tone}` });
    case 'info':
      return element('path', { d: 'M0-5 5 0 0 5-5 0Z', class: fill });
    case 'good':
      return (
        element('circle', { r: 6, class: fill }) +
        element('path', { ...stroke, d: 'M-2.8 .2-.8 2.3 2.9-2.1', stroke: '#fff' })
      );
    case 'warning':
      return (
        element('path', { d: 'M0-6.2 6.4 5H-6.4Z', class: fill }) +
        element('path', { ...stroke, d: 'M0-2V1M0 3.1V3.2', stroke: '#fff' })
      );
    case 'bad':
      return (
        element('circle', { r: 6, class: fill }) +
        element('path', { ...stroke, d: 'M-2.2-2.2 2.2 2.2M2.2-2.2-2.2 2.2', stroke: '#fff' })
      );
  }
}

const strongest = (marks: readonly Mark[]): Tone =>
  marks.map(({ tone }) => tone).toSorted((a, b) => TONES.indexOf(b) - TONES.indexOf(a))[0] ?? 'minor';

function describe(marks: readonly Mark[], timeline: Timeline): string {
  const lines = marks.map((mark) => {
    const detail = mark.text === '' ? '' : `: ${mark.text}`;
    return `${formatPreciseOffset(mark.atMs - timeline.startMs)} ${EVENT_KINDS[mark.kind].label}${detail}`;
  });
  const more = lines.length > MAX_LINES ? [`and ${lines.length - MAX_LINES} more`] : [];
  return [...lines.slice(0, MAX_LINES), ...more].join('\n');
}

function clusters(marks: readonly Mark[], layout: Layout): Mark[][] {
  const groups: Mark[][] = [];
  let since = -Infinity;
  for (const mark of marks) {
    const x = layout.x(mark.atMs);
    const group = groups.at(-1);
    if (group !== undefined && x - since < CLUSTER_WIDTH) {
      group.push(mark);
      continue;
    }
    groups.push([mark]);
    since = x;
  }
  return groups;
}

/** The marks that are drawn in a row: in a thin one only the alarming. */
export const marksOf = (row: Row): Mark[] =>
  row.marksY === undefined ? row.lane.marks.filter(({ tone }) => tone === 'bad') : row.lane.marks;

/** The marks of a row. */
export function drawMarks(row: Row, layout: Layout, timeline: Timeline): string[] {
  const y = row.y + (row.marksY ?? row.barY + row.barHeight / 2);
  return clusters(marksOf(row), layout).map((marks) => {
    const tone = strongest(marks);
    const lead = marks.find((mark) => mark.tone === tone) ?? marks[0];
    const x = layout.x(lead?.atMs ?? timeline.startMs);
    const place = `translate(${Math.round(x * 10) / 10} ${y})`;
    return element('g', { transform: place }, tooltip(describe(marks, timeline)), glyph(tone));
  });
}
