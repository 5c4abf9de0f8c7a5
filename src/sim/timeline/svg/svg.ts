/** A timeline as one SVG file that needs nothing else: lanes, bars, marks, time axis, legend. */
import { rfc3339 } from '../../../runtime/clock.ts';
import { formatLength, formatOffset, ticks } from '../elapsed.ts';
import { shortened, xmlText } from '../escape.ts';
import { SPAN_KINDS, type SpanKind, type Tone } from '../events.ts';
import type { Timeline } from '../timeline.ts';
import { drawBars } from './bars.ts';
import { element, label, tooltip } from './element.ts';
import { layOut, WIDTH, type Layout, type Row } from './layout.ts';
import { drawMarks, glyph, marksOf } from './marks.ts';
import { STYLE } from './style.ts';

export interface SvgOptions {
  title: string;
  /** A line below the title. @default start and length */
  subtitle?: string;
  /** Lanes drawn at most, those with failures first of all. @default 500 */
  maxLanes?: number;
}

const MAX_LANES = 500;
const MARGIN = 20;
const MAX_TICKS = 11;
const LEGEND_ROW = 22;
const MAX_NAME = 21;
const MAX_TITLE = 110;

const TONE_TEXTS: Readonly<Record<Tone, string>> = {
  minor: 'step',
  info: 'milestone',
  good: 'updated',
  warning: 'warning',
  bad: 'failure or kill',
};

function axis(layout: Layout, timeline: Timeline): string[] {
  return ticks(timeline.endMs - timeline.startMs, MAX_TICKS).flatMap((offsetMs) => {
    const x = layout.x(timeline.startMs + offsetMs);
    return [
      element('line', { x1: x, x2: x, y1: layout.top - 8, y2: layout.bottom, class: 'tl-grid' }),
      label(formatOffset(offsetMs), {
        x,
        y: layout.top - 14,
        'text-anchor': 'middle',
        class: 'tl-small tl-quiet',
      }),
    ];
  });
}

/** Every second row has a ground of its own, so that the eye finds its name. */
const stripes = (rows: readonly Row[]): string[] =>
  rows.flatMap((row, index) =>
    index % 2 === 1
      ? []
      : [
          element('rect', {
            x: MARGIN - 8,
            y: row.y,
            width: WIDTH - 2 * (MARGIN - 8),
            height: row.height,
            class: 'tl-stripe',
          }),
        ],
  );

function names(layout: Layout): string[] {
  const thin = layout.rows.some(({ height }) => height < 20);
  const rows = layout.rows.map((row) =>
    element(
      'g',
      {},
      tooltip(row.lane.name),
      label(shortened(row.lane.name, MAX_NAME), {
        x: MARGIN,
        y: row.y + row.barY + row.barHeight / 2 + (thin ? 3 : 4.2),
        class: `${row.height < 20 ? 'tl-bar' : 'tl-name'} tl-text`,
      }),
    ),
  );
  const headings = layout.headings.map(({ text, y }) =>
    label(text, { x: MARGIN, y: y + 16, class: 'tl-head tl-quiet' }),
  );
  return [...headings, ...rows];
}

/** What is drawn, and nothing else. */
function legendOf(layout: Layout): { text: string; sign: string }[] {
  const spans = new Set<SpanKind>(layout.rows.flatMap(({ lane }) => lane.spans.map(({ kind }) => kind)));
  const tones = new Set<Tone>(layout.rows.flatMap((row) => marksOf(row).map(({ tone }) => tone)));
  const bars = (Object.keys(SPAN_KINDS) as SpanKind[])
    .filter((kind) => spans.has(kind))
    .map((kind) => ({
      text: SPAN_KINDS[kind].label,
      sign: element('rect', { x: -8, y: -5, width: 16, height: 10, rx: 2.5, class: `tl-s-${kind}` }),
    }));
  const marks = (Object.keys(TONE_TEXTS) as Tone[])
    .filter((tone) => tones.has(tone))
    .map((tone) => ({ text: TONE_TEXTS[tone], sign: glyph(tone) }));
  return [...bars, ...marks];
}

/** The legend in as many rows as it needs, and where it ends. */
function legend(layout: Layout): { parts: string[]; bottom: number } {
  let x = MARGIN + 8;
  let y = layout.bottom + 30;
  const parts = legendOf(layout).map(({ text, sign }) => {
    const width = 30 + text.length * 6.4;
    if (x + width > WIDTH - MARGIN) {
      x = MARGIN + 8;
      y += LEGEND_ROW;
    }
    const at = x;
    x += width + 8;
    return element(
      'g',
      { transform: `translate(${Math.round(at)} ${y})` },
      sign,
      label(text, { x: 15, y: 4, class: 'tl-small tl-quiet' }),
    );
  });
  return { parts, bottom: y + 20 };
}

const defaultSubtitle = (timeline: Timeline): string =>
  `From ${rfc3339(timeline.startMs)}, ${formatLength(timeline.endMs - timeline.startMs)}; times are minutes and seconds after that`;

/** See the head of this file. It follows the reader's light or dark surroundings; tooltips tell the details. */
export function renderSvg(timeline: Timeline, options: SvgOptions): string {
  const layout = layOut(timeline, options.maxLanes ?? MAX_LANES);
  const subtitle = options.subtitle ?? defaultSubtitle(timeline);
  const { parts: legendParts, bottom } = legend(layout);
  const omitted = layout.omitted === 0 ? '' : `; ${layout.omitted} more lanes are not drawn`;
  const height = bottom;
  const at = (y: number, kind: string) => ({ x: MARGIN, y, class: kind });
  const body = [
    element('title', {}, xmlText(options.title)),
    element('desc', {}, xmlText(subtitle)),
    element('style', {}, STYLE),
    element('rect', { width: WIDTH, height, rx: 8, class: 'tl-ground' }),
    label(shortened(options.title, MAX_TITLE), at(32, 'tl-title tl-text')),
    label(`${subtitle}${omitted}`, at(52, 'tl-small tl-quiet')),
    ...stripes(layout.rows),
    ...axis(layout, timeline),
    element('line', {
      x1: MARGIN - 8,
      x2: layout.right,
      y1: layout.bottom,
      y2: layout.bottom,
      class: 'tl-rule',
    }),
    ...names(layout),
    ...layout.rows.flatMap((row) => drawBars(row, layout, timeline)),
    ...layout.rows.flatMap((row) => drawMarks(row, layout, timeline)),
    ...legendParts,
  ];
  const root = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${height}`,
      width: WIDTH,
      height,
      role: 'img',
      class: 'tl',
    },
    `\n${body.filter((part) => part !== '').join('\n')}\n`,
  );
  return `${root}\n`;
}
