/** Colours and type of the drawing, for light and dark surroundings. */
import type { SpanKind, Tone } from '../events.ts';

/** A colour on light and on dark ground. */
type Pair = readonly [light: string, dark: string];

const SPANS: Readonly<Record<SpanKind, Pair>> = {
  preparing: ['#9aa8bd', '#64748b'],
  draining: ['#f2b33d', '#d69a26'],
  held: ['#c2410c', '#ea6a2f'],
  shuttingDown: ['#a78bda', '#8f73c7'],
  off: ['#334155', '#cbd5e1'],
  starting: ['#4f8fe6', '#3f7dd1'],
  verifying: ['#38b2a3', '#2a9487'],
  puttingBack: ['#d17a9c', '#b65f83'],
  cordoned: ['#dbe1ea', '#333e4e'],
  notReady: ['#e5484d', '#f0656a'],
  open: ['#8cc9a1', '#3f7d58'],
  away: ['#e5484d', '#f0656a'],
};

/** Text on a bar of this kind. */
const ON_SPAN: Partial<Readonly<Record<SpanKind, Pair>>> = {
  draining: ['#3b2a05', '#201602'],
  held: ['#ffffff', '#200d04'],
  off: ['#f8fafc', '#0f172a'],
  cordoned: ['#475569', '#cbd5e1'],
  open: ['#12331f', '#e8f5ec'],
};

const TONES: Readonly<Record<Tone, Pair>> = {
  minor: ['#8592a6', '#7f8ca1'],
  info: ['#2563c9', '#7fb0ff'],
  good: ['#17803d', '#4ccb7c'],
  warning: ['#b7590a', '#f0a04b'],
  bad: ['#c8232c', '#ff7b80'],
};

const BASE: Readonly<Record<string, Pair>> = {
  '.tl-ground{fill:': ['#ffffff', '#151b24'],
  '.tl-stripe{fill:': ['#f6f8fa', '#1a212c'],
  '.tl-grid{stroke:': ['#e3e8ee', '#2a3341'],
  '.tl-rule{stroke:': ['#c5cedb', '#3a4658'],
  '.tl-text{fill:': ['#1f2937', '#e5eaf1'],
  '.tl-quiet{fill:': ['#5b6778', '#9aa7b8'],
  '.tl-on{fill:': ['#ffffff', '#0e1420'],
  '.tl-halo{stroke:': ['#ffffff', '#151b24'],
};

const TYPE =
  '.tl{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}' +
  '.tl-title{font-size:17px;font-weight:600}.tl-name{font-size:12.5px}.tl-head{font-size:10.5px;font-weight:600;letter-spacing:.06em}' +
  '.tl-small{font-size:11px}.tl-bar{font-size:10.5px}.tl-grid,.tl-rule{stroke-width:1}.tl-halo{stroke-width:1.5}' +
  '.tl-open{stroke-dasharray:3 2;fill:none;stroke-width:1.5}';

const rules = (side: 0 | 1): string =>
  [
    ...Object.entries(BASE).map(([rule, pair]) => `${rule}${pair[side]}}`),
    ...Object.entries(SPANS).map(([kind, pair]) => `.tl-s-${kind}{fill:${pair[side]}}`),
    ...Object.entries(ON_SPAN).map(([kind, pair]) => `.tl-on.tl-on-${kind}{fill:${pair[side]}}`),
    ...Object.entries(TONES).map(([tone, pair]) => `.tl-t-${tone}{fill:${pair[side]}}`),
  ].join('');

/** The style sheet of the drawing. Its classes begin with `tl`, so that it can stand inside a page. */
export const STYLE = `${TYPE}${rules(0)}@media(prefers-color-scheme:dark){${rules(1)}}`;
