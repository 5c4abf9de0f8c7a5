/** Texts in policies: each by itself, whatever the API server would have said of it. */
import * as fc from 'fast-check';
import { resolveLimit } from '../../../src/policy/budget.ts';
import { parseCron } from '../../../src/policy/cron.ts';
import { durationText, formatDuration, parseDuration } from '../../../src/policy/duration.ts';
import { PolicyTextError } from '../../../src/policy/errors.ts';
import { parseInstant } from '../../../src/policy/instant.ts';
import { RecurringTimeline } from '../../../src/policy/recurrence.ts';
import { compileSelector, selectorErrors } from '../../../src/policy/selector.ts';
import { compareVersions, parseExclude, parseRange, VersionRules } from '../../../src/policy/versions.ts';
import { parseZone } from '../../../src/policy/zone.ts';
import {
  durations,
  instants,
  labelKeys,
  labelValues,
  long,
  nearly,
  noise,
  percentages,
  ranges,
  schedules,
  type Texts,
  versions,
  zones,
} from '../../support/draw/texts.ts';
import { attempt, must, target } from '../target.ts';

/** The text, its quotation, and a sentence. */
const MAX_WORDS = 700;

/** Refused by one class alone, with words of bounded length. */
const refused = (error: unknown): boolean =>
  error instanceof PolicyTextError && error.message.length <= 2 * error.text.length + MAX_WORDS;
const read = <T>(work: () => T): T | undefined => attempt(work, refused);

const texts = (good: Texts): Texts =>
  fc.oneof(
    { weight: 12, arbitrary: nearly(good) },
    { weight: 1, arbitrary: noise },
    { weight: 1, arbitrary: long },
  );

export const durationTexts = target({
  name: 'durations',
  share: 8_000,
  inputs: texts(durations),
  check: (text) => {
    const ms = read(() => parseDuration(text));
    if (ms === undefined) return;
    must(Number.isSafeInteger(ms) && ms >= 0, 'a duration is whole milliseconds', { text, ms });
    must(parseDuration(durationText(ms)) === ms, 'a duration is written as it is read', { text, ms });
    must(formatDuration(ms).length < 20, 'a duration is short for people', { text });
  },
});

export const instantTexts = target({
  name: 'instants',
  share: 6_000,
  inputs: texts(instants),
  check: (text) => {
    const ms = read(() => parseInstant(text));
    if (ms === undefined) return;
    must(parseInstant(new Date(ms).toISOString()) === ms, 'an instant is written as it is read', {
      text,
      ms,
    });
  },
});

/** A field of a schedule. */
const field = fc.oneof(
  fc.constant('*'),
  fc.nat(70).map(String),
  fc.tuple(fc.nat(60), fc.nat(60)).map((ends) => ends.join('-')),
  fc.tuple(fc.constantFrom('*', '5', '1-20'), fc.nat(61)).map((parts) => parts.join('/')),
  fc.constantFrom('SUN', 'mon-fri', 'JAN', 'dec', 'L', '#2', '1,2', '1,,2', '?', '1-'),
);
const cron = fc.oneof(
  texts(schedules),
  fc.array(field, { minLength: 4, maxLength: 6 }).map((fields) => fields.join(' ')),
);
const START = Date.UTC(2026, 2, 28);
/** More days than are looked through for the first fire, and the first fire after that. */
const MAX_DAYS = 3 * 41 * 366;

export const scheduleTexts = target({
  name: 'schedules, in zones',
  share: 2_500,
  inputs: fc.record({ schedule: cron, zone: texts(zones), duration: texts(durations) }),
  check: ({ schedule, zone, duration }) => {
    const [parsed, place, ms] = [
      read(() => parseCron(schedule)),
      read(() => parseZone(zone)),
      read(() => parseDuration(duration)),
    ];
    if (parsed === undefined) return;
    let days = 0;
    const counted = { ...parsed, firesOn: (day: number): boolean => (days++, parsed.firesOn(day)) };
    const timeline = new RecurringTimeline(
      counted,
      place ?? parseZone('UTC'),
      Math.min(ms ?? 0, 168 * 3_600_000),
    );
    const next = timeline.nextStart(START);
    const covering = timeline.covering(START);
    must(next === undefined || next > START, 'the next start lies ahead', { next });
    must(
      covering === undefined || (covering.start <= START && covering.end > START),
      'what covers an instant does',
      { covering },
    );
    must(days <= MAX_DAYS, 'days are looked at a bounded number of times', { days });
  },
});

export const versionTexts = target({
  name: 'versions and ranges',
  share: 8_000,
  inputs: fc.record({
    range: texts(ranges),
    exclude: texts(versions),
    offered: fc.array(texts(versions), { maxLength: 5 }),
    current: texts(versions),
  }),
  check: ({ range, exclude, offered, current }) => {
    const isRange = read(() => parseRange(range)) !== undefined;
    const excluded = read(() => parseExclude(exclude));
    if (!isRange) return;
    const rules = new VersionRules({
      range,
      exclude: excluded === undefined ? [] : [exclude],
      hostLock: 'Pin',
    });
    const verdict = rules.judge({ current, available: offered });
    if (verdict.kind !== 'eligible') return;
    const facts = { range, exclude, offered, current, verdict };
    must(rules.refusal(verdict.version) === undefined, 'a target is allowed', facts);
    must(verdict.version !== excluded?.version, 'a target is not excluded', facts);
    must(compareVersions(verdict.version, current) > 0, 'a target is newer', facts);
    must(
      offered.some((text) => compareVersions(text, verdict.version) === 0),
      'a target is offered',
      facts,
    );
  },
});

const selector = fc.record(
  {
    matchLabels: fc.dictionary(nearly(labelKeys), nearly(labelValues), { maxKeys: 3 }),
    matchExpressions: fc.array(
      fc.record(
        {
          key: nearly(labelKeys),
          operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'constructor'),
          values: fc.array(nearly(labelValues), { maxLength: 3 }),
        },
        { requiredKeys: ['key', 'operator'] },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
);

export const selectors = target({
  name: 'selectors',
  share: 6_000,
  inputs: fc.record({
    selector,
    labels: fc.option(fc.dictionary(nearly(labelKeys), labelValues, { maxKeys: 3 }), { nil: undefined }),
  }),
  check: ({ selector: given, labels }) => {
    const errors = selectorErrors(given, 'spec.nodeSelector');
    must(
      errors.every(({ path }) => path.startsWith('spec.nodeSelector.')),
      'an error has its place',
      { errors },
    );
    must(typeof compileSelector(given)(labels) === 'boolean', 'a selector says yes or no');
  },
});

export const limits = target({
  name: 'numbers of nodes',
  share: 4_000,
  inputs: fc.record({
    limit: fc.oneof(texts(percentages), fc.double(), fc.integer()),
    total: fc.nat(20_000),
  }),
  check: ({ limit, total }) => {
    const found = read(() => resolveLimit(limit, total));
    must(
      found === undefined || found === Infinity || (Number.isInteger(found) && found >= 0),
      'a limit is a number',
      { limit, found },
    );
  },
});
