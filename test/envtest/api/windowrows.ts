/** UpdatePolicies with windows that are accepted and refused. */
import { accepts, refuses } from './row.ts';
import type { Row } from './row.ts';

const FIVE_FIELDS = 'must be a cron text of exactly five fields';
const weekend = { schedule: '0 1 * * 6', duration: '6h' };
const windows = (...maintenanceWindows: unknown[]) => ({ maintenanceWindows });
const blackouts = (...blackoutWindows: unknown[]) => ({ blackoutWindows });
const FROM = '2026-12-20T00:00:00Z';
const UNTIL = '2027-01-07T00:00:00+01:00';

export const maintenance: readonly Row[] = [
  accepts('no windows: always open', windows()),
  accepts('a weekend in Paris', windows({ ...weekend, name: 'weekend', timeZone: 'Europe/Paris' })),
  accepts(
    'names, lists, ranges and steps',
    windows({ schedule: '*/15 0-4 1,15 JAN-MAR MON-FRI', duration: '1h' }),
  ),
  accepts(
    'several windows without names',
    windows(
      weekend,
      { ...weekend, timeZone: 'America/Argentina/Buenos_Aires' },
      { ...weekend, timeZone: 'Etc/GMT+5' },
    ),
  ),
  accepts('the shortest and the longest window', {
    ...windows({ ...weekend, duration: '15m' }, { ...weekend, duration: '168h' }),
    minRemaining: '5m',
  }),
  refuses(
    'a window without schedule and duration',
    windows({}),
    'spec.maintenanceWindows[0].schedule: Required value',
    'spec.maintenanceWindows[0].duration: Required value',
  ),
  refuses(
    'a window that is a text',
    windows('0 1 * * 6'),
    'spec.maintenanceWindows[0]: Invalid value: "string"',
  ),
  refuses('a window that is null', windows(null), 'spec.maintenanceWindows[0]: Invalid value: "null"'),
  refuses(
    'windows that are no list',
    { maintenanceWindows: weekend },
    'spec.maintenanceWindows: Invalid value: "object"',
  ),
  refuses(
    'a shorthand',
    windows({ ...weekend, schedule: '@weekly' }),
    `spec.maintenanceWindows[0].schedule: Invalid value: "@weekly": ${FIVE_FIELDS}`,
  ),
  refuses(
    'a field for seconds',
    windows({ ...weekend, schedule: '0 0 1 * * 6' }),
    `spec.maintenanceWindows[0].schedule: Invalid value: "0 0 1 * * 6": ${FIVE_FIELDS}`,
  ),
  refuses(
    'four fields',
    windows({ ...weekend, schedule: '0 1 * *' }),
    `spec.maintenanceWindows[0].schedule: Invalid value: "0 1 * *": ${FIVE_FIELDS}`,
  ),
  refuses(
    'an empty schedule',
    windows({ ...weekend, schedule: '' }),
    `spec.maintenanceWindows[0].schedule: Invalid value: "": ${FIVE_FIELDS}`,
  ),
  refuses(
    'a question mark',
    windows({ ...weekend, schedule: '0 1 ? * 6' }),
    `Invalid value: "0 1 ? * 6": ${FIVE_FIELDS}`,
  ),
  refuses(
    'the second Saturday of a month',
    windows({ ...weekend, schedule: '0 1 * * 6#2' }),
    `Invalid value: "0 1 * * 6#2": ${FIVE_FIELDS}`,
  ),
  refuses(
    'a schedule that is too long',
    windows({ ...weekend, schedule: `0 1 * * ${'6,'.repeat(70)}6` }),
    'spec.maintenanceWindows[0].schedule: Too long: may not be more than 128 bytes',
  ),
  refuses(
    'a window too short',
    windows({ ...weekend, duration: '14m59s' }),
    'spec.maintenanceWindows[0].duration: Invalid value: "14m59s": must be from 15m to 168h',
  ),
  refuses(
    'a window longer than a week',
    windows({ ...weekend, duration: '168h1s' }),
    'spec.maintenanceWindows[0].duration: Invalid value: "168h1s": must be from 15m to 168h',
  ),
  refuses(
    'a window in days',
    windows({ ...weekend, duration: '1d' }),
    'spec.maintenanceWindows[0].duration: Invalid value: "1d": must be a duration',
  ),
  refuses(
    'an offset as a zone',
    windows({ ...weekend, timeZone: '+02:00' }),
    'spec.maintenanceWindows[0].timeZone: Invalid value: "+02:00": must be an IANA time zone such as Europe/Paris',
  ),
  refuses(
    'an empty zone',
    windows({ ...weekend, timeZone: '' }),
    'spec.maintenanceWindows[0].timeZone: Invalid value: "": must be an IANA time zone',
  ),
  refuses(
    'two windows of the same name',
    windows({ ...weekend, name: 'a' }, { ...weekend, name: 'b' }, { ...weekend, name: 'a' }),
    'spec.maintenanceWindows: Invalid value: two maintenance windows have the same name',
  ),
  refuses(
    'an empty name',
    windows({ ...weekend, name: '' }),
    'spec.maintenanceWindows[0].name: Invalid value: "": spec.maintenanceWindows[0].name in body should be at least 1 chars long',
  ),
  refuses(
    'a name that is too long',
    windows({ ...weekend, name: 'n'.repeat(64) }),
    'spec.maintenanceWindows[0].name: Too long: may not be more than 63 bytes',
  ),
  refuses(
    '33 windows',
    { maintenanceWindows: Array.from({ length: 33 }, () => weekend) },
    'spec.maintenanceWindows: Too many: 33: must have at most 32 items',
  ),
  refuses(
    'a window no longer than the default minRemaining',
    windows({ ...weekend, duration: '15m' }),
    'spec.maintenanceWindows: Invalid value: every maintenance window must be longer than minRemaining',
  ),
  refuses(
    'one of the windows no longer than minRemaining',
    { ...windows(weekend, { ...weekend, duration: '1h' }), minRemaining: '1h' },
    'spec.maintenanceWindows: Invalid value: every maintenance window must be longer than minRemaining',
  ),
];

export const blackout: readonly Row[] = [
  accepts('the holidays', blackouts({ name: 'holidays', from: FROM, until: UNTIL })),
  accepts('every Friday', blackouts({ schedule: '0 0 * * FRI', duration: '24h', timeZone: 'Asia/Kolkata' })),
  accepts('both kinds, and the name of a maintenance window', {
    ...windows({ ...weekend, name: 'a' }),
    ...blackouts({ name: 'a', from: FROM, until: UNTIL }, { schedule: '0 0 * * 5', duration: '24h' }),
  }),
  accepts(
    'fractions of a second',
    blackouts({ from: '2026-12-20T00:00:00.5Z', until: '2026-12-20T00:00:00.75Z' }),
  ),
  refuses(
    'an empty blackout',
    blackouts({}),
    'spec.blackoutWindows[0]: Invalid value: must be either from and until',
  ),
  refuses(
    'a blackout with a name alone',
    blackouts({ name: 'x' }),
    'spec.blackoutWindows[0]: Invalid value: must be either from and until',
  ),
  refuses(
    'both pairs',
    blackouts({ from: FROM, until: UNTIL, ...weekend }),
    'spec.blackoutWindows[0]: Invalid value: must be either from and until',
  ),
  refuses(
    'from and a schedule',
    blackouts({ from: FROM, schedule: '0 1 * * 6' }),
    'spec.blackoutWindows[0]: Invalid value: must be either from and until',
    'spec.blackoutWindows[0]: Required value: from and until belong together',
    'spec.blackoutWindows[0]: Required value: schedule and duration belong together',
  ),
  refuses(
    'from without until',
    blackouts({ from: FROM }),
    'spec.blackoutWindows[0]: Required value: from and until belong together; give both',
  ),
  refuses(
    'until without from',
    blackouts({ until: UNTIL }),
    'spec.blackoutWindows[0]: Required value: from and until belong together; give both',
  ),
  refuses(
    'a schedule without duration',
    blackouts({ schedule: '0 1 * * 6' }),
    'spec.blackoutWindows[0]: Required value: schedule and duration belong together; give both',
  ),
  refuses(
    'a duration without schedule',
    blackouts({ duration: '6h' }),
    'spec.blackoutWindows[0]: Required value: schedule and duration belong together; give both',
  ),
  refuses(
    'an end before the start',
    blackouts({ from: UNTIL, until: FROM }),
    'spec.blackoutWindows[0].until: Invalid value: must be later than from',
  ),
  refuses(
    'an end at the start, in another zone',
    blackouts({ from: '2026-12-20T00:00:00Z', until: '2026-12-20T01:00:00+01:00' }),
    'spec.blackoutWindows[0].until: Invalid value: must be later than from',
  ),
  refuses(
    'a zone for fixed instants',
    blackouts({ from: FROM, until: UNTIL, timeZone: 'Europe/Paris' }),
    'spec.blackoutWindows[0].timeZone: Forbidden: belongs to schedule',
  ),
  refuses(
    'a date without a time',
    blackouts({ from: '2026-12-20', until: UNTIL }),
    'spec.blackoutWindows[0].from: Invalid value: "2026-12-20": spec.blackoutWindows[0].from in body must be of type date-time',
  ),
  refuses(
    'a time without an offset',
    blackouts({ from: '2026-12-20T00:00:00', until: UNTIL }),
    'spec.blackoutWindows[0].from: Invalid value: "2026-12-20T00:00:00"',
  ),
  refuses(
    'a day that does not exist',
    blackouts({ from: '2026-02-29T00:00:00Z', until: UNTIL }),
    'spec.blackoutWindows[0].from: Invalid value: "2026-02-29T00:00:00Z"',
  ),
  refuses(
    'a blackout that is too short',
    blackouts({ schedule: '0 0 * * 5', duration: '30s' }),
    'spec.blackoutWindows[0].duration: Invalid value: "30s": must be from 1m to 168h',
  ),
  refuses(
    'a blackout with a shorthand',
    blackouts({ schedule: '@daily', duration: '1h' }),
    `spec.blackoutWindows[0].schedule: Invalid value: "@daily": ${FIVE_FIELDS}`,
  ),
  refuses(
    'two blackouts of the same name',
    blackouts({ name: 'x', from: FROM, until: UNTIL }, { name: 'x', schedule: '0 0 * * 5', duration: '24h' }),
    'spec.blackoutWindows: Invalid value: two blackout windows have the same name',
  ),
];
