/**
 * Five-field cron texts. cron-parser reads the fields; what it accepts beyond the five plain fields is refused here
 * by name, and the days are matched here, because "both restricted = either of them" has to be vixie's.
 */
import { CronExpressionParser } from 'cron-parser';
import { calendarDay } from './calendar.ts';
import { PolicyTextError } from './errors.ts';

const FIELDS = ['minute', 'hour', 'day-of-month', 'month', 'day-of-week'] as const;
const ALLOWED =
  'exactly five fields are allowed: minute hour day-of-month month day-of-week, of numbers, names, lists, ranges and steps, such as "0 1 * * 6"';
const NAMES = {
  month: /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b/gi,
  'day-of-week': /\b(sun|mon|tue|wed|thu|fri|sat)\b/gi,
} as const;
/** 29 February on a given weekday comes within 40 years, also across 2100; a day that did not come by then never does. */
const SEARCH_DAYS = 41 * 366;

/** A schedule that was read: wall-clock fires, in no time zone. */
export interface CronSchedule {
  /** The text as it was written. */
  readonly text: string;
  /** Minutes of the day at which it fires on a day that matches, ascending. */
  readonly minutesOfDay: readonly number[];
  /** Whether it fires on the day `day` days after 1970-01-01. */
  readonly firesOn: (day: number) => boolean;
}

/**
 * Reads a cron text of exactly five fields. A day fires when month matches and, of day-of-month and day-of-week: both
 * if one of them begins with `*` (so `*` alone asks nothing, and an asterisk with a step narrows the other), either of them if both are
 * restricted. Sunday is 0 or 7. `N/S` means from N to the end in steps of S.
 *
 * @throws PolicyTextError `cron`: with the field and what is allowed, also when no day ever matches.
 */
export function parseCron(text: string): CronSchedule {
  const fields = splitFields(text);
  for (const [index, field] of fields.entries()) refuseExtensions(text, FIELDS[index] ?? 'minute', field);
  const parsed = readFields(text, fields);
  const [, , dayOfMonthText = '', , dayOfWeekText = ''] = fields;
  const either = !dayOfMonthText.startsWith('*') && !dayOfWeekText.startsWith('*');
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = parsed;
  const firesOn = (day: number): boolean => {
    const date = calendarDay(day);
    if (!months.has(date.month)) return false;
    const byMonth = daysOfMonth.has(date.dayOfMonth);
    const byWeek = daysOfWeek.has(date.dayOfWeek);
    return either ? byMonth || byWeek : byMonth && byWeek;
  };
  if (!firesEver(firesOn)) throw new PolicyTextError('cron', text, 'never fires: no such day exists');
  const minutesOfDay = [...hours]
    .flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute))
    .toSorted((a, b) => a - b);
  return { text, minutesOfDay, firesOn };
}

function splitFields(text: string): string[] {
  const trimmed = text.trim();
  if (trimmed.startsWith('@'))
    throw new PolicyTextError('cron', text, `is a shorthand, which is not allowed; ${ALLOWED}`);
  const fields = trimmed === '' ? [] : trimmed.split(/\s+/);
  if (fields.length === 6)
    throw new PolicyTextError('cron', text, `has 6 fields; a field for seconds is not allowed; ${ALLOWED}`);
  if (fields.length !== FIELDS.length)
    throw new PolicyTextError(
      'cron',
      text,
      `has ${fields.length} field${fields.length === 1 ? '' : 's'}; ${ALLOWED}`,
    );
  return fields;
}

const EXTENSIONS = ['L', 'W', '#', '?', 'H', '@'];

function refuseExtensions(text: string, name: (typeof FIELDS)[number], field: string): void {
  const plain = name === 'month' || name === 'day-of-week' ? field.replace(NAMES[name], '0') : field;
  const extension = EXTENSIONS.find((letter) => plain.toUpperCase().includes(letter));
  // Another word, such as FEBR or MONDAY, may hold one of the letters: name the word, not the letter.
  const word = /[A-Za-z]{3,}/.exec(plain)?.[0];
  if (word !== undefined)
    throw new PolicyTextError('cron', text, `has "${word}" in ${name}, which is no name there; ${ALLOWED}`);
  if (extension !== undefined)
    throw new PolicyTextError(
      'cron',
      text,
      `has "${extension}" in ${name}, which is not allowed; ${ALLOWED}`,
    );
  const item = /^(\*|\d{1,3}(-\d{1,3})?)(\/\d{1,3})?$/;
  const bad = plain.split(',').find((part) => !item.test(part));
  if (bad !== undefined)
    throw new PolicyTextError(
      'cron',
      text,
      `has "${bad}" in ${name}, which is no number, range or step; ${ALLOWED}`,
    );
}

const numbers = (values: readonly (number | string)[]): Set<number> => new Set(values.map(Number));

type FieldSets = readonly [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];

function readFields(text: string, fields: string[]): FieldSets {
  try {
    // A fixed date and seed: the parser would otherwise look at the clock and at random numbers.
    const { minute, hour, dayOfMonth, month, dayOfWeek } = CronExpressionParser.parse(fields.join(' '), {
      currentDate: '2000-01-01T00:00:00Z',
      tz: 'UTC',
      hashSeed: 'fixed',
    }).fields;
    return [
      numbers(minute.values),
      numbers(hour.values),
      numbers(dayOfMonth.values),
      numbers(month.values),
      // Sunday may be written 7.
      new Set([...numbers(dayOfWeek.values)].map((day) => day % 7)),
    ];
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new PolicyTextError('cron', text, `is no cron text: ${said}; ${ALLOWED}`);
  }
}

function firesEver(firesOn: (day: number) => boolean): boolean {
  for (let day = 0; day < SEARCH_DAYS; day += 1) if (firesOn(day)) return true;
  return false;
}
