/** When a story begins, and the windows of its policies around that: the nights in which clocks change above all. */
import type { UpdatePolicySpec } from '../../../api/v1/updatepolicy.ts';
import { rfc3339 } from '../../../runtime/clock.ts';
import { pick, randomInt } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR_MS = 365 * 24 * HOUR;
/** 2026-01-01T00:00:00Z; a story begins somewhere in the year after. */
const FIRST_START_MS = 1_767_225_600_000;

/** When clocks change, and where. */
const CHANGES: readonly [at: string, zone: string][] = [
  ['2026-03-29T01:00:00Z', 'Europe/Paris'],
  ['2026-10-25T01:00:00Z', 'Europe/Paris'],
  ['2026-03-08T07:00:00Z', 'America/New_York'],
  ['2026-11-01T06:00:00Z', 'America/New_York'],
  ['2026-04-04T15:00:00Z', 'Australia/Lord_Howe'],
  ['2026-10-03T15:30:00Z', 'Australia/Lord_Howe'],
];
const ZONES = ['UTC', 'Asia/Kathmandu', 'America/New_York', 'Pacific/Apia'];

/** The start of a story. */
export interface Start {
  startMs: number;
  /** The zone its policies think in. */
  zone: string;
}

export function drawStart(random: SeededRandom): Start {
  if (random() < 0.75) {
    return { startMs: FIRST_START_MS + randomInt(random, YEAR_MS), zone: pick(random, ZONES) };
  }
  const [at, zone] = pick(random, CHANGES);
  return { startMs: Date.parse(at) - randomInt(random, 90 * MINUTE), zone };
}

type Windows = Pick<UpdatePolicySpec, 'maintenanceWindows' | 'blackoutWindows' | 'minRemaining' | 'onClose'>;

/** Most policies are always open. What is drawn opens often enough for everything to be updated within a day or two. */
export function drawWindows(random: SeededRandom, start: Start): Windows {
  const onClose = pick(random, ['StopBeforeReboot', 'StopBeforeReboot', 'Finish'] as const);
  const share = random();
  if (share < 0.55) return { minRemaining: '0s' };
  if (share < 0.8) return { ...drawOpen(random, start), onClose };
  return { ...drawBlackout(random, start), onClose, minRemaining: pick(random, ['0s', '2m']) };
}

function drawOpen(random: SeededRandom, { startMs, zone }: Start): Windows {
  const offset = randomInt(random, 30);
  const minute = (new Date(startMs).getUTCMinutes() + offset) % 60;
  const isDaily = random() < 0.15;
  const schedule = isDaily
    ? wallClock(startMs + offset * MINUTE, zone)
    : pick(random, [`${minute} * * * *`, `${minute} */2 * * *`, `*/30 * * * *`]);
  const window = {
    schedule,
    duration: isDaily ? pick(random, ['1h', '3h']) : pick(random, ['15m', '20m', '40m']),
    timeZone: zone,
  };
  return { maintenanceWindows: [window], minRemaining: pick(random, ['0s', '1m', '5m']) };
}

/** The cron text of the time of day at an instant. */
function wallClock(atMs: number, timeZone: string): string {
  const text = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone,
  }).format(atMs);
  const [hour = '0', minute = '0'] = text.split(':');
  return `${Number(minute)} ${Number(hour)} * * *`;
}

function drawBlackout(random: SeededRandom, { startMs, zone }: Start): Windows {
  const from = startMs + randomInt(random, 30 * MINUTE);
  return {
    blackoutWindows: [
      pick(random, [
        { from: rfc3339(from), until: rfc3339(from + MINUTE + randomInt(random, 2 * HOUR)) },
        { schedule: '*/30 * * * *', duration: pick(random, ['1m', '5m', '10m']), timeZone: zone },
      ]),
    ],
  };
}
