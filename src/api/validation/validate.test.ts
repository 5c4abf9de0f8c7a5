import { describe, expect, it } from 'vitest';
import { TABLES } from '../../../test/envtest/api/rows.ts';
import { policy, shadow } from '../../../test/envtest/api/row.ts';
import { refusalText, validateObject } from './validate.ts';

describe.each(Object.entries(TABLES))('the table %s', (_, rows) => {
  it.each(rows)('$kind: $title', ({ kind, object, old, refused }) => {
    const { errors } = validateObject(kind, object, old);
    const said = refusalText(errors);
    expect(errors.length > 0, said).toBe(refused.length > 0);
    for (const part of refused) expect(said).toContain(part);
  });
});

describe('what is stored', () => {
  it('has the defaults of every field', () => {
    const { object } = validateObject('UpdatePolicy', policy({ topology: { key: 'zone' } }));
    expect(object.spec).toEqual({
      mode: 'Enabled',
      priority: 0,
      nodeSelector: {},
      maxConcurrentUpdates: 1,
      topology: { key: 'zone', maxConcurrentUpdates: 1, maxDomains: 0 },
      interval: '0s',
      cordonedNodes: 'Skip',
      version: { range: '*', exclude: [], waves: 'Respect', hostLock: 'Pin' },
      maintenanceWindows: [],
      blackoutWindows: [],
      minRemaining: '15m',
      onClose: 'StopBeforeReboot',
      drain: { timeout: '30m', onTimeout: 'Requeue' },
      health: { stableFor: '2m' },
      timeouts: { stage: '30m', reboot: '15m', verify: '15m' },
    });
    expect(object.status).toEqual({ observedGeneration: -1 });
  });

  it('keeps null where null says something', () => {
    const { object } = validateObject('UpdatePolicy', policy({ maxUnavailable: null, mode: null }));
    expect(object.spec).toMatchObject({ maxUnavailable: null, mode: 'Enabled' });
  });

  it('has no unknown fields; each is warned of with its path', () => {
    const { object, warnings, errors } = validateObject(
      'UpdatePolicy',
      policy({
        maxConcurrent: 3,
        maintenanceWindows: [{ schedule: '0 1 * * 6', duration: '6h', zone: 'UTC' }],
      }),
    );
    expect(errors).toEqual([]);
    expect(warnings).toEqual([
      'unknown field "spec.maxConcurrent"',
      'unknown field "spec.maintenanceWindows[0].zone"',
    ]);
    expect(object.spec).not.toHaveProperty('maxConcurrent');
  });

  it('leaves the object that was given as it was', () => {
    const given = policy({ drain: { timeout: '5m' } });
    const before = structuredClone(given);
    validateObject('UpdatePolicy', given);
    expect(given).toEqual(before);
  });

  it('keeps metadata', () => {
    const metadata = { name: 'a', labels: { team: 'x' } };
    expect(validateObject('UpdatePolicy', policy({}, { metadata })).object.metadata).toEqual(metadata);
  });
});

describe('an object without a name', () => {
  it.each([[undefined], [null], [{}], [{ name: null }], [{ name: 5 }]])(
    'as in metadata %j is refused',
    (metadata) => {
      const { errors } = validateObject('UpdatePolicy', { ...policy({}), metadata } as never);
      expect(errors.map(({ path }) => path)).toEqual(['metadata.name']);
    },
  );
});

describe('a mistake', () => {
  it('carries path, value and reason', () => {
    const { errors } = validateObject('UpdatePolicy', policy({ priority: 2000 }));
    expect(errors).toEqual([
      {
        path: 'spec.priority',
        value: 2000,
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 2000: spec.priority in body should be less than or equal to 1000',
      },
    ]);
  });

  it('that was there before and was not touched may stay, as in Kubernetes', () => {
    const old = shadow({ state: 'StagedUpdate' });
    const errors = (spec: object) => validateObject('BottlerocketShadow', shadow(spec), old).errors;
    expect(errors({ state: 'StagedUpdate', attempt: 1 }).filter(({ path }) => path === 'spec.state')).toEqual(
      [],
    );
    expect(errors({ state: 'PerformedUpdate' })).not.toEqual([]);
  });

  it('that a change elsewhere makes is new, though the field it is told at was not touched', () => {
    const old = policy({ health: { stableFor: '2m' }, timeouts: { verify: '15m' } });
    const now = policy({ health: { stableFor: '1h' }, timeouts: { verify: '15m' } });
    expect(validateObject('UpdatePolicy', now, old).errors.map(({ path }) => path)).toEqual([
      'spec.timeouts.verify',
    ]);
  });

  it('is an item that is no object, where items are known by a key', () => {
    const object = { ...policy({}), status: { conditions: [7] } };
    expect(
      validateObject('UpdatePolicy', object).errors.map(({ path, reason }) => [path, reason]),
    ).toContainEqual(['status.conditions[0]', 'FieldValueInvalid']);
  });
});
