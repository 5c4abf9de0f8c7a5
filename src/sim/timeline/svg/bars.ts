/** Spans as bars. */
import { formatLength, formatPreciseOffset } from '../elapsed.ts';
import { SPAN_KINDS, type SpanKind } from '../events.ts';
import { spanEnd, type Span, type Timeline } from '../timeline.ts';
import { element, label, tooltip } from './element.ts';
import type { Layout, Row } from './layout.ts';

/** However short, it can be seen. */
const MIN_WIDTH = 1.5;
/** Width of a character of the small type, roughly. */
const CHARACTER_WIDTH = 5.9;
const PADDING = 8;
const READINESS_HEIGHT = 4;
/** Of the band of a cordon beyond the bar on it. */
const BAND = 3;

interface Box {
  y: number;
  height: number;
  radius: number;
}

/** Where a kind of span lies in its row; undefined where there is no room for it. */
function boxOf(kind: SpanKind, row: Row): Box | undefined {
  const { track } = SPAN_KINDS[kind];
  if (track === 'readiness') {
    if (row.readinessY === undefined) return undefined;
    return { y: row.y + row.readinessY, height: READINESS_HEIGHT, radius: 2 };
  }
  const band = track === 'cordon' ? Math.min(BAND, row.barY) : 0;
  return { y: row.y + row.barY - band, height: row.barHeight + 2 * band, radius: 3 };
}

function describe(span: Span, timeline: Timeline): string {
  const from = formatPreciseOffset(span.startMs - timeline.startMs);
  const length = formatLength(spanEnd(span, timeline) - span.startMs);
  const end =
    span.endMs === undefined ? 'not over' : `to ${formatPreciseOffset(span.endMs - timeline.startMs)}`;
  const detail = span.text === '' ? '' : `\n${span.text}`;
  return `${SPAN_KINDS[span.kind].label}, ${length}\n${from} ${end}${detail}`;
}

/** The longest text that fits: name and length, length, nothing. */
function inscription(span: Span, width: number, timeline: Timeline): string {
  const length = formatLength(spanEnd(span, timeline) - span.startMs);
  const choices = [`${SPAN_KINDS[span.kind].label} ${length}`, length];
  return choices.find((text) => text.length * CHARACTER_WIDTH + PADDING <= width) ?? '';
}

function drawSpan(span: Span, row: Row, drawing: { layout: Layout; timeline: Timeline }): string {
  const { layout, timeline } = drawing;
  const box = boxOf(span.kind, row);
  if (box === undefined) return '';
  const x = layout.x(span.startMs);
  const width = Math.max(MIN_WIDTH, layout.x(spanEnd(span, timeline)) - x);
  const rounded = Math.min(box.radius, width / 2);
  const bar = element('rect', {
    x,
    y: box.y,
    width,
    height: box.height,
    rx: rounded,
    class: `tl-s-${span.kind}`,
  });
  const roomy = row.readinessY !== undefined || row.lane.kind === 'actor';
  const text =
    roomy && box.height >= 12 && span.kind !== 'cordoned' ? inscription(span, width, timeline) : '';
  const words =
    text === ''
      ? ''
      : label(text, {
          x: x + width / 2,
          y: box.y + box.height / 2 + 3.8,
          'text-anchor': 'middle',
          class: `tl-bar tl-on tl-on-${span.kind}`,
        });
  const torn =
    span.endMs === undefined
      ? element('path', { d: `M${Math.round(x + width)} ${box.y}v${box.height}`, class: 'tl-open tl-rule' })
      : '';
  return element('g', {}, tooltip(describe(span, timeline)), bar, torn, words);
}

/** Drawn around the others. */
const isBand = (span: Span): boolean => span.kind === 'cordoned';

/** The bars of a row, cordons below the rest. */
export function drawBars(row: Row, layout: Layout, timeline: Timeline): string[] {
  const spans = [...row.lane.spans.filter(isBand), ...row.lane.spans.filter((span) => !isBand(span))];
  return spans.map((span) => drawSpan(span, row, { layout, timeline }));
}
