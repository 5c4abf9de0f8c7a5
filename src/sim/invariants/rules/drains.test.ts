/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import {
  budgetsAllowEvictions,
  cordonSettles,
  drainedBeforeReboot,
  evictsOnlyEvictable,
  ownPodsGoLast,
} from './drains.ts';
import {
  budget,
  cordonMark,
  inMinutes,
  judge,
  Judged,
  node,
  pod,
  policy,
  TARGET,
  under,
} from './judging.fixture.ts';
import type { Circumstances } from './judging.fixture.ts';

const STAGING = 'StagedAndPerformedUpdate';
const ordered = { before: under(STAGING), after: under('RebootedIntoUpdate') };
const cordoned = node({ cordoned: true, marks: cordonMark() });
const OWN = { namespace: 'brupop-bottlerocket-aws', serviceAccount: 'brupop-controller', labels: {} };
const ignoring = policy({ drain: { ignorePods: { matchLabels: { app: 'cart' } } } });

describe('at the order to reboot', () => {
  it.each([
    ['nothing', [], ''],
    ['a pod of a DaemonSet', [pod({ owner: 'DaemonSet' })], ''],
    ['a pod that has ended', [pod({ phase: 'Succeeded' })], ''],
    ['a pod of the operator', [pod(OWN)], ''],
    ['a pod elsewhere', [pod({ nodeName: 'n2' })], ''],
    ['a pod of a user', [pod()], 'with cart-0'],
    ['a pod that is on its way out', [pod({ deleted: true })], 'with cart-0'],
    ['a pod that has not begun', [pod({ phase: 'Pending' })], 'with cart-0'],
  ])('there is %s', (_name, pods, expected) => {
    const verdict = judge(drainedBeforeReboot)('shadow', ordered, { pods });
    if (expected === '') expect(verdict).toBe('');
    else expect(verdict).toContain(expected);
  });

  it('there may be what the policy leaves running, what came after the list, and all when the target runs', () => {
    expect(judge(drainedBeforeReboot)('shadow', ordered, { pods: [pod()], policies: [ignoring] })).toBe('');
    const judged = new Judged(drainedBeforeReboot);
    judged.see('pod', { before: pod({ nodeName: undefined }), after: pod() }, { atMs: 3_595_000 });
    expect(judged.see('shadow', ordered, { pods: [pod()] })).toBe('');
    expect(judged.see('shadow', ordered, { pods: [pod()], atMs: 3_700_000 })).toContain('with cart-0');
    const runs = {
      before: under(STAGING),
      after: under('RebootedIntoUpdate', {}, { current_version: TARGET }),
    };
    expect(judge(drainedBeforeReboot)('shadow', runs, { pods: [pod()] })).toBeUndefined();
  });

  it.each<[string, Circumstances, string]>([
    ['long ago', { nodes: [cordoned] }, ''],
    ['four seconds ago', { nodes: [cordoned], atMs: 3_600_000 - 56_000 }, '4000 ms after its cordon'],
    [
      'by another attempt',
      {
        nodes: [
          node({ cordoned: true, marks: cordonMark({ owner: { shadowUid: 'shadow-n1', attempt: 0 } }) }),
        ],
      },
      'without a cordon',
    ],
    ['and uncordoned by others', { nodes: [node({ marks: cordonMark() })] }, 'without a cordon'],
    ['never', {}, 'without a cordon'],
  ])('the node was cordoned %s', (_name, circumstances, expected) => {
    const verdict = judge(cordonSettles)('shadow', ordered, circumstances);
    if (expected === '') expect(verdict).toBe('');
    else expect(verdict).toContain(expected);
  });
});

describe('an eviction', () => {
  const evict = (of: Parameters<typeof pod>[0] = {}, circumstances: Circumstances = {}) =>
    judge(evictsOnlyEvictable)(
      'pod',
      { before: pod(of), after: pod({ ...of, deleted: true }) },
      { nodes: [cordoned], shadows: [under(STAGING)], ...circumstances },
    );

  it('is of a pod that can live elsewhere, on a node that is cordoned for it', () => {
    expect(evict()).toBe('');
    expect(evict({ owner: 'DaemonSet' })).toContain('not to be moved');
    expect(evict({ phase: 'Failed' })).toContain('not to be moved');
    expect(evict({ annotations: { 'kubernetes.io/config.mirror': 'x' } })).toContain('not to be moved');
    expect(evict({}, { policies: [ignoring] })).toContain('is ignored');
    expect(evict({}, { nodes: [node()] })).toContain('not cordoned for it');
    expect(evict({}, { shadows: [under('RebootedIntoUpdate')] })).toContain('in state Rebooted');
  });

  it('by others is no business of ours, nor is an agent of an older node', () => {
    expect(evict({}, { by: 'admin', nodes: [node()] })).toBeUndefined();
    expect(evict({ serviceAccount: 'brupop-agent' }, { nodes: [node()] })).toBeUndefined();
  });

  it('of the operator comes last, and once', () => {
    const last = (pods: ReturnType<typeof pod>[], createdAt = inMinutes(-60)) =>
      judge(ownPodsGoLast)(
        'pod',
        { before: pod({ ...OWN, createdAt }), after: pod({ ...OWN, createdAt, deleted: true }) },
        { nodes: [cordoned], pods },
      );
    expect(last([])).toBe('');
    expect(last([pod({ owner: 'DaemonSet' })])).toBe('');
    expect(last([pod({ name: 'till' })])).toContain('before till');
    expect(last([], inMinutes(0))).toContain('came after the cordon');
  });
});

describe('a budget', () => {
  const evicted = (of: Parameters<typeof pod>[0], ...budgets: ReturnType<typeof budget>[]) =>
    judge(budgetsAllowEvictions)(
      'pod',
      { before: pod(of), after: pod({ ...of, deleted: true }) },
      { budgets },
    );

  it('has allowed what is evicted', () => {
    expect(evicted({}, budget(0, { 'cart-0': inMinutes(0) }))).toBe('');
    expect(evicted({}, budget(1))).toContain('past PodDisruptionBudget cart');
    expect(evicted({ labels: { app: 'till' } }, budget(0))).toBe('');
    expect(evicted({ ready: false }, budget(0))).toBe('');
    expect(evicted({ phase: 'Pending' }, budget(0))).toBe('');
  });

  it('is not asked by a delete', () => {
    const change = { before: pod(), after: pod({ deleted: true, evicted: false }) };
    expect(judge(budgetsAllowEvictions)('pod', change)).toContain('was deleted, not evicted');
    expect(judge(budgetsAllowEvictions)('pod', { before: pod(), after: undefined })).toContain('deleted');
  });

  it('is spent only while there is something to spend', () => {
    expect(judge(budgetsAllowEvictions)('budget', { before: budget(1), after: budget(0) })).toBe('');
    expect(judge(budgetsAllowEvictions)('budget', { before: budget(0), after: budget(-1) })).toContain(
      'allowed no',
    );
    expect(
      judge(budgetsAllowEvictions)('budget', { before: budget(0), after: budget(0) }, { by: 'cluster' }),
    ).toBeUndefined();
  });
});
