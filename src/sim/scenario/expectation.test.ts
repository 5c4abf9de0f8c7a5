import { describe, expect, it } from 'vitest';
import type { Node, Pod, PodDisruptionBudget } from '../../api/core.ts';
import { MARKS_ANNOTATION } from '../../api/names.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { INTERFACE_LABEL_MARK } from '../../protocol/marks.ts';
import { expectations } from './expectation.ts';
import type { ExpectedMachine, ExpectedWorld } from './expectation.ts';

const now = Date.parse('2026-06-01T12:00:00Z');
const machine = (name: string, over: Partial<ExpectedMachine> = {}): ExpectedMachine => ({
  name,
  version: '1.42.0',
  offered: ['1.44.0', '1.43.0', '1.42.0'],
  chosen: '1.44.0',
  ...over,
});
const node = (name: string, over: Omit<Partial<Node>, 'metadata'> & { metadata?: object } = {}): Node => ({
  ...over,
  metadata: { name, ...over.metadata },
});
const policy = (spec: UpdatePolicy['spec'] = {}, name = 'all'): UpdatePolicy => ({
  metadata: { name },
  spec,
});
const pod = (name: string, nodeName: string): Pod => ({
  metadata: { name, namespace: 'shop', labels: { app: name } },
  spec: { nodeName },
  status: { phase: 'Running' },
});
const budget = (app: string, status: PodDisruptionBudget['status'] = {}): PodDisruptionBudget => ({
  metadata: { name: app, namespace: 'shop' },
  spec: { selector: { matchLabels: { app } } },
  status,
});

/** Two machines, n1 and n2, of which n1 is asked about. */
const verdict = (over: Partial<ExpectedWorld>): string => {
  const [first] = expectations({
    now,
    machines: [machine('n1'), machine('n2')],
    nodes: [node('n1'), node('n2')],
    policies: [policy()],
    pods: [],
    budgets: [],
    ...over,
  });
  return `${first?.state}: ${first?.why}`;
};

describe('what has to come of a node', () => {
  it.each<[string, Partial<ExpectedWorld>, string]>([
    ['that may have something newer', {}, 'due: it runs 1.42.0 and may have 1.44.0'],
    ['that runs it', { machines: [machine('n1', { version: '1.44.0' })] }, 'done: upToDate'],
    [
      'that may have nothing of what there is',
      { policies: [policy({ version: { range: '2.x' } })] },
      'done: none',
    ],
    [
      'that would not choose it by itself',
      {
        machines: [machine('n1', { chosen: undefined })],
        policies: [policy({ version: { hostLock: 'Observe' } })],
      },
      'done: notOffered',
    ],
    ['that is not registered', { nodes: [node('n2')] }, 'due: its kubelet has not registered it'],
    ['of no policy', { policies: [] }, 'barred: not exactly one policy wins it'],
    [
      'of two equal policies',
      { policies: [policy(), policy({}, 'too')] },
      'barred: not exactly one policy wins it',
    ],
    ['of a paused policy', { policies: [policy({ mode: 'Paused' })] }, 'barred: the policy is Paused'],
    [
      'of a policy that updates none',
      { policies: [policy({ maxConcurrentUpdates: 0 })] },
      'barred: the policy updates none at a time',
    ],
    [
      'whose windows a blackout always covers',
      {
        policies: [
          policy({
            maintenanceWindows: [{ schedule: '0 3 * * *', duration: '1h' }],
            blackoutWindows: [{ schedule: '0 0 * * *', duration: '24h' }],
          }),
        ],
      },
      'barred: no window opens any more',
    ],
    [
      'that is excluded',
      { nodes: [node('n1', { metadata: { annotations: { 'brupop.bottlerocket.aws/exclude': 'true' } } })] },
      'barred: it is excluded',
    ],
    [
      'that others cordoned',
      { nodes: [node('n1', { spec: { unschedulable: true } })] },
      'barred: others cordoned it',
    ],
    [
      'that others cordoned, where that does not matter',
      {
        nodes: [node('n1', { spec: { unschedulable: true } })],
        policies: [policy({ cordonedNodes: 'Include' })],
      },
      'due: it runs 1.42.0 and may have 1.44.0',
    ],
    [
      'beside one that others keep cordoned, with none to spare',
      {
        nodes: [node('n1'), node('n2', { spec: { unschedulable: true } })],
        policies: [policy({ maxUnavailable: 1 })],
      },
      'barred: too many nodes are unavailable for good',
    ],
  ])('%s', (_, world, expected) => {
    expect(verdict(world)).toBe(expected);
  });

  it.each([
    ['that has not got our label yet', {}, /^due/],
    [
      'that somebody took our label from',
      { [INTERFACE_LABEL_MARK]: { ours: '2.0.0', was: null, at: '' } },
      /^barred/,
    ],
  ])('%s', (_, marks, expected) => {
    const metadata = { annotations: { [MARKS_ANNOTATION]: JSON.stringify(marks) } };
    expect(verdict({ nodes: [node('n1', { metadata })] })).toMatch(expected);
  });

  it('that we cordoned ourselves is due', () => {
    const marks = JSON.stringify({ cordon: { ours: true, was: false, at: '2026-06-01T11:00:00Z' } });
    const ours = node('n1', {
      metadata: { annotations: { [MARKS_ANNOTATION]: marks } },
      spec: { unschedulable: true },
    });
    expect(verdict({ nodes: [ours] })).toMatch(/^due/);
  });
});

describe('a node with a pod', () => {
  const cart = { pods: [pod('cart', 'n1')] };
  const enough = { expectedPods: 2, desiredHealthy: 1, currentHealthy: 2 };

  it.each<[string, Partial<ExpectedWorld>, string]>([
    ['that nobody protects', cart, 'due'],
    ['whose budget lets one go', { ...cart, budgets: [budget('cart', enough)] }, 'due'],
    [
      'whose budget never lets one go',
      { ...cart, budgets: [budget('cart', { ...enough, desiredHealthy: 2 })] },
      'barred: pod shop/cart: its budget allows nothing',
    ],
    [
      'of two budgets',
      { ...cart, budgets: [budget('cart', enough), budget('cart', enough)] },
      'barred: pod shop/cart: two budgets select it',
    ],
    [
      'whose budget waits for another that has nowhere to go',
      { ...cart, budgets: [budget('cart', enough)], nodes: [node('n1')] },
      'barred: pod shop/cart: its budget waits for a pod that has nowhere to go',
    ],
    [
      'that is left running',
      {
        ...cart,
        budgets: [budget('cart', { ...enough, desiredHealthy: 2 })],
        policies: [policy({ drain: { ignorePods: { matchLabels: { app: 'cart' } } } })],
      },
      'due',
    ],
    [
      'that is waited for',
      { ...cart, policies: [policy({ drain: { waitForPods: { matchLabels: { app: 'cart' } } } })] },
      'barred: pod cart runs there, which is waited for',
    ],
  ])('%s', (_, world, expected) => {
    expect(verdict(world)).toMatch(new RegExp(`^${expected}`));
  });
});
