import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markdownText, xmlText } from './escape.ts';
import { actorEvent, nodeEvent, type EventKind, type TimelineEvent } from './events.ts';
import { renderMarkdown } from './markdown.ts';
import { renderSvg } from './svg/svg.ts';
import { buildTimeline } from './timeline.ts';

const START_MS = Date.parse('2026-11-21T05:00:00Z');
/** Something that happens so many seconds after the start. */
type Happening = [seconds: number, kind: EventKind, text?: string];
const node = (name: string, ...[seconds, kind, text = '']: Happening): TimelineEvent =>
  nodeEvent(name, { atMs: START_MS + seconds * 1_000, kind, text });
const actor = (name: string, ...[seconds, kind, text = '']: Happening): TimelineEvent =>
  actorEvent(name, { atMs: START_MS + seconds * 1_000, kind, text });

const story = buildTimeline([
  actor('window', 0, 'opened'),
  node('node-1', 1, 'started', 'to 1.43.0'),
  node('node-1', 3, 'cordoned'),
  node('node-1', 3, 'drainStarted'),
  node('node-1', 5, 'drainHeld', 'default/web-1: budget web | 0 <allowed>'),
  node('node-1', 65, 'drained'),
  node('node-1', 66, 'updated'),
  node('node-2', 70, 'cordoned'),
]);

/** Every opened element is closed in its turn; no text holds what would begin one. */
function tags(svg: string): string[] {
  const stack: string[] = [];
  const seen: string[] = [];
  for (const [, closing, name = '', self] of svg.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)) {
    seen.push(name);
    if (closing === '/') expect(stack.pop()).toBe(name);
    else if (self !== '/') stack.push(name);
  }
  expect(stack).toEqual([]);
  expect(svg.replaceAll(/<\/?[a-zA-Z][^<>]*>/g, '')).not.toMatch(/[<]/);
  return seen;
}

describe('the report', () => {
  const report = renderMarkdown(story, {
    title: 'Held',
    image: 'held.svg',
    intro: ['A budget allows nothing.'],
  });

  test('says what it is about, how long it took and how it ended', () => {
    expect(report).toMatch(/^# Held\n\nA budget allows nothing\.\n\nFrom 2026-11-21T05:00:00Z, 1 min 10 s: /);
    expect(report).toContain('2 nodes, 1 updated.');
    expect(report).toContain('![Timeline](held.svg)');
  });

  test('has a row for each node with the time it spent in each kind of span', () => {
    expect(report).toContain('| Node | From | Preparing | Draining | Held | Cordoned |');
    expect(report).toContain('| node-1 | 0:01.0 | 2.0 s | 2.0 s | 1 min 00 s | 1 min 07 s … |');
  });

  test('lists what happened, foreign text made harmless', () => {
    expect(report).toContain(
      '| 0:05.0 | node-1 | Drain held | default/web-1: budget web \\| 0 &lt;allowed&gt; |',
    );
  });

  test('ends a long list with what it leaves out', () => {
    const short = renderMarkdown(story, { title: 'Held', maxEvents: 3 });
    expect(short).toContain('… and 5 more');
    expect(short).not.toContain('Drained');
  });
});

describe('the drawing', () => {
  const svg = renderSvg(story, { title: 'Held & "quoted"' });

  test('is well formed and needs nothing else', () => {
    expect(tags(svg)).toContain('style');
    expect(svg).not.toMatch(/href|<script|url\(|@import/);
    expect(svg).toContain('<title>Held &amp; &quot;quoted&quot;</title>');
  });

  test('follows light and dark surroundings', () => {
    expect(svg).toContain('@media(prefers-color-scheme:dark)');
  });

  test('tells in tooltips what happened and how long it took', () => {
    expect(svg).toContain('<title>Held, 1 min 00 s\n0:05.0 to 1:05.0\ndefault/web-1: budget web');
    expect(svg).toContain('Cordoned, 0.0 s\n1:10.0 not over');
  });

  test('explains the colours that are there, and no others', () => {
    expect(svg).toContain('>Draining</text>');
    expect(svg).not.toContain('>Starting</text>');
  });

  test('of nothing is an empty frame', () => {
    expect(tags(renderSvg(buildTimeline([]), { title: 'Nothing' }))).toContain('rect');
  });

  test('of very many nodes keeps those with trouble', () => {
    const many = Array.from({ length: 700 }, (_, index) => node(`node-${index}`, index, 'updated'));
    const drawn = renderSvg(buildTimeline([...many, node('node-650', 800, 'failed')]), {
      title: 'Many',
      maxLanes: 100,
    });
    expect(drawn).toContain('600 more lanes are not drawn');
    expect(drawn).toContain('<title>node-650</title>');
    expect(drawn).toContain('<title>node-98</title>');
    expect(drawn).not.toContain('<title>node-99</title>');
  });

  test('stays well formed whatever names and messages hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, text) => {
        const timeline = buildTimeline([node(name, 0, 'drainHeld', text), actor(text, 1, 'killed', name)]);
        tags(renderSvg(timeline, { title: name, subtitle: text }));
      }),
    );
  });
});

describe('foreign text', () => {
  test.each([
    ['<b>&amp;"\'', '&lt;b&gt;&amp;amp;&quot;&#39;'],
    ['a\u0000b\uD800c', 'a\uFFFDb\uFFFDc'],
  ])('%j in XML', (text, expected) => expect(xmlText(text)).toBe(expected));

  test.each([
    ['a | b\n| c |', 'a \\| b \\| c \\|'],
    ['[x](javascript:1) `y` <img>', '\\[x\\](javascript:1) \\`y\\` &lt;img&gt;'],
  ])('%j in Markdown', (text, expected) => expect(markdownText(text)).toBe(expected));
});
