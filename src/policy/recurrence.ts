/** One recurring window: from cron fires on the wall clock to intervals of instants, merged, found fast. */
import { DAY_MS, MINUTE_MS } from './calendar.ts';
import type { CronSchedule } from './cron.ts';
import { MAX_OFFSET_MS } from './zone.ts';
import type { Zone } from './zone.ts';

/** Start inclusive, end exclusive; milliseconds since the epoch. `end` may be Infinity. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Something that is on during intervals that do not touch each other. */
export interface Timeline {
  /** The interval that holds `instant`; its start may be later than the true one, its end is the true one. */
  covering(instant: number): Interval | undefined;
  /** Start of the first interval that begins after `instant`; undefined when there is none. */
  nextStart(instant: number): number | undefined;
}

/** A run that goes on for longer than this counts as endless. */
export const ENDLESS_MS = 400 * DAY_MS;
/** How far ahead the next start is searched; see the search of cron.ts. */
const SEARCH_MS = 41 * 366 * DAY_MS;
/** Intervals kept before those that are over are forgotten. */
const MAX_KEPT = 4_096;

/** An interval given by its two ends. */
export class FixedTimeline implements Timeline {
  readonly #interval: Interval;

  constructor(interval: Interval) {
    this.#interval = interval;
  }

  covering(instant: number): Interval | undefined {
    const { start, end } = this.#interval;
    return start <= instant && instant < end ? this.#interval : undefined;
  }

  nextStart(instant: number): number | undefined {
    const { start, end } = this.#interval;
    return instant < start && start < end ? start : undefined;
  }
}

/**
 * A window that opens at each wall-clock fire of a schedule in a zone and lasts a length of elapsed time. Fires that
 * overlap or touch merge. Days are expanded as they are asked for and remembered; the answers do not depend on that.
 */
export class RecurringTimeline implements Timeline {
  readonly #schedule: CronSchedule;
  readonly #zone: Zone;
  readonly #durationMs: number;
  /** Fires of one day that merge where the offset is constant: wall time of day of the first and of the last of each group. */
  readonly #groups: Interval[];
  #starts: number[] = [];
  #ends: number[] = [];
  /** Answers are right from here on. */
  #from = Number.POSITIVE_INFINITY;
  /** First wall-clock day that has not been expanded. */
  #nextDay = 0;

  constructor(schedule: CronSchedule, zone: Zone, durationMs: number) {
    this.#schedule = schedule;
    this.#zone = zone;
    this.#durationMs = durationMs;
    this.#groups = groupFires(schedule.minutesOfDay, durationMs);
  }

  covering(instant: number): Interval | undefined {
    this.#prepare(instant);
    while (this.#known <= instant) this.#expandDay();
    let index = this.#firstEndingAfter(instant);
    if (index >= this.#starts.length || this.#start(index) > instant) return undefined;
    const limit = instant + ENDLESS_MS;
    // What ends beyond the known days may still be continued by the next one.
    while (this.#end(index) >= this.#known && this.#known < limit) this.#expandDay();
    index = this.#firstEndingAfter(instant);
    const end = this.#end(index);
    return { start: this.#start(index), end: end >= this.#known ? Number.POSITIVE_INFINITY : end };
  }

  nextStart(instant: number): number | undefined {
    this.#prepare(instant);
    const limit = instant + SEARCH_MS;
    while (this.#known <= instant) this.#expandDay();
    for (;;) {
      const start = this.#firstStartAfter(instant);
      if (start !== undefined && start < this.#known) return start;
      if (this.#known >= limit || this.#endlessAt(instant)) return undefined;
      this.#expandDay();
    }
  }

  /** Whether the run that holds `instant` is known to go on for so long that no other start is looked for. */
  #endlessAt(instant: number): boolean {
    const last = this.#starts.length - 1;
    return last >= 0 && this.#start(last) <= instant && this.#end(last) > instant + ENDLESS_MS;
  }

  /** All fires before this instant have been expanded. */
  get #known(): number {
    return this.#nextDay * DAY_MS - MAX_OFFSET_MS;
  }

  #prepare(instant: number): void {
    const stale = this.#starts.length > MAX_KEPT && this.#firstEndingAfter(instant) > MAX_KEPT / 2;
    if (instant >= this.#from && !stale) return;
    this.#starts = [];
    this.#ends = [];
    this.#from = instant;
    // A fire that still lasts began at most a duration ago; one inside a skipped day was put off by at most a day.
    this.#nextDay = Math.floor((instant - this.#durationMs - MAX_OFFSET_MS) / DAY_MS) - 1;
  }

  #expandDay(): void {
    const day = this.#nextDay;
    this.#nextDay += 1;
    if (!this.#schedule.firesOn(day)) return;
    const midnight = day * DAY_MS;
    const offset = this.#zone.constantOffset(midnight - MAX_OFFSET_MS, midnight + DAY_MS + MAX_OFFSET_MS);
    if (offset !== undefined) {
      for (const { start, end } of this.#groups)
        this.#append(midnight + start - offset, midnight + end - offset + this.#durationMs);
      return;
    }
    for (const minute of this.#schedule.minutesOfDay) {
      const start = this.#zone.firstInstantShowing(midnight + minute * MINUTE_MS);
      this.#append(start, start + this.#durationMs);
    }
  }

  /** Fires come in ascending order, because the mapping to instants keeps the order. */
  #append(start: number, end: number): void {
    const last = this.#ends.length - 1;
    const lastEnd = this.#ends[last];
    if (lastEnd !== undefined && start <= lastEnd) this.#ends[last] = Math.max(lastEnd, end);
    else {
      this.#starts.push(start);
      this.#ends.push(end);
    }
  }

  #start(index: number): number {
    return this.#starts[index] ?? Number.POSITIVE_INFINITY;
  }

  #end(index: number): number {
    return this.#ends[index] ?? Number.POSITIVE_INFINITY;
  }

  #firstEndingAfter(instant: number): number {
    return firstAfter(this.#ends, instant);
  }

  #firstStartAfter(instant: number): number | undefined {
    return this.#starts[firstAfter(this.#starts, instant)];
  }
}

/** Index of the first value greater than `limit` in ascending values; their length when there is none. */
function firstAfter(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

function groupFires(minutesOfDay: readonly number[], durationMs: number): Interval[] {
  const groups: { start: number; end: number }[] = [];
  for (const minute of minutesOfDay) {
    const at = minute * MINUTE_MS;
    const last = groups.at(-1);
    if (last !== undefined && at <= last.end + durationMs) last.end = at;
    else groups.push({ start: at, end: at });
  }
  return groups;
}
