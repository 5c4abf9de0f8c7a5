import { describe, expect, it } from 'vitest';
import { UpdatePolicySpec } from '../api/v1/updatepolicy.ts';
import { parseDuration } from './duration.ts';
import { withDefaults } from './effective.ts';

const written = (schema: unknown): unknown => (schema as { default?: unknown }).default;

describe('an empty spec', () => {
  it('means what the documentation says', () =>
    expect(withDefaults({})).toEqual({
      mode: 'Enabled',
      priority: 0,
      nodeSelector: {},
      maxConcurrentUpdates: 1,
      maxUnavailable: null,
      topology: null,
      intervalMs: 0,
      cordonedNodes: 'Skip',
      version: { range: '*', exclude: [], waves: 'Respect', hostLock: 'Pin' },
      maintenanceWindows: [],
      blackoutWindows: [],
      minRemainingMs: 900_000,
      onClose: 'StopBeforeReboot',
      drain: {
        timeoutMs: 1_800_000,
        onTimeout: 'Requeue',
        gracePeriodSeconds: null,
        ignorePods: null,
        waitForPods: null,
      },
      health: { stableForMs: 120_000 },
      timeouts: { stageMs: 1_800_000, rebootMs: 900_000, verifyMs: 900_000 },
    }));

  it('takes its defaults from the schema, so from the CRD', () => {
    const { properties } = UpdatePolicySpec;
    const effective = withDefaults({});
    expect(effective.mode).toBe(written(properties.mode));
    expect(effective.maxConcurrentUpdates).toBe(written(properties.maxConcurrentUpdates));
    expect(effective.minRemainingMs).toBe(parseDuration(String(written(properties.minRemaining))));
    expect(effective.timeouts.rebootMs).toBe(
      parseDuration(String(written(properties.timeouts.properties.reboot))),
    );
  });
});

describe('a written spec', () => {
  it('keeps what is written and fills in the rest, in nested objects and lists too', () => {
    const effective = withDefaults({
      topology: { key: 'rack' },
      drain: { timeout: '5m', waitForPods: { matchLabels: { app: 'batch' } } },
      maintenanceWindows: [{ schedule: '0 1 * * 6', duration: '6h' }],
      blackoutWindows: [
        { from: '2026-12-20T00:00:00Z', until: '2027-01-05T00:00:00Z' },
        { name: 'office', schedule: '0 8 * * 1-5', duration: '10h' },
      ],
    });
    expect(effective.topology).toEqual({ key: 'rack', maxConcurrentUpdates: 1, maxDomains: 0 });
    expect(effective.drain).toMatchObject({ timeoutMs: 300_000, onTimeout: 'Requeue', ignorePods: null });
    expect(effective.maintenanceWindows).toEqual([
      { name: undefined, schedule: '0 1 * * 6', durationMs: 21_600_000, timeZone: 'UTC' },
    ]);
    expect(effective.blackoutWindows).toEqual([
      { kind: 'fixed', name: undefined, fromMs: 1_797_724_800_000, untilMs: 1_799_107_200_000 },
      { kind: 'recurring', name: 'office', schedule: '0 8 * * 1-5', durationMs: 36_000_000, timeZone: 'UTC' },
    ]);
  });

  it('does not change what was read', () => {
    const spec = Object.freeze({ drain: Object.freeze({}), maintenanceWindows: [] });
    withDefaults(spec);
    expect(spec.drain).toEqual({});
  });

  it('falls back to the default where a text cannot be read', () => {
    const effective = withDefaults({
      minRemaining: '1d',
      maintenanceWindows: [{ schedule: '0 1 * * 6', duration: 'long' }],
      blackoutWindows: [{ from: 'now', until: 'later' }],
    });
    expect(effective).toMatchObject({ minRemainingMs: 900_000, maintenanceWindows: [], blackoutWindows: [] });
  });
});
