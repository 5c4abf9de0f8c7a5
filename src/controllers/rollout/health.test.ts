import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../api/core.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import { KubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { silentLogger } from '../../runtime/log.ts';
import { HealthChecks, daemonPods } from './health.ts';
import type { HealthFacts } from './health.ts';

const START = Date.parse('2026-01-10T10:00:00Z');
const ID = { shadowUid: 's', attempt: 1 };
const STABLE_MS = 120_000;

const daemon = (name: string, readySinceMs: number | undefined, status = 'True'): Pod => ({
  metadata: {
    name,
    namespace: 'kube-system',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'd', controller: true }],
  },
  status: {
    conditions: [
      {
        type: 'Ready',
        status,
        ...(readySinceMs === undefined ? {} : { lastTransitionTime: rfc3339(readySinceMs) }),
      },
    ],
  },
});

const node = (status: string): Node => ({
  metadata: { name: 'n1' },
  status: { conditions: [{ type: 'Ready', status }] },
});

/** Checks of one node that is well unless a test says otherwise. */
function checking(pods: Pod[] | KubernetesError = []) {
  let now = START;
  const listed = { pods };
  const port = {
    list: async () => {
      if (listed.pods instanceof KubernetesError) throw listed.pods;
      return { items: listed.pods, resourceVersion: '1' };
    },
  } as unknown as KubernetesPort;
  const clock = { now: () => now, monotonic: () => now, sleep: async () => undefined };
  const checks = new HealthChecks({ port, clock, logger: silentLogger, onChange: () => undefined });
  const facts: HealthFacts = { node: node('True'), isAgentReporting: true, stableForMs: STABLE_MS };
  return {
    listed,
    facts,
    view: (changed: Partial<HealthFacts> = {}) => checks.view(ID, { ...facts, ...changed }),
    due: () => checks.listDueMs(ID, facts),
    list: () => checks.list(ID, 'n1'),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('a node after its reboot', () => {
  it.each<[string, Partial<HealthFacts>, string]>([
    ['is not Ready', { node: node('Unknown') }, 'not Ready'],
    ['is gone', { node: undefined }, 'not Ready'],
    ['has a silent agent', { isAgentReporting: false }, 'agent'],
  ])('that %s is not well', (_name, changed, words) => {
    const { view, due } = checking();
    expect(view(changed)).toEqual({ message: expect.stringContaining(words) as string });
    expect(due()).toBeUndefined();
  });

  it('is well once it was Ready all the time and its pods are ready at the end of it', async () => {
    const { view, due, list, pass } = checking([daemon('proxy', START - 5_000)]);
    expect(view().healthySinceMs).toBeUndefined();
    expect(due()).toBe(START + STABLE_MS);
    pass(STABLE_MS);
    await list();
    expect(view().healthySinceMs).toBe(START);
  });

  it('counts from when the last of its pods became ready', async () => {
    const { view, due, list, pass } = checking([daemon('proxy', START + 60_000)]);
    view();
    pass(STABLE_MS);
    await list();
    expect(view().healthySinceMs).toBeUndefined();
    expect(due()).toBe(START + 60_000 + STABLE_MS);
    pass(60_000);
    await list();
    expect(view().healthySinceMs).toBe(START + 60_000);
  });

  it('counts anew when it was not Ready in between', async () => {
    const { view, list, pass } = checking();
    view();
    pass(60_000);
    view({ node: node('False') });
    pass(60_000);
    view();
    await list();
    expect(view().healthySinceMs).toBeUndefined();
    pass(STABLE_MS);
    await list();
    expect(view().healthySinceMs).toBe(START + 120_000);
  });

  it('names the pod that is not ready, and looks again less and less often', async () => {
    const { view, due, list, pass } = checking([daemon('proxy', START, 'False')]);
    view();
    pass(STABLE_MS);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const at = START + STABLE_MS + waits.reduce((sum, wait) => sum + wait, 0);
      await list();
      expect(view().message).toContain('kube-system/proxy');
      waits.push((due() ?? 0) - at);
      pass(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([3_000, 5_000, 10_000, 15_000]);
  });

  it('is not well because a list failed, and is asked again', async () => {
    const { view, due, list, pass, listed } = checking(new KubernetesError('unknown', 'reset'));
    view();
    pass(STABLE_MS);
    await list();
    expect(view().healthySinceMs).toBeUndefined();
    expect(due()).toBe(START + STABLE_MS + 5_000);
    listed.pods = [];
    pass(5_000);
    await list();
    expect(view().healthySinceMs).toBe(START);
  });
});

describe('pods of DaemonSets', () => {
  it('that do not say since when they are ready are ready since they were seen', () => {
    expect(daemonPods([daemon('a', undefined)], START)).toEqual({ readySinceMs: START });
  });

  it('by a clock that is ahead are ready since they were seen', () => {
    expect(daemonPods([daemon('a', START + 3_600_000)], START)).toEqual({ readySinceMs: START });
  });

  it('are all that counts', () => {
    const other: Pod = {
      metadata: { name: 'cart' },
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    };
    expect(daemonPods([other], START).unready).toBeUndefined();
  });

  it('that are being deleted are not ready', () => {
    const leaving = daemon('a', START);
    leaving.metadata.deletionTimestamp = rfc3339(START);
    expect(daemonPods([leaving], START).unready).toBe('kube-system/a');
  });
});
