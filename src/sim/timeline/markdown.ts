/** A timeline as a Markdown report: how long each node spent in what, then everything that happened. */
import { rfc3339 } from '../../runtime/clock.ts';
import { formatLength, formatPreciseOffset } from './elapsed.ts';
import { markdownText } from './escape.ts';
import { EVENT_KINDS, SPAN_KINDS, type SpanKind } from './events.ts';
import { timeIn, type Mark, type Timeline, type TimelineLane } from './timeline.ts';

export interface MarkdownOptions {
  title: string;
  /** Paragraphs below the title, Markdown of the caller's own. @default none */
  intro?: readonly string[];
  /** Path or address of the drawing. @default none is shown */
  image?: string;
  /** Events listed at most; the rest is counted. @default 2000 */
  maxEvents?: number;
}

const MAX_EVENTS = 2_000;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  row(head),
  row(head.map((_, index) => (index === 0 ? '---' : '---:'))),
  ...rows.map(row),
];

/** The columns that are not empty. */
const kindsIn = (lanes: readonly TimelineLane[]): SpanKind[] =>
  (Object.keys(SPAN_KINDS) as SpanKind[]).filter((kind) =>
    lanes.some((lane) => lane.spans.some((span) => span.kind === kind)),
  );

function cell(lane: TimelineLane, kind: SpanKind, timeline: Timeline): string {
  const spans = lane.spans.filter((span) => span.kind === kind);
  if (spans.length === 0) return '';
  const times = spans.length > 1 ? ` (${spans.length}×)` : '';
  const open = spans.some((span) => span.endMs === undefined) ? ' …' : '';
  return `${formatLength(timeIn(lane, kind, timeline))}${times}${open}`;
}

function spanTable(head: string, lanes: readonly TimelineLane[], timeline: Timeline): string[] {
  const shown = lanes.filter((lane) => lane.spans.length > 0);
  if (shown.length === 0) return [];
  const kinds = kindsIn(shown);
  const rows = shown.map((lane) => [
    markdownText(lane.name),
    formatPreciseOffset(Math.min(...lane.spans.map((span) => span.startMs)) - timeline.startMs),
    ...kinds.map((kind) => cell(lane, kind, timeline)),
  ]);
  const open = shown.some((lane) => lane.spans.some((span) => span.endMs === undefined));
  return [
    ...table([head, 'From', ...kinds.map((kind) => SPAN_KINDS[kind].label)], rows),
    ...(open ? ['', '… not over at the end'] : []),
    '',
  ];
}

function summary(timeline: Timeline, nodes: readonly TimelineLane[]): string {
  const ended = (kind: Mark['kind']): number =>
    nodes.filter((lane) => lane.marks.some((mark) => mark.kind === kind)).length;
  const counts = [
    `${nodes.length} node${nodes.length === 1 ? '' : 's'}`,
    `${ended('updated')} updated`,
    ...(ended('failed') > 0 ? [`${ended('failed')} failed`] : []),
  ];
  const from = rfc3339(timeline.startMs);
  return `From ${from}, ${formatLength(timeline.endMs - timeline.startMs)}: ${counts.join(', ')}.`;
}

function eventList(timeline: Timeline, most: number): string[] {
  const all = timeline.lanes
    .flatMap((lane) => lane.marks.map((mark) => ({ lane, mark })))
    .toSorted((a, b) => a.mark.atMs - b.mark.atMs);
  const rows = all
    .slice(0, most)
    .map(({ lane, mark }) => [
      formatPreciseOffset(mark.atMs - timeline.startMs),
      markdownText(lane.name),
      EVENT_KINDS[mark.kind].label,
      markdownText(mark.text),
    ]);
  const head = ['At', 'Who', 'What', 'Detail'];
  const more = all.length > most ? ['', `… and ${all.length - most} more`] : [];
  return [row(head), row(['---:', '---', '---', '---']), ...rows.map(row), ...more, ''];
}

/** See the head of this file. Times are minutes and seconds after the start. */
export function renderMarkdown(timeline: Timeline, options: MarkdownOptions): string {
  const nodes = timeline.lanes.filter(({ kind }) => kind === 'node');
  const actors = timeline.lanes.filter(({ kind }) => kind === 'actor');
  const image = options.image === undefined ? [] : [`![Timeline](${options.image})`, ''];
  return [
    `# ${markdownText(options.title)}`,
    '',
    ...(options.intro ?? []).flatMap((paragraph) => [paragraph, '']),
    summary(timeline, nodes),
    '',
    ...image,
    ...spanTable('Node', nodes, timeline),
    ...spanTable('Who', actors, timeline),
    '## What happened',
    '',
    ...eventList(timeline, options.maxEvents ?? MAX_EVENTS),
  ].join('\n');
}
