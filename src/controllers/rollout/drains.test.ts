import { describe, expect, it } from 'vitest';
import type { Pod } from '../../api/core.ts';
import { KubernetesError } from '../../runtime/kubernetes.ts';
import type { Key, KubernetesPort } from '../../runtime/kubernetes.ts';
import { silentLogger } from '../../runtime/log.ts';
import { Drains } from './drains.ts';
import type { DrainOrder } from './drains.ts';

const START = Date.parse('2026-01-10T10:00:00Z');
const ID = { shadowUid: 's', attempt: 1 };

const blocked = new KubernetesError('throttled', 'no', {
  status: 429,
  causes: [
    {
      reason: 'DisruptionBudget',
      message: 'The disruption budget cart needs 2 healthy pods and has 2 currently',
    },
  ],
});

const twice = new KubernetesError(
  'server',
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  { status: 500 },
);

/** Drains over pods that a test moves, on a clock that a test moves. */
function draining(names: string[], answers: Record<string, KubernetesError> = {}) {
  const pods = new Map<string, Pod>(
    names.map((name) => [
      name,
      { metadata: { name, namespace: 'shop', uid: name }, status: { phase: 'Running' } },
    ]),
  );
  const evicted: string[] = [];
  const lists: string[] = [];
  let now = START;
  let changes = 0;
  const port = {
    list: async (resource: { plural: string }) => {
      lists.push(resource.plural);
      return { items: resource.plural === 'pods' ? [...pods.values()] : [], resourceVersion: '1' };
    },
    evict: async ({ name }: Key) => {
      const answer = answers[name];
      if (answer !== undefined) throw answer;
      evicted.push(name);
    },
  } as unknown as KubernetesPort;
  const clock = { now: () => now, monotonic: () => now, sleep: async () => undefined };
  const drains = new Drains({ port, clock, logger: silentLogger, onChange: () => changes++ });
  const order = (fields: Partial<DrainOrder> = {}): DrainOrder => ({
    ...ID,
    node: 'n1',
    context: { isIgnored: () => false, cordonedAtMs: START, canMove: () => true },
    gracePeriodSeconds: undefined,
    stopAtMs: Number.POSITIVE_INFINITY,
    ...fields,
  });
  return {
    drains,
    pods,
    evicted,
    lists,
    answers,
    changes: () => changes,
    order,
    view: () => drains.view(ID.shadowUid, ID.attempt),
    nextAtMs: () => drains.nextAtMs(ID.shadowUid, ID.attempt),
    pass: (ms: number) => {
      now += ms;
    },
    /** One round: a list, then what it found is evicted. */
    round: async (fields?: Partial<DrainOrder>) => {
      await drains.advance(order(fields), 'list');
      await drains.advance(order(fields), 'evict');
    },
  };
}

describe('a drain', () => {
  it('knows nothing before the first list', () => {
    const { view, nextAtMs } = draining(['a']);
    expect(view()).toBeUndefined();
    expect(nextAtMs()).toBe(0);
  });

  it('evicts what a list found, and rests before the next', async () => {
    const { round, evicted, view, nextAtMs, changes } = draining(['a', 'b']);
    await round();
    expect(evicted).toEqual(['a', 'b']);
    expect(view()).toMatchObject({ listedAtMs: START, evictable: 2 });
    expect(nextAtMs()).toBe(START + 5_000);
    expect(changes()).toBe(2);
  });

  it('acts on a list once: the next step lists again', async () => {
    const { round, drains, order, lists, evicted, pods, view } = draining(['a']);
    await round();
    pods.clear();
    await drains.advance(order(), 'evict');
    expect(evicted).toEqual(['a']);
    expect(lists).toEqual(['pods', 'pods']);
    expect(view()?.evictable).toBe(0);
  });

  it('does not decide by an empty list that is old', async () => {
    const { drains, order, view, pass } = draining([]);
    await drains.advance(order(), 'list');
    expect(view()?.evictable).toBe(0);
    pass(10_000);
    expect(view()).toBeUndefined();
  });

  it('says which pod is blocked, and gives the others their chance', async () => {
    const { round, evicted, view, lists } = draining(['a', 'b', 'c'], { b: blocked });
    await round();
    expect(evicted).toEqual(['a', 'c']);
    expect(view()?.blocked?.reason).toBe('PodDisruptionBudget');
    expect(view()?.blocked?.message).toContain('shop/b');
    expect(lists).not.toContain('poddisruptionbudgets');
    await round();
    expect(lists).not.toContain('poddisruptionbudgets');
    await round();
    expect(lists).toContain('poddisruptionbudgets');
  });

  it('names the budgets at once where there are two: that does not pass by itself', async () => {
    const { round, view, lists } = draining(['b'], { b: twice });
    await round();
    expect(view()?.blocked?.reason).toBe('MultipleDisruptionBudgets');
    expect(lists).toContain('poddisruptionbudgets');
  });

  it('is not blocked any more once the pod is on its way', async () => {
    const { round, drains, order, pods, answers, view } = draining(['b'], { b: blocked });
    await round();
    delete answers['b'];
    pods.set('b', {
      metadata: { name: 'b', namespace: 'shop', uid: 'b', deletionTimestamp: '2026-01-10T10:00:05Z' },
    });
    await drains.advance(order(), 'list');
    expect(view()?.blocked?.reason).toBe('PodTerminating');
  });

  it('waits as long as the server asks', async () => {
    const slow = new KubernetesError('throttled', 'slow', { status: 429, retryAfterMs: 20_000 });
    const { round, nextAtMs } = draining(['a'], { a: slow });
    await round();
    expect(nextAtMs()).toBe(START + 20_000);
  });

  it('evicts nothing from the instant on at which it has to stop, and still names what held it', async () => {
    const { round, evicted, view, pass } = draining(['a'], { a: blocked });
    await round();
    pass(60_000);
    await round({ stopAtMs: START + 60_000 });
    expect(evicted).toEqual([]);
    expect(view()?.blocked?.message).toContain('shop/a');
  });

  it('evicts nothing once the process ends', async () => {
    const { round, drains, evicted } = draining(['a']);
    drains.stop();
    await round();
    expect(evicted).toEqual([]);
  });

  it('takes many pods in batches, so that admission is looked at in between', async () => {
    const names = Array.from({ length: 80 }, (_, i) => `p${i}`);
    const { round, evicted, nextAtMs } = draining(names);
    await round();
    expect(evicted).toHaveLength(32);
    expect(nextAtMs()).toBe(START);
    await round();
    expect(new Set(evicted).size).toBe(64);
  });

  it('gives every pod its turn when more are blocked than a batch holds', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `p${i}`);
    const answers = Object.fromEntries(names.slice(0, 39).map((name) => [name, blocked]));
    const { round, evicted } = draining(names, answers);
    await round();
    await round();
    expect(evicted).toEqual(['p39']);
  });

  it('of another attempt starts anew', async () => {
    const { round, drains } = draining(['a']);
    await round();
    expect(drains.view(ID.shadowUid, 2)).toBeUndefined();
    drains.keep((_uid, attempt) => attempt === 2);
    expect(drains.view(ID.shadowUid, 1)).toBeUndefined();
  });

  it('tries again when a list failed', async () => {
    const { drains, order, nextAtMs } = draining([]);
    const failing = new Drains({
      port: {
        list: async () => Promise.reject(new KubernetesError('unknown', 'reset')),
      } as unknown as KubernetesPort,
      clock: { now: () => START, monotonic: () => 0, sleep: async () => undefined },
      logger: silentLogger,
      onChange: () => undefined,
    });
    await failing.advance(order(), 'list');
    expect(failing.nextAtMs(ID.shadowUid, ID.attempt)).toBe(START + 5_000);
    await drains.advance(order(), 'list');
    expect(nextAtMs()).toBe(0);
  });
});
