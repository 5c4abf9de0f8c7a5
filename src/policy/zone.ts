/** Time zones: from the wall clock to instants by the one rule of this project. */
import { IANAZone } from 'luxon';
import { calendarDay, DAY_MS, MINUTE_MS } from './calendar.ts';
import { PolicyTextError } from './errors.ts';

/** No zone is further from UTC than this, either way, now or by any rule published. */
export const MAX_OFFSET_MS = 15 * 3_600_000;
/** Offsets are sampled so often; two changes of a zone are weeks apart. */
const SAMPLE_MS = 7 * DAY_MS;
/** Stop remembering beyond about 150 years of samples. */
const MAX_SAMPLES = 8_000;

/** English as it is written in different places: each knows the abbreviations of its own zones. */
const LOCALES = ['en-GB', 'en-US', 'en-AU', 'en-IN'];
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** A time zone of the IANA database. */
export class Zone {
  readonly name: string;
  readonly #iana: IANAZone;
  /** Offsets by number of the sample; what is asked again and again is then a look-up. */
  readonly #samples = new Map<number, number>();
  /** First instant of the new offset, by number of the sample before it. */
  readonly #changes = new Map<number, number>();
  /** By offset: asking the platform for a name takes a millisecond. */
  readonly #abbreviations = new Map<number, string>();

  constructor(name: string, iana: IANAZone) {
    this.name = name;
    this.#iana = iana;
  }

  /** Difference between the wall clock and UTC at an instant, in ms; positive east of Greenwich. */
  offsetAt(instant: number): number {
    const sample = Math.floor(instant / SAMPLE_MS);
    const before = this.#sample(sample);
    const after = this.#sample(sample + 1);
    if (before === after) return before;
    return instant < this.#change(sample, before) ? before : after;
  }

  /** The offset throughout [from, to]; undefined when it changes in there. */
  constantOffset(from: number, to: number): number | undefined {
    const first = Math.floor(from / SAMPLE_MS);
    const last = Math.floor(to / SAMPLE_MS);
    const offset = this.offsetAt(from);
    if (this.offsetAt(to) !== offset) return undefined;
    for (let sample = first + 1; sample <= last; sample += 1)
      if (this.#sample(sample) !== offset) return undefined;
    return offset;
  }

  /**
   * The first instant at which the wall clock shows `wall` (ms, as if the wall clock were UTC) or later. So a time
   * inside a gap maps to the first instant after the gap, and a time that comes twice to its first occurrence. The
   * order is kept: a later wall time never maps to an earlier instant.
   */
  firstInstantShowing(wall: number): number {
    const earliest = wall - MAX_OFFSET_MS;
    const latest = wall + MAX_OFFSET_MS;
    let at = earliest;
    let offset = this.offsetAt(at);
    // The wall clock runs with `offset` from `at` to the next change; a gap ends, and shows later times, at a change.
    for (;;) {
      const change = this.#nextChange(at, latest);
      const candidate = Math.max(at, wall - offset);
      if (change === undefined || candidate < change) return candidate;
      at = change;
      offset = this.offsetAt(at);
    }
  }

  /** The wall clock at an instant, in English: `Sat 01:00`, with the date `Sat 2026-01-10 01:00`. */
  wallClock(instant: number, withDate: boolean): string {
    const wall = instant + this.offsetAt(instant);
    const day = Math.floor(wall / DAY_MS);
    const minutes = Math.floor((wall - day * DAY_MS) / MINUTE_MS);
    const { year, month, dayOfMonth, dayOfWeek } = calendarDay(day);
    const date = withDate ? ` ${year}-${twoDigits(month)}-${twoDigits(dayOfMonth)}` : '';
    return `${WEEKDAYS[dayOfWeek] ?? ''}${date} ${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
  }

  /** What people of the zone call its offset at an instant: `CET`, `EST`, `AEDT`; where English has no word, `GMT+9`. */
  abbreviation(instant: number): string {
    const offset = this.offsetAt(instant);
    let name = this.#abbreviations.get(offset);
    if (name === undefined) {
      const names = LOCALES.map((locale) => this.#iana.offsetName(instant, { format: 'short', locale }));
      name = names.find((each) => each !== null && !/^(GMT|UTC)[+-]/.test(each)) ?? names[0] ?? this.name;
      this.#abbreviations.set(offset, name);
    }
    return name;
  }

  #sample(number: number): number {
    const known = this.#samples.get(number);
    if (known !== undefined) return known;
    if (this.#samples.size > MAX_SAMPLES) {
      this.#samples.clear();
      this.#changes.clear();
    }
    const offset = this.#offset(number * SAMPLE_MS);
    this.#samples.set(number, offset);
    return offset;
  }

  #offset(instant: number): number {
    return Math.round(this.#iana.offset(instant) * MINUTE_MS);
  }

  /** First second with another offset than `before`, after the sample. */
  #change(sample: number, before: number): number {
    const known = this.#changes.get(sample);
    if (known !== undefined) return known;
    let low = (sample * SAMPLE_MS) / 1_000;
    let high = ((sample + 1) * SAMPLE_MS) / 1_000;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offset(middle * 1_000) === before) low = middle;
      else high = middle;
    }
    this.#changes.set(sample, high * 1_000);
    return high * 1_000;
  }

  /** First change after `from`, not after `to`. */
  #nextChange(from: number, to: number): number | undefined {
    for (let sample = Math.floor(from / SAMPLE_MS); sample * SAMPLE_MS <= to; sample += 1) {
      const before = this.#sample(sample);
      if (before === this.#sample(sample + 1)) continue;
      const change = this.#change(sample, before);
      if (change > from && change <= to) return change;
    }
    return undefined;
  }
}

const zones = new Map<string, Zone>();
/** There are about 600 names; more can only be other spellings. */
const MAX_ZONES = 1_000;

/**
 * The zone of an IANA name such as `Europe/Paris` or `UTC`; the same object for the same name.
 *
 * @throws PolicyTextError `timeZone`: unknown, empty, or an offset such as `+02:00`.
 */
export function parseZone(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  if (!/^[A-Za-z]/.test(name) || !IANAZone.isValidZone(name))
    throw new PolicyTextError(
      'timeZone',
      name,
      'is not the name of a time zone: use one of the IANA database, such as Europe/Paris or UTC',
    );
  if (zones.size >= MAX_ZONES) zones.clear();
  const zone = new Zone(name, IANAZone.create(name));
  zones.set(name, zone);
  return zone;
}

/** Universal time. */
export const utcZone = (): Zone => parseZone('UTC');
