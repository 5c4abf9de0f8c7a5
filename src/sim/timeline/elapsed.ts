/** Times of a timeline as text. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const padded = (value: number): string => String(value).padStart(2, '0');

/** A length of time: `0.4 s`, `12.3 s`, `3 min 05 s`, `2 h 04 min`, `3 d 06 h`. */
export function formatLength(ms: number): string {
  // What is shown as 60.0 s is a minute.
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${padded(seconds % 60)} s`;
  const minutes = Math.round(ms / MINUTE);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} min`;
  const hours = Math.round(ms / HOUR);
  return `${Math.floor(hours / 24)} d ${padded(hours % 24)} h`;
}

/** A point of time after the start: `0:07`, `12:30`, `1:05:00`, `2 d 03:15:00`. */
export function formatOffset(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const total = Math.floor(Math.abs(ms) / SECOND);
  const [days, rest] = [Math.floor((total * SECOND) / DAY), total % (DAY / SECOND)];
  const [hours, minutes, seconds] = [Math.floor(rest / 3_600), Math.floor(rest / 60) % 60, rest % 60];
  if (days > 0) return `${sign}${days} d ${padded(hours)}:${padded(minutes)}:${padded(seconds)}`;
  return hours > 0
    ? `${sign}${hours}:${padded(minutes)}:${padded(seconds)}`
    : `${sign}${minutes}:${padded(seconds)}`;
}

/** As `formatOffset`, with tenths of a second. */
export function formatPreciseOffset(ms: number): string {
  const tenths = Math.round(Math.abs(ms) / 100);
  return `${ms < 0 ? '-' : ''}${formatOffset(Math.floor(tenths / 10) * SECOND)}.${tenths % 10}`;
}

const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28].map((n) => n * DAY),
];

/** Offsets of an axis over this length: at most `most` of them, on round values, beginning with 0. */
export function ticks(lengthMs: number, most: number): number[] {
  const least = lengthMs / Math.max(1, most - 1);
  const step = STEPS_MS.find((each) => each >= least) ?? Math.ceil(least / (28 * DAY)) * 28 * DAY;
  return Array.from({ length: Math.floor(lengthMs / step) + 1 }, (_, index) => index * step);
}
