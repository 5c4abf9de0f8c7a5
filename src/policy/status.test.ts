import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONDITION_REASONS, END_REASONS, PROGRESS_REASONS, WAIT_REASONS } from '../api/reasons.ts';
import type { LedgerPhase, UpdatePolicy, UpdatePolicySpec } from '../api/v1/updatepolicy.ts';
import { withDefaults } from './effective.ts';
import { estimateCompletion } from './estimate.ts';
import { policyState } from './facts.ts';
import type { PolicyFacts } from './facts.ts';
import { parseInstant } from './instant.ts';
import { Progress } from './progress.ts';
import type { StatusNode, Why } from './progress.ts';
import { deriveStatus, windowText } from './status.ts';
import type { DerivedStatus } from './status.ts';
import { VersionRules } from './versions.ts';
import { CompiledWindows } from './windows.ts';

/** A node, and what is so about it now. */
interface Shown extends StatusNode {
  phase: LedgerPhase | undefined;
  why: Why | undefined;
}

const at = parseInstant;
const NOW = at('2026-01-10T02:00:00Z');
const weekend = { name: 'weekend', schedule: '0 1 * * 6', duration: '6h', timeZone: 'Europe/Paris' };
const UP_TO_DATE = { kind: 'upToDate', message: '' } as const;

const node = (name: string, facts: Partial<Shown> = {}): Shown => ({
  name,
  excluded: false,
  phase: undefined,
  lastEnd: undefined,
  retryAtMs: undefined,
  variant: 'aws-k8s-1.36',
  arch: 'x86_64',
  current: '1.43.0',
  verdict: { kind: 'eligible', version: '1.44.0' },
  why: undefined,
  ...facts,
});
const done = (name: string, facts: Partial<Shown> = {}): Shown =>
  node(name, { current: '1.44.0', verdict: UP_TO_DATE, why: { reason: 'UpToDate', message: '' }, ...facts });

interface Given {
  spec?: UpdatePolicySpec;
  facts?: Partial<PolicyFacts>;
  nodes?: Shown[];
  before?: UpdatePolicy['status'];
  now?: number;
  resumeAtMs?: number;
}

function status({ spec = {}, facts = {}, nodes = [], before, now = NOW, resumeAtMs }: Given): DerivedStatus {
  const effective = withDefaults(spec);
  const policy = policyState(
    {
      name: 'workers',
      uid: 'u',
      effective,
      errors: [],
      deleting: false,
      halt: undefined,
      windows: new CompiledWindows(effective),
      versions: new VersionRules(effective.version),
      clockWrong: false,
      ...facts,
    },
    now,
  );
  const source = {
    metadata: { name: 'workers', generation: 7 },
    spec,
    ...(before === undefined ? {} : { status: before }),
  };
  const progress = new Progress(resumeAtMs);
  for (const { phase, why, ...each } of nodes) progress.add(each, phase, why);
  return deriveStatus({
    source,
    policy,
    progress,
    budget: { limit: 4, used: 3 },
    usedByOthers: ['n9'],
  });
}

const condition = (derived: DerivedStatus, type: string) =>
  derived.conditions.find((each) => each.type === type);
const truths = (derived: DerivedStatus): Record<string, string> =>
  Object.fromEntries(
    derived.conditions.map(({ type, status: value, reason }) => [type, `${value} ${reason}`]),
  );
const halt = {
  reason: 'BootFallback',
  node: 'n1',
  version: '1.44.0',
  attempt: 1,
  at: '2026-01-10T01:00:00Z',
};
const invalid = {
  errors: [{ path: 'spec.interval', value: '1d', message: 'is wrong' }],
  windows: undefined,
  versions: undefined,
};

describe('conditions', () => {
  it.each<[string, Given, Record<string, string>]>([
    [
      'waiting for Saturday is doing what it was told',
      { spec: { maintenanceWindows: [weekend] }, now: at('2026-01-07T12:00:00Z'), nodes: [node('n1', { why: { reason: 'WindowClosed', message: 'm' } })] },
      { Ready: 'True WindowClosed', Reconciling: 'False Observed', Stalled: 'False NotStalled', Valid: 'True Valid', Halted: 'False NotHalted', WindowOpen: 'False WindowClosed', UpToDate: 'False UpdatesPending' },
    ],
    ['updating', { nodes: [node('n1', { phase: 'Reserved' })] }, { Ready: 'True Updating', WindowOpen: 'True WindowOpen', UpToDate: 'False UpdatesPending' }],
    ['all done', { nodes: [done('n1'), done('n2')] }, { Ready: 'True UpToDate', UpToDate: 'True UpToDate', Stalled: 'False NotStalled' }],
    ['all done but the excluded', { nodes: [done('n1'), node('n2', { excluded: true })] }, { Ready: 'True UpToDate', UpToDate: 'True UpToDate' }],
    ['done, the last one resting', { nodes: [done('n1'), done('n2', { phase: 'Resting' })] }, { Ready: 'True Updating', UpToDate: 'True UpToDate' }],
    ['the last one is being verified', { nodes: [done('n1'), done('n2', { phase: 'Reserved' })] }, { UpToDate: 'False UpdatesPending' }],
    ['no nodes', {}, { Ready: 'True NoNodes', UpToDate: 'Unknown NoNodes' }],
    ['paused', { spec: { mode: 'Paused' }, nodes: [node('n1')] }, { Ready: 'True PolicyPaused', Stalled: 'False NotStalled' }],
    ['dry run', { spec: { mode: 'DryRun' }, nodes: [node('n1')] }, { Ready: 'True DryRun' }],
    ['halted', { facts: { halt }, nodes: [node('n1')] }, { Ready: 'False BootFallback', Stalled: 'True BootFallback', Halted: 'True BootFallback', Valid: 'True Valid', Reconciling: 'False Observed' }],
    ['invalid', { facts: invalid, nodes: [node('n1')] }, { Ready: 'False PolicyInvalid', Stalled: 'True PolicyInvalid', Valid: 'False PolicyInvalid', Halted: 'False NotHalted', WindowOpen: 'Unknown PolicyInvalid' }],
    ['blackout', { spec: { blackoutWindows: [{ from: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z' }] }, nodes: [node('n1')] }, { WindowOpen: 'False Blackout' }],
  ])('%s', (...[, given, expected]) => expect(truths(status(given))).toMatchObject(expected)); // prettier-ignore

  it('name the field and the remedy of an error', () =>
    expect(condition(status({ facts: invalid }), 'Valid')?.message).toBe('spec.interval: is wrong'));

  it('keep the time of their last transition while they stay as they are', () => {
    const first = status({ nodes: [node('n1')] });
    const later = status({ nodes: [node('n1')], before: first, now: NOW + 60_000 });
    expect(later.conditions).toEqual(first.conditions);
    const changed = status({ nodes: [done('n1')], before: first, now: NOW + 60_000 });
    expect(condition(changed, 'UpToDate')?.lastTransitionTime).toBe('2026-01-10T02:01:00Z');
    expect(condition(changed, 'Valid')?.lastTransitionTime).toBe('2026-01-10T02:00:00Z');
  });

  it('take every reason from the closed lists, and never say Reconciling and Stalled at once', () => {
    const words = { ...WAIT_REASONS, ...PROGRESS_REASONS, ...END_REASONS, ...CONDITION_REASONS };
    const drawn = fc.record({
      mode: fc.constantFrom('Enabled' as const, 'Paused' as const, 'DryRun' as const),
      facts: fc.constantFrom<Partial<PolicyFacts>>(
        {},
        invalid,
        { halt },
        { deleting: true },
        { ...invalid, halt },
      ),
      nodes: fc.array(
        fc.constantFrom(node('a'), done('b'), node('c', { excluded: true }), node('d', { phase: 'Lost' })),
      ),
    });
    fc.assert(
      fc.property(drawn, ({ mode, facts, nodes }) => {
        const derived = status({ spec: { mode }, facts, nodes });
        for (const { reason } of derived.conditions) expect(words).toHaveProperty(reason);
        expect(condition(derived, 'Reconciling')?.status).toBe('False');
        expect(condition(derived, 'Ready')?.status).not.toBe(condition(derived, 'Stalled')?.status);
        const { selected, ...classes } = derived.nodes;
        expect(Object.values(classes).reduce((sum, each) => sum + each, 0)).toBe(selected);
      }),
    );
  });
});

describe('what nodes do', () => {
  const failed = { reason: 'BootFallback', atMs: NOW - 1_000 } as const;
  it.each<[string, Shown, string]>([
    ['in the ledger', node('n', { phase: 'Reserved', excluded: true }), 'updating'],
    ['excluded, even when up to date', done('n', { excluded: true }), 'excluded'],
    ['failed', node('n', { lastEnd: failed }), 'failed'],
    [
      'failed, though it runs the target',
      done('n', { lastEnd: { ...failed, reason: 'VerifyTimeout' } }),
      'failed',
    ],
    ['failed, retried since', node('n', { lastEnd: failed, retryAtMs: NOW }), 'pending'],
    ['undrainable', node('n', { lastEnd: { reason: 'DrainTimeout', atMs: NOW } }), 'undrainable'],
    [
      'undrainable once, up to date now',
      done('n', { lastEnd: { reason: 'DrainTimeout', atMs: NOW } }),
      'upToDate',
    ],
    ['put back at the close', node('n', { lastEnd: { reason: 'WindowClosed', atMs: NOW } }), 'pending'],
    ['up to date', done('n'), 'upToDate'],
    ['not reported', node('n', { verdict: { kind: 'unknown' }, current: undefined }), 'pending'],
  ])('%s', (...[, each, kind]) =>
    expect(status({ nodes: [each] }).nodes).toMatchObject({ selected: 1, [kind]: 1 }),
  );

  it('is no failure any more after a resume', () =>
    expect(status({ nodes: [node('n', { lastEnd: failed })], resumeAtMs: NOW - 500 }).nodes).toMatchObject({
      failed: 0,
      pending: 1,
    }));
});

describe('texts and numbers', () => {
  it('count the updated of the selected', () =>
    expect(
      status({ nodes: [done('n1'), node('n2'), done('n3', { phase: 'Resting' })] }).summary,
    ).toMatchObject({
      updated: '2/3',
    }));

  it.each([
    [[weekend], '2026-01-07T12:00:00Z', 'closed, opens Sat 01:00 CET'],
    [[weekend], '2026-01-10T12:00:00Z', 'closed, opens Sat 2026-01-17 01:00 CET'],
    [[weekend], '2026-07-17T12:00:00Z', 'closed, opens Sat 01:00 CEST'],
    [[weekend], '2026-01-10T02:00:00Z', 'open, closes Sat 07:00 CET'],
    [[], '2026-01-10T02:00:00Z', 'open'],
  ])('of the window: %j at %s is %s', (maintenanceWindows, now, text) => {
    const windows = new CompiledWindows(withDefaults({ maintenanceWindows }));
    expect(windowText(windows.at(at(now)), at(now))).toBe(text);
  });

  it('of a blackout', () => {
    const blackoutWindows = [{ from: '2026-01-01T00:00:00Z', until: '2026-01-12T08:00:00Z' }];
    const windows = new CompiledWindows(withDefaults({ blackoutWindows }));
    expect(windowText(windows.at(NOW), NOW)).toBe('blackout, opens Mon 08:00 UTC');
  });

  it('give the window as times', () =>
    expect(status({ spec: { maintenanceWindows: [weekend] } }).window).toEqual({
      open: true,
      name: 'weekend',
      closesAt: '2026-01-10T06:00:00Z',
      nextOpensAt: '2026-01-17T00:00:00Z',
    }));

  it('give the budget', () => expect(status({}).budget).toEqual({ limit: 4, used: 3, usedByOthers: ['n9'] }));

  it.each<[string, Given, string]>([
    [
      'of the policy first',
      { facts: { halt }, nodes: [node('n', { why: { reason: 'NoSlot', message: '' } })] },
      'Halted',
    ],
    ['the most frequent', { nodes: [node('a', { why: { reason: 'NoSlot', message: '' } })] }, 'NoSlot'],
    ['none', { nodes: [done('a')] }, ''],
  ])('give one reason: %s', (...[, given, reason]) => expect(status(given).summary.reason).toBe(reason));
});

const waits = (name: string, reason: 'NoSlot' | 'Backoff' | 'PodDisruptionBudget' | 'Draining'): Shown =>
  node(name, { why: { reason, message: `because of ${name}` } });

describe('why nodes wait', () => {
  it('the most frequent first, with the first node as the example, without those that move', () =>
    expect(
      status({
        nodes: [waits('n3', 'NoSlot'), waits('n2', 'NoSlot'), waits('n5', 'PodDisruptionBudget'), waits('n1', 'Backoff'), waits('n4', 'Draining'), done('n6')],
      }).blocked,
    ).toEqual([
      { reason: 'NoSlot', nodes: 2, example: 'n2: because of n2' },
      { reason: 'Backoff', nodes: 1, example: 'n1: because of n1' },
      { reason: 'PodDisruptionBudget', nodes: 1, example: 'n5: because of n5' },
    ])); // prettier-ignore

  it('ten at most, each cut to what the API holds', () => {
    const reasons = Object.keys(WAIT_REASONS).filter(
      (each) => each !== 'UpToDate',
    ) as (keyof typeof WAIT_REASONS)[];
    const blocked = status({
      nodes: reasons.map((reason) => node(reason, { why: { reason, message: 'x'.repeat(1_024) } })),
    }).blocked;
    expect(blocked).toHaveLength(10);
    expect(Math.max(...blocked.map(({ example }) => example.length))).toBe(512);
  });
});

describe('the rollout', () => {
  it('has a target for each variant and architecture, and the newest of them', () => {
    const arm = { arch: 'aarch64' };
    const { rollout } = status({
      nodes: [done('n1'), node('n2'), node('n3', { ...arm, verdict: { kind: 'eligible', version: '1.43.2' } }), node('n4', { variant: undefined }), done('n5', { phase: 'Reserved' }), node('n6', { lastEnd: { reason: 'BootFallback', atMs: NOW } })],
    }); // prettier-ignore
    expect(rollout).toEqual({
      targetVersion: '1.44.0',
      targets: [
        { variant: 'aws-k8s-1.36', arch: 'aarch64', version: '1.43.2', selected: 1, updated: 0, failures: 0 },
        { variant: 'aws-k8s-1.36', arch: 'x86_64', version: '1.44.0', selected: 4, updated: 1, failures: 1 },
      ],
      estimatedCompletion: null,
    });
  });

  it('keeps what the ledger counts, and says when it will be done', () => {
    const before = { rollout: { startedAt: '2026-01-10T01:00:00Z', failures: 0, updated: 2 } };
    const { rollout } = status({ nodes: [done('n1'), done('n2'), node('n3'), node('n4')], before });
    expect(rollout).toMatchObject({ ...before.rollout, estimatedCompletion: '2026-01-10T03:00:00Z' });
    expect(status({ nodes: [node('n3')], before, facts: { halt } }).rollout.estimatedCompletion).toBeNull();
  });
});

const windows = (maintenanceWindows: (typeof weekend)[]) =>
  new CompiledWindows(withDefaults({ maintenanceWindows }));

describe('the estimate', () => {
  const pace = { now: NOW, startedAtMs: NOW - 3_600_000, updated: 2, pending: 4 };

  it('counts open time only', () => {
    // Two nodes in one hour of the window; four more take two of the four hours that are left.
    expect(estimateCompletion(windows([weekend]), pace)).toBe(at('2026-01-10T04:00:00Z'));
    // Ten more take five hours: four today and one next week.
    expect(estimateCompletion(windows([weekend]), { ...pace, pending: 10 })).toBe(at('2026-01-17T01:00:00Z'));
  });

  it.each([
    ['nothing is left', { pending: 0 }],
    ['no node was updated yet', { updated: 0 }],
    ['it would take years', { pending: 100_000 }],
  ])('is none when %s', (_, change) =>
    expect(estimateCompletion(windows([weekend]), { ...pace, ...change })).toBeUndefined(),
  );

  it('is never in the past, and later with more to do', () => {
    const drawn = fc.record({ updated: fc.integer({ min: 1, max: 50 }), pending: fc.integer({ min: 1, max: 200 }), spentMs: fc.integer({ min: 1, max: 10 * 86_400_000 }) });
    fc.assert(
      fc.property(drawn, ({ updated, pending, spentMs }) => {
        const given = { now: NOW, startedAtMs: NOW - spentMs, updated, pending };
        const estimate = estimateCompletion(windows([weekend]), given) ?? Number.POSITIVE_INFINITY;
        const more = estimateCompletion(windows([weekend]), { ...given, pending: pending + 1 }) ?? Number.POSITIVE_INFINITY;
        expect(estimate).toBeGreaterThan(NOW);
        expect(more).toBeGreaterThanOrEqual(estimate);
      }),
    );
  }); // prettier-ignore
});
