/**
 * When a policy may act: the union of its maintenance windows less its blackouts. No maintenance window = always open
 * outside blackouts.
 */
import { parseCron } from './cron.ts';
import type { EffectiveBlackout, EffectiveWindow } from './effective.ts';
import { ENDLESS_MS, FixedTimeline, RecurringTimeline } from './recurrence.ts';
import type { Interval, Timeline } from './recurrence.ts';
import { parseZone, utcZone } from './zone.ts';
import type { Zone } from './zone.ts';

export type { Interval } from './recurrence.ts';

/** Where an instant stands in the windows. Instants are ms since the epoch; an undefined one never comes. */
export interface WindowVerdict {
  /** In a maintenance window and in no blackout. */
  readonly open: boolean;
  /** In a blackout, whatever the maintenance windows say. */
  readonly blackout: boolean;
  /** Name of the blackout that is on, else of the window that is; of several, the one that ends last. */
  readonly name: string | undefined;
  /** When it stops being open: the end of the window or the start of the next blackout. Undefined while closed, or when it stays open for longer than a year. */
  readonly closesAt: number | undefined;
  /** The next instant at which it becomes open. */
  readonly nextOpensAt: number | undefined;
  /** Start of the next blackout; the current instant while one is on. */
  readonly blackoutAt: number | undefined;
  /** For showing times: the zone of the window that is open, else of the one that opens next, else of the blackout, else UTC. */
  readonly zone: Zone;
  /** The next instant at which any part of this verdict may change. */
  readonly nextChange: number;
}

export interface WindowSpec {
  readonly maintenanceWindows: readonly EffectiveWindow[];
  readonly blackoutWindows: readonly EffectiveBlackout[];
}

interface Part {
  readonly name: string | undefined;
  readonly zone: Zone;
  readonly timeline: Timeline;
}

/** A verdict is looked at anew after so long even if nothing is known to change: an endless run is only known for a year. */
const VERDICT_MS = 86_400_000;
/** Windows that have been found blacked out so many times in a row count as never opening. */
const MAX_BLACKED_OUT = 2_000;
/** The same for so many times over more than three years, which only a calendar that excludes itself can do. */
const MAX_BLACKED_OUT_YEARS = { tries: 8, ms: 3 * 366 * 86_400_000 };

/**
 * The windows of one policy, read once. Answers are pure functions of the instant; what was computed is remembered, so
 * that a question about the same stretch of time is a look-up.
 *
 * @throws PolicyTextError from the constructor when a text cannot be read; `validatePolicy` names the field.
 */
export class CompiledWindows {
  readonly #maintenance: readonly Part[];
  readonly #blackouts: readonly Part[];
  #last: { from: number; verdict: WindowVerdict } | undefined;

  constructor(spec: WindowSpec) {
    this.#maintenance = spec.maintenanceWindows.map(recurring);
    this.#blackouts = spec.blackoutWindows.map((blackout) =>
      blackout.kind === 'fixed'
        ? {
            name: blackout.name,
            zone: utcZone(),
            timeline: new FixedTimeline({ start: blackout.fromMs, end: blackout.untilMs }),
          }
        : recurring(blackout),
    );
  }

  /** The verdict for an instant. */
  at(now: number): WindowVerdict {
    const last = this.#last;
    if (last !== undefined && now >= last.from && now < last.verdict.nextChange) return last.verdict;
    const verdict = this.#judge(now);
    this.#last = { from: now, verdict };
    return verdict;
  }

  /** Ms until it stops being open: 0 while closed, Infinity when it stays open for longer than a year. */
  remaining(now: number): number {
    const { open, closesAt } = this.at(now);
    return open ? (closesAt ?? Number.POSITIVE_INFINITY) - now : 0;
  }

  /** The open intervals within [from, until), ascending, clipped to it. */
  availability(from: number, until: number): Interval[] {
    const open: Interval[] = [];
    for (const interval of this.openFrom(from)) {
      if (interval.start >= until) break;
      open.push({ start: interval.start, end: Math.min(interval.end, until) });
    }
    return open;
  }

  /** The open intervals from an instant on, one after the other, as long as there are any. */
  *openFrom(from: number): Generator<Interval> {
    let start = this.#nextOpen(from);
    while (start !== undefined) {
      const end = this.#closeOf(start);
      yield { start, end };
      start = Number.isFinite(end) ? this.#nextOpen(end) : undefined;
    }
  }

  #judge(now: number): WindowVerdict {
    const blackout = latest(this.#blackouts, now);
    const window = latest(this.#maintenance, now);
    const open = blackout === undefined && (window !== undefined || this.#maintenance.length === 0);
    const closesAt = open ? finite(this.#closeOf(now)) : undefined;
    const nextOpensAt = open && closesAt === undefined ? undefined : this.#nextOpen(closesAt ?? now);
    return {
      open,
      blackout: blackout !== undefined,
      name: (blackout ?? window)?.name,
      closesAt,
      nextOpensAt,
      blackoutAt: blackout === undefined ? earliestStart(this.#blackouts, now) : now,
      zone: (open ? window : (this.#windowAt(nextOpensAt) ?? blackout))?.zone ?? utcZone(),
      nextChange: this.#nextChange(now),
    };
  }

  #windowAt(instant: number | undefined): Part | undefined {
    return instant === undefined ? undefined : latest(this.#maintenance, instant);
  }

  /** End of the open stretch that holds `instant`, which is open. */
  #closeOf(instant: number): number {
    const end =
      this.#maintenance.length === 0 ? Number.POSITIVE_INFINITY : endOfRun(this.#maintenance, instant);
    return Math.min(end, earliestStart(this.#blackouts, instant) ?? Number.POSITIVE_INFINITY);
  }

  /** The first open instant, `from` included. */
  #nextOpen(from: number): number | undefined {
    let at = from;
    for (let tried = 0; tried < MAX_BLACKED_OUT; tried += 1) {
      at = endOfRun(this.#blackouts, at);
      if (!Number.isFinite(at)) return undefined;
      if (this.#maintenance.length === 0 || latest(this.#maintenance, at) !== undefined) return at;
      const next = earliestStart(this.#maintenance, at);
      if (next === undefined) return undefined;
      if (tried > MAX_BLACKED_OUT_YEARS.tries && next > from + MAX_BLACKED_OUT_YEARS.ms) return undefined;
      at = next;
    }
    return undefined;
  }

  #nextChange(now: number): number {
    let next = now + VERDICT_MS;
    for (const { timeline } of [...this.#maintenance, ...this.#blackouts]) {
      const end = timeline.covering(now)?.end ?? Number.POSITIVE_INFINITY;
      const start = timeline.nextStart(now) ?? Number.POSITIVE_INFINITY;
      next = Math.min(next, end, start);
    }
    return next;
  }
}

const recurring = (window: EffectiveWindow): Part => {
  const zone = parseZone(window.timeZone);
  return {
    name: window.name,
    zone,
    timeline: new RecurringTimeline(parseCron(window.schedule), zone, window.durationMs),
  };
};

const finite = (instant: number): number | undefined => (Number.isFinite(instant) ? instant : undefined);

/** Of the parts that are on at an instant the one that ends last; of equals the first listed. */
function latest(parts: readonly Part[], instant: number): Part | undefined {
  let found: Part | undefined;
  let foundEnd = Number.NEGATIVE_INFINITY;
  for (const part of parts) {
    const end = part.timeline.covering(instant)?.end;
    if (end === undefined || end <= foundEnd) continue;
    found = part;
    foundEnd = end;
  }
  return found;
}

/** The end of the union of the parts around an instant: the instant itself when none is on. Parts that touch continue each other. */
function endOfRun(parts: readonly Part[], instant: number): number {
  let at = instant;
  for (;;) {
    const interval = latest(parts, at)?.timeline.covering(at);
    if (interval === undefined) return at;
    // An interval that begins late and lasts long was written so; pieces that go on for so long do so for ever.
    if (interval.end === Number.POSITIVE_INFINITY || interval.start > instant + ENDLESS_MS)
      return Number.POSITIVE_INFINITY;
    at = interval.end;
  }
}

function earliestStart(parts: readonly Part[], instant: number): number | undefined {
  let earliest: number | undefined;
  for (const { timeline } of parts) {
    const start = timeline.nextStart(instant);
    if (start !== undefined && (earliest === undefined || start < earliest)) earliest = start;
  }
  return earliest;
}
