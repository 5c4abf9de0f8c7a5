import { beforeEach, describe, expect, it } from 'vitest';
import { shadowName } from '../api/names.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import { rfc3339 } from '../runtime/clock.ts';
import { VirtualClock } from '../sim/clock.ts';
import type { AgentApi } from './agentapi.ts';
import type { Identity } from './auth/identity.ts';
import type { ScriptedKubernetes } from './testworld.ts';
import { report, shadowOf, world } from './testworld.ts';

let clock: VirtualClock;
let kubernetes: ScriptedKubernetes;
let api: AgentApi;
let identity: Identity;

beforeEach(async () => {
  clock = new VirtualClock();
  let bearer: string;
  ({ kubernetes, api, bearer } = world({ clock }));
  identity = await api.authenticate(bearer);
});

const recorded = (): unknown => kubernetes.shadows.get(shadowName('node-a'))?.status;

/** The host is staged and armed, the controller asks for the reboot. */
const aboutToReboot = (deadlineMs: number): ReturnType<typeof report> => {
  const staged = { version: '1.51.0', attempt: 1, bootId: 'boot-1', timestamp: 'then' };
  const shadow = shadowOf('node-a', {
    spec: {
      state: 'RebootedIntoUpdate',
      version: '1.51.0',
      attempt: 1,
      deadline: rfc3339(clock.now() + 3_600_000),
      notAfter: rfc3339(clock.now() + deadlineMs),
    },
    status: {
      current_state: 'StagedAndPerformedUpdate',
      current_version: '1.50.0',
      host: { uid: 'shadow-uid-node-a', seq: 4, generation: 1, bootId: 'boot-1', staged },
    },
  });
  kubernetes.shadows.set(shadow.metadata.name, shadow);
  api.shadowChanged(shadow);
  const at = rfc3339(clock.now());
  return report('node-a', {
    seq: 5,
    current_state: 'StagedAndPerformedUpdate',
    host: {
      bootId: 'boot-1',
      staged,
      rebootIntent: { version: '1.51.0', bootId: 'boot-1', generation: 1, at },
    },
  });
};

describe('a legal report', () => {
  it('is recorded as exactly the part of the agent, against the object it was judged by', async () => {
    expect(await api.report(identity, report('node-a'))).toEqual({
      uid: 'shadow-uid-node-a',
      generation: 1,
      seq: 1,
    });
    const [patch] = kubernetes.patches as [{ metadata: object; status: Record<string, unknown> }];
    expect(Object.keys(patch)).toEqual(['metadata', 'status']);
    expect(patch.metadata).toEqual({ resourceVersion: '1', uid: 'shadow-uid-node-a' });
    expect(Object.keys(patch.status).toSorted()).toEqual([
      'current_state',
      'current_version',
      'host',
      'target_version',
    ]);
    expect(patch.status['host']).toMatchObject({ seq: 1, saved: null, staged: null, rebootIntent: null });
  });

  it('costs one request, and so does the next one', async () => {
    await api.report(identity, report('node-a'));
    await api.report(identity, report('node-a', { seq: 2 }));
    expect(kubernetes.calls).toEqual(['review', 'patch', 'patch']);
  });

  it('is judged live when the cache lags behind', async () => {
    const shadow = kubernetes.change('node-a', (old) => ({
      ...old,
      metadata: { ...old.metadata, generation: 2 },
      spec: { ...old.spec, attempt: 1 },
    }));
    await api.report(identity, report('node-a', { generation: 2 }));
    expect(kubernetes.calls).toEqual(['review', 'get', 'patch']);
    expect(shadow.metadata.generation).toBe(2);
  });

  it('is judged again when the shadow changes before the patch', async () => {
    kubernetes.change('node-a', (old) => ({ ...old, status: { crash_count: 1 } }));
    await api.report(identity, report('node-a'));
    expect(kubernetes.calls).toEqual(['review', 'patch', 'get', 'patch']);
    expect(recorded()).toMatchObject({ crash_count: 1, current_state: 'Idle' });
  });

  it('gives up when the shadow never stands still', async () => {
    const meddle = {
      before: () => void kubernetes.change('node-a', (old) => ({ ...old, status: { crash_count: 2 } })),
    };
    kubernetes.script('patch', meddle, meddle, meddle, meddle, meddle);
    await expect(api.report(identity, report('node-a'))).rejects.toMatchObject({ code: 'Conflict' });
  });
});

describe('a refused report', () => {
  it.each<[string, Parameters<typeof report>[1], string]>([
    ['of another shadow', { uid: 'another' }, 'StaleShadow'],
    ['of an older generation', { generation: 0 }, 'StaleGeneration'],
    ['of a newer generation than there is', { generation: 2 }, 'StaleGeneration'],
    ['that skips a number', { seq: 2 }, 'StaleSeq'],
    ['that repeats a number', { seq: 0 }, 'StaleSeq'],
    ['of a state nobody asked for', { current_state: 'MonitoringUpdate' }, 'IllegalState'],
    [
      'with an intent nobody asked for',
      {
        host: {
          bootId: 'boot-1',
          rebootIntent: { version: '1.51.0', bootId: 'boot-1', generation: 1, at: '2026-01-01T00:00:00Z' },
        },
      },
      'IllegalIntent',
    ],
  ])('%s leaves the shadow as it was, and the live object says so', async (_name, change, code) => {
    const before = structuredClone(recorded());
    await expect(api.report(identity, report('node-a', change))).rejects.toMatchObject({ code });
    expect(kubernetes.patches).toEqual([]);
    expect(kubernetes.count('get')).toBe(1);
    expect(recorded()).toEqual(before);
  });

  it('of a Node that was made anew under its name', async () => {
    const old = { ...identity, nodeUid: 'node-uid-old' };
    await expect(api.report(old, report('node-a'))).rejects.toMatchObject({ code: 'NodeMismatch' });
  });

  it('for a shadow that no Node owns', async () => {
    const orphan = kubernetes.change('node-a', (old) => ({
      ...old,
      metadata: { ...old.metadata, ownerReferences: [] },
    }));
    api.shadowChanged(orphan);
    const old = { ...identity, nodeUid: undefined };
    await expect(api.report(old, report('node-a'))).rejects.toMatchObject({ code: 'NodeMismatch' });
  });

  it('by Kubernetes itself is a report of the wrong shape', async () => {
    kubernetes.fail('patch', 'invalid');
    const asked = api.report(identity, report('node-a'));
    await expect(asked).rejects.toMatchObject({ code: 'InvalidReport' });
  });

  it('for a shadow that is gone says so', async () => {
    kubernetes.shadows.clear();
    const asked = api.report(identity, report('node-a'));
    await expect(asked).rejects.toMatchObject({ code: 'ShadowNotFound' });
  });
});

describe('a lost answer', () => {
  it('is looked up: the report was recorded', async () => {
    kubernetes.loseAnswer();
    const asked = api.report(identity, report('node-a'));
    await clock.advance(1000);
    await expect(asked).resolves.toMatchObject({ seq: 1 });
    expect(kubernetes.count('patch')).toBe(1);
  });

  it('is looked up: the report was not recorded, and is sent again under the same condition', async () => {
    kubernetes.fail('patch', 'server');
    const asked = api.report(identity, report('node-a'));
    await clock.advance(1000);
    await expect(asked).resolves.toMatchObject({ seq: 1 });
    expect(kubernetes.count('patch')).toBe(2);
    expect(kubernetes.patches[0]).toEqual(kubernetes.patches[1]);
  });

  it('of a first patch that lands between the look and the second one is found then', async () => {
    kubernetes.fail('patch', 'unknown');
    kubernetes.script('patch', {
      before: () => {
        const late = kubernetes.patches[0] as { status: object };
        kubernetes.change('node-a', (old) => ({ ...old, status: structuredClone(late.status) }));
      },
    });
    const asked = api.report(identity, report('node-a'));
    await clock.advance(1000);
    await expect(asked).resolves.toMatchObject({ seq: 1 });
    expect(kubernetes.count('patch')).toBe(2);
  });

  it.each(['unknown', 'server', 'throttled'] as const)(
    'stays unknown when Kubernetes is gone (%s)',
    async (code) => {
      kubernetes.fail('patch', 'unknown');
      kubernetes.fail('get', code);
      const asked = expect(api.report(identity, report('node-a'))).rejects.toMatchObject({
        code: 'OutcomeUnknown',
      });
      await clock.advance(10_000);
      await asked;
    },
  );

  it('stays unknown after five attempts', async () => {
    kubernetes.fail('patch', 'server', 5);
    const asked = expect(api.report(identity, report('node-a'))).rejects.toMatchObject({
      code: 'OutcomeUnknown',
    });
    await clock.advance(10_000);
    await asked;
  });

  it('is no refusal while the patch may still arrive', async () => {
    const intent = aboutToReboot(60_000);
    kubernetes.fail('patch', 'unknown');
    kubernetes.script('get', { before: () => void (kubernetes.skewMs = 60_000) });
    const asked = expect(api.report(identity, intent)).rejects.toMatchObject({ code: 'OutcomeUnknown' });
    await clock.advance(10_000);
    await asked;
  });
});

describe('a reboot intent', () => {
  it('is accepted where the object that it was judged by is the live one', async () => {
    const intent = aboutToReboot(60_000);
    await api.report(identity, intent);
    expect(kubernetes.calls).toEqual(['review', 'patch']);
    expect(recorded()).toMatchObject({ host: { rebootIntent: { version: '1.51.0' }, seq: 5 } });
  });

  it('is judged by the live object where another part of it has changed', async () => {
    const intent = aboutToReboot(60_000);
    kubernetes.change('node-a', (old) => ({ ...old, status: { ...old.status, crash_count: 1 } }));
    await api.report(identity, intent);
    expect(kubernetes.calls).toEqual(['review', 'patch', 'get', 'patch']);
    expect(recorded()).toMatchObject({ crash_count: 1, host: { rebootIntent: { version: '1.51.0' } } });
  });

  it.each<[string, (old: BottlerocketShadow) => BottlerocketShadow, string]>([
    [
      'the shadow is being deleted',
      (old) => ({ ...old, metadata: { ...old.metadata, deletionTimestamp: rfc3339(clock.now()) } }),
      'ShadowDeleted',
    ],
    [
      'the deadline was brought forward',
      (old) => ({ ...old, spec: { ...old.spec, deadline: rfc3339(clock.now()) } }),
      'IntentTooLate',
    ],
  ])('is refused when %s, although the cache does not know it yet', async (_name, change, code) => {
    const intent = aboutToReboot(60_000);
    kubernetes.change('node-a', change);
    await expect(api.report(identity, intent)).rejects.toMatchObject({ code });
    expect(recorded()).not.toMatchObject({ host: { rebootIntent: {} } });
  });

  it('is refused when the controller has just taken the state back, whatever the cache says', async () => {
    const intent = aboutToReboot(60_000);
    kubernetes.change('node-a', (old) => ({
      ...old,
      metadata: { ...old.metadata, generation: 2 },
      spec: { state: 'Idle' },
    }));
    await expect(api.report(identity, intent)).rejects.toMatchObject({ code: 'StaleGeneration' });
    expect(kubernetes.calls).toEqual(['review', 'patch', 'get']);
    expect(recorded()).not.toMatchObject({ host: { rebootIntent: {} } });
  });

  it('is judged again when the controller takes the state back before the patch', async () => {
    const intent = aboutToReboot(60_000);
    kubernetes.script('patch', {
      before: () =>
        void kubernetes.change('node-a', (old) => ({
          ...old,
          metadata: { ...old.metadata, generation: 2 },
          spec: { state: 'Idle' },
        })),
    });
    await expect(api.report(identity, intent)).rejects.toMatchObject({ code: 'StaleGeneration' });
    expect(recorded()).not.toMatchObject({ host: { rebootIntent: {} } });
  });

  it('is refused from notAfter on, by whichever clock is ahead', async () => {
    const intent = aboutToReboot(5000);
    kubernetes.skewMs = 6000;
    await expect(api.report(identity, intent)).rejects.toMatchObject({ code: 'IntentTooLate' });
    kubernetes.skewMs = -6000;
    await clock.advance(6000);
    await expect(api.report(identity, intent)).rejects.toMatchObject({ code: 'IntentTooLate' });
    expect(kubernetes.patches).toEqual([]);
  });
});

const refused = (all: PromiseSettledResult<unknown>[]): number =>
  all.filter((one) => one.status === 'rejected').length;

describe('other requests', () => {
  it('reads live, never from the cache', async () => {
    kubernetes.change('node-a', (old) => ({ ...old, spec: { ...old.spec, attempt: 7 } }));
    expect((await api.read(identity)).object.spec.attempt).toBe(7);
  });

  it.each([
    ['notFound', 'ShadowNotFound'],
    ['unknown', 'KubernetesUnavailable'],
    ['server', 'KubernetesUnavailable'],
    ['forbidden', 'KubernetesUnavailable'],
  ] as const)('answers %s of Kubernetes with %s', async (kube, code) => {
    kubernetes.fail('get', kube);
    await expect(api.read(identity)).rejects.toMatchObject({ code });
  });

  it("does not show another Node's shadow", async () => {
    const asked = api.read({ ...identity, nodeUid: 'node-uid-new' });
    await expect(asked).rejects.toMatchObject({ code: 'NodeMismatch' });
  });

  it('serves an agent 20 requests at once and 5 a second', async () => {
    const reads = (): Promise<unknown>[] => Array.from({ length: 40 }, () => api.read(identity));
    expect(refused(await Promise.allSettled(reads()))).toBe(20);
    await clock.advance(1000);
    expect(refused(await Promise.allSettled(reads()))).toBe(35);
    const asked = api.read(identity);
    await expect(asked).rejects.toMatchObject({ code: 'TooManyRequests', retryAfterMs: 200 });
  });
});
