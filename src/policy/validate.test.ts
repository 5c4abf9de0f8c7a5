import { describe, expect, it } from 'vitest';
import { RESUME_ANNOTATION } from '../api/names.ts';
import type { UpdatePolicySpec } from '../api/v1/updatepolicy.ts';
import { parseInstant } from './instant.ts';
import { describeErrors, specErrors, validatePolicy } from './validate.ts';

const weekend = { schedule: '0 1 * * 6', duration: '6h', timeZone: 'Europe/Paris' };
const now = parseInstant('2026-01-10T12:00:00Z');

const policy = (resume: string) => ({
  metadata: { name: 'workers', annotations: { [RESUME_ANNOTATION]: resume } },
  spec: {},
});

describe('a policy that is right', () => {
  it.each<[string, UpdatePolicySpec]>([
    ['empty', {}],
    [
      'with every field',
      {
        mode: 'Enabled',
        priority: 5,
        nodeSelector: { matchExpressions: [{ key: 'role', operator: 'In', values: ['worker'] }] },
        maxConcurrentUpdates: '10%',
        maxUnavailable: 3,
        topology: { key: 'topology.kubernetes.io/zone', maxConcurrentUpdates: 1, maxDomains: 1 },
        interval: '0s',
        version: { range: '>=1.40.0', exclude: ['1.43.0'], waves: 'Ignore', hostLock: 'Pin' },
        maintenanceWindows: [weekend, { schedule: '*/30 22-23 1-7 jan-mar mon', duration: '16m' }],
        blackoutWindows: [
          { from: '2026-12-20T00:00:00Z', until: '2027-01-05T00:00:00+01:00' },
          { schedule: '0 8 * * mon-fri', duration: '10h', timeZone: 'Asia/Tokyo' },
        ],
        minRemaining: '15m',
        drain: { timeout: '1h', waitForPods: { matchLabels: { app: 'batch' } }, ignorePods: null },
        health: { stableFor: '0s' },
        timeouts: { stage: '30m', reboot: '15m', verify: '15m' },
      },
    ],
    ['with nulls', { maxUnavailable: null, topology: null }],
  ])('%s', (_, spec) => expect(specErrors(spec)).toEqual([]));
});

describe('a policy that is wrong', () => {
  it.each<[UpdatePolicySpec, string, string]>([
    [{ nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }, 'spec.nodeSelector.matchExpressions[0]', 'needs values'],
    [{ drain: { ignorePods: { matchLabels: { '!': '' } } } }, 'spec.drain.ignorePods.matchLabels["!"]', 'is not a label key'],
    [{ drain: { waitForPods: { matchLabels: { '!': '' } } } }, 'spec.drain.waitForPods.matchLabels["!"]', 'is not a label key'],
    [{ maxConcurrentUpdates: 'half' }, 'spec.maxConcurrentUpdates', '"half" is neither a whole number'],
    [{ maxUnavailable: '120%' }, 'spec.maxUnavailable', '"120%" is neither'],
    [{ topology: { key: 'a b' } }, 'spec.topology.key', '"a b" is not a label key'],
    [{ interval: '1d' }, 'spec.interval', '"d" is not a unit'],
    [{ minRemaining: 'x' }, 'spec.minRemaining', 'is not a duration'],
    [{ drain: { timeout: '5' } }, 'spec.drain.timeout', 'has no unit'],
    [{ drain: { timeout: '0s' } }, 'spec.drain.timeout', 'leaves no time at all'],
    [{ health: { stableFor: '-1s' } }, 'spec.health.stableFor', 'has a sign'],
    [{ timeouts: { stage: '' } }, 'spec.timeouts.stage', 'it is empty'],
    [{ timeouts: { reboot: '0s' } }, 'spec.timeouts.reboot', 'leaves no time at all'],
    [{ timeouts: { verify: '1y' } }, 'spec.timeouts.verify', '"y" is not a unit'],
    [{ health: { stableFor: '15m' } }, 'spec.timeouts.verify', '15m is not longer than spec.health.stableFor (15m)'],
    [{ version: { range: 'newest' } }, 'spec.version.range', '"newest" is not a version range'],
    [{ version: { exclude: ['1.43.0', '1.x'] } }, 'spec.version.exclude[1]', '"1.x" is not an exact version'],
    [{ version: { waves: 'Ignore', hostLock: 'Observe' } }, 'spec.version.waves', 'use Respect, or hostLock Pin'],
    [{ maintenanceWindows: [weekend, { ...weekend, schedule: '0 1 * * 6#1' }] }, 'spec.maintenanceWindows[1].schedule', 'has "#" in day-of-week'],
    [{ maintenanceWindows: [{ ...weekend, timeZone: 'Paris' }] }, 'spec.maintenanceWindows[0].timeZone', '"Paris" is not the name of a time zone'],
    [{ maintenanceWindows: [{ ...weekend, duration: '6' }] }, 'spec.maintenanceWindows[0].duration', 'has no unit'],
    [{ maintenanceWindows: [{ ...weekend, duration: '14m' }] }, 'spec.maintenanceWindows[0].duration', 'use 15m to 168h'],
    [{ maintenanceWindows: [{ ...weekend, duration: '169h' }] }, 'spec.maintenanceWindows[0].duration', 'use 15m to 168h'],
    [{ maintenanceWindows: [{ ...weekend, duration: '15m' }] }, 'spec.maintenanceWindows[0].duration', 'is not longer than spec.minRemaining (15m)'],
    [{ maintenanceWindows: [weekend], minRemaining: '6h' }, 'spec.maintenanceWindows[0].duration', '"6h" is not longer than spec.minRemaining (6h), so no node could ever start'],
    [{ blackoutWindows: [{}] }, 'spec.blackoutWindows[0]', 'write exactly one of'],
    [{ blackoutWindows: [{ from: '2026-01-01T00:00:00Z', schedule: '0 1 * * 6' }] }, 'spec.blackoutWindows[0]', 'write exactly one of'],
    [{ blackoutWindows: [{ from: '2026-01-01T00:00:00Z' }] }, 'spec.blackoutWindows[0].until', 'is not an RFC 3339 time'],
    [{ blackoutWindows: [{ from: '2026-01-01', until: '2026-01-05T00:00:00Z' }] }, 'spec.blackoutWindows[0].from', '"2026-01-01" is not an RFC 3339 time'],
    [{ blackoutWindows: [{ from: '2026-01-05T00:00:00Z', until: '2026-01-05T01:00:00+01:00' }] }, 'spec.blackoutWindows[0].until', 'the blackout would be empty'],
    [{ blackoutWindows: [{ schedule: '@daily', duration: '1h' }] }, 'spec.blackoutWindows[0].schedule', 'is a shorthand'],
    [{ blackoutWindows: [{ schedule: '0 1 * * 6' }] }, 'spec.blackoutWindows[0].duration', 'it is empty'],
    [{ blackoutWindows: [{ schedule: '0 1 * * 6', duration: '0s' }] }, 'spec.blackoutWindows[0].duration', 'use more than 0s and at most 168h'],
    [{ blackoutWindows: [{ schedule: '0 1 * * 6', duration: '1h', timeZone: '+02:00' }] }, 'spec.blackoutWindows[0].timeZone', 'is not the name of a time zone'],
  ])('%j', (spec, path, message) =>
    expect(specErrors(spec)).toMatchObject([{ path, message: expect.stringContaining(message) as string }]),
  ); // prettier-ignore

  it('names every error, not only the first', () => {
    const errors = specErrors({
      interval: '1d',
      maintenanceWindows: [{ schedule: '@daily', duration: '1', timeZone: 'X' }],
    });
    expect(errors.map(({ path }) => path)).toEqual([
      'spec.interval',
      'spec.maintenanceWindows[0].schedule',
      'spec.maintenanceWindows[0].timeZone',
      'spec.maintenanceWindows[0].duration',
    ]);
    expect(describeErrors(errors.slice(0, 1))).toMatch(/^spec\.interval: "1d" is not a duration: /);
  });

  it('has a resume that is not a time, or in the future', () => {
    expect(validatePolicy(policy('2026-01-10T12:00:00Z'), now)).toEqual([]);
    expect(validatePolicy(policy('2026-01-10T12:00:01Z'), now)).toMatchObject([
      {
        path: 'metadata.annotations["brupop.bottlerocket.aws/resume"]',
        message: expect.stringContaining('in the future') as string,
      },
    ]);
    expect(validatePolicy(policy('true'), now)).toHaveLength(1);
  });
});
