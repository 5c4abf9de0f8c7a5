/** SVG elements as text. */
import { xmlText } from '../escape.ts';

/** Numbers are rounded to a tenth: no eye sees more, and files stay small. */
export type Attributes = Readonly<Record<string, string | number>>;

const valueOf = (value: string | number): string =>
  typeof value === 'number' ? String(Math.round(value * 10) / 10) : xmlText(value);

const open = (name: string, attributes: Attributes): string =>
  [`<${name}`, ...Object.entries(attributes).map(([key, value]) => `${key}="${valueOf(value)}"`)].join(' ');

/** An element with these elements inside. */
export const element = (name: string, attributes: Attributes, ...inside: readonly string[]): string =>
  inside.length === 0
    ? `${open(name, attributes)}/>`
    : `${open(name, attributes)}>${inside.join('')}</${name}>`;

/** Text at a place. */
export const label = (text: string, attributes: Attributes): string =>
  element('text', attributes, xmlText(text));

/** What a pointer is told. */
export const tooltip = (text: string): string => element('title', {}, xmlText(text));
