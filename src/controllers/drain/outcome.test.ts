import { describe, expect, it } from 'vitest';
import type { Pod, PodDisruptionBudget } from '../../api/core.ts';
import { KubernetesError } from '../../runtime/kubernetes.ts';
import { describeBlocker, readEvictionError } from './outcome.ts';
import type { EvictionOutcome } from './outcome.ts';

const blockedText = 'The disruption budget cart needs 2 healthy pods and has 2 currently';
const twoBudgets =
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';

describe('an answer of the eviction API', () => {
  it.each<[string, KubernetesError, EvictionOutcome]>([
    [
      '429 because of a budget',
      new KubernetesError('throttled', 'Cannot evict pod', {
        status: 429,
        causes: [{ reason: 'DisruptionBudget', message: blockedText }],
      }),
      { is: 'blocked', message: blockedText },
    ],
    [
      '429 with a time',
      new KubernetesError('throttled', 'slow down', { status: 429, retryAfterMs: 10_000 }),
      { is: 'throttled', retryAfterMs: 10_000 },
    ],
    [
      '429 without a time',
      new KubernetesError('throttled', 'slow down', { status: 429 }),
      { is: 'throttled', retryAfterMs: 5_000 },
    ],
    [
      '500 because of two budgets',
      new KubernetesError('server', twoBudgets, { status: 500 }),
      { is: 'twoBudgets', message: twoBudgets },
    ],
    [
      'any other 500',
      new KubernetesError('server', 'etcd away', { status: 500 }),
      { is: 'unanswered', message: 'etcd away' },
    ],
    ['404', new KubernetesError('notFound', 'no pod', { status: 404 }), { is: 'gone' }],
    ['409 on the UID', new KubernetesError('conflict', 'uid', { status: 409 }), { is: 'gone' }],
    ['403', new KubernetesError('forbidden', 'no', { status: 403 }), { is: 'refused', message: 'no' }],
    ['422', new KubernetesError('invalid', 'bad', { status: 422 }), { is: 'refused', message: 'bad' }],
    ['no answer', new KubernetesError('unknown', 'reset'), { is: 'unanswered', message: 'reset' }],
  ])('%s', (_name, error, expected) => {
    expect(readEvictionError(error)).toEqual(expected);
  });

  it('passes on that the lease has run out', () => {
    const fenced = new KubernetesError('fenced', 'lease lost');
    expect(() => readEvictionError(fenced)).toThrow(fenced);
    expect(() => readEvictionError(new TypeError('bug'))).toThrow(TypeError);
  });
});

const pod: Pod = { metadata: { name: 'cart-0', namespace: 'shop' } };
const budget = (name: string, status: PodDisruptionBudget['status']): PodDisruptionBudget => ({
  metadata: { name, namespace: 'shop' },
  ...(status === undefined ? {} : { status }),
});

describe('what a person reads', () => {
  it('names the budget and its numbers', () => {
    const blocker = describeBlocker(pod, { is: 'blocked', message: blockedText }, [
      budget('roomy', { disruptionsAllowed: 3 }),
      budget('cart', { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 }),
    ]);
    expect(blocker).toEqual({
      reason: 'PodDisruptionBudget',
      message:
        'Pod shop/cart-0 is protected by PodDisruptionBudget shop/cart, which allows 0 disruptions (2 healthy, 2 needed). Add replicas, or relax it.',
    });
  });

  it('repeats the words of the server when the budget could not be read', () => {
    expect(describeBlocker(pod, { is: 'blocked', message: blockedText })?.message).toContain(blockedText);
  });

  it('names both budgets', () => {
    const blocker = describeBlocker(pod, { is: 'twoBudgets', message: twoBudgets }, [
      budget('a', {}),
      budget('b', {}),
    ]);
    expect(blocker?.reason).toBe('MultipleDisruptionBudgets');
    expect(blocker?.message).toContain('(shop/a and shop/b)');
  });

  it('is silent about pods that go', () => {
    expect(describeBlocker(pod, { is: 'evicted' })).toBeUndefined();
    expect(describeBlocker(pod, { is: 'gone' })).toBeUndefined();
  });
});
