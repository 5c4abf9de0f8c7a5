/** Go-style duration texts: `90s`, `15m`, `1h30m`, `72h`. */
import { PolicyTextError } from './errors.ts';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;
/** Ten years: far more than any field allows, and far from what a number cannot hold exactly. */
const MAX_MS = 10 * 366 * DAY_MS;

const ALLOWED = 'write numbers with the units ms, s, m, h, such as 90s, 15m, 1h30m or 72h';

/**
 * Milliseconds of a Go-style duration; fractions (`1.5h`) are rounded to the millisecond. Units may come in any
 * order and repeat, as in Go.
 *
 * @throws PolicyTextError `duration`: empty, a sign, no unit, an unknown unit, anything else, or above ten years.
 */
export function parseDuration(text: string): number {
  const fail = (problem: string): never => {
    throw new PolicyTextError('duration', text, `is not a duration: ${problem}`);
  };
  if (text === '') fail(`it is empty; ${ALLOWED}`);
  if (/^[+-]/.test(text)) fail(`it has a sign; ${ALLOWED}`);
  const term = /([0-9]+(?:\.[0-9]+)?)([A-Za-zµμ]*)/y;
  let totalMs = 0;
  while (term.lastIndex < text.length) {
    const at = term.lastIndex;
    const match = term.exec(text);
    if (match === null) return fail(`"${text.slice(at)}" is not a number with a unit; ${ALLOWED}`);
    const [, digits = '', unit = ''] = match;
    if (unit === '') fail(`${digits} has no unit; ${ALLOWED}`);
    const unitMs = Object.hasOwn(UNITS_MS, unit) ? UNITS_MS[unit] : undefined;
    if (unitMs === undefined) return fail(`"${unit}" is not a unit; ${ALLOWED}`);
    totalMs += Number(digits) * unitMs;
  }
  return totalMs <= MAX_MS ? Math.round(totalMs) : fail('it is longer than ten years');
}

/** The Go-style text of a whole number of milliseconds ≥ 0, such that parseDuration gives the same number: `1h30m`, `0s`. */
export function durationText(ms: number): string {
  const units: [string, number][] = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ];
  let rest = ms;
  let text = '';
  for (const [unit, unitMs] of units) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

/** A duration for people: its two greatest units, the rest dropped: `2d 4h`, `1h 30m`, `45s`; below a second `0s`. */
export function formatDuration(ms: number): string {
  const units: [string, number][] = [
    ['d', DAY_MS],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ];
  let rest = Math.max(0, ms);
  const first = units.findIndex(([, unitMs]) => rest >= unitMs);
  if (first < 0) return '0s';
  const parts: string[] = [];
  for (const [unit, unitMs] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.join(' ');
}
