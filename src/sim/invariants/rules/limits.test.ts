/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import { EXCLUDE_ANNOTATION, RESUME_ANNOTATION } from '../../../api/names.ts';
import type { UpdatePolicySpec } from '../../../api/v1/updatepolicy.ts';
import {
  cordonMark,
  entry,
  inMinutes,
  judge,
  Judged,
  machine,
  node,
  pod,
  policy,
  shadow,
  TARGET,
  under,
} from './judging.fixture.ts';
import type { Circumstances } from './judging.fixture.ts';
import {
  availabilityHolds,
  domainCapsHold,
  haltedGoesNoFurther,
  haltedStartsNothing,
  onlyEnabledStarts,
  othersWordIsKept,
  targetsAreAllowed,
} from './limits.ts';

const STAGING = 'StagedAndPerformedUpdate';
const HALT = { reason: 'BootFallback', node: 'n9', version: TARGET, attempt: 1, at: inMinutes(-30) };
const reserving = (
  spec: UpdatePolicySpec = {},
  before: Parameters<typeof policy>[1] = {},
  metadata = {},
) => ({
  before: policy(spec, before, metadata),
  after: policy(spec, { ...before, updating: [entry({ attempt: 2 })] }, metadata),
});

describe('a halt', () => {
  it('lets nothing start until somebody resumes', () => {
    expect(judge(haltedStartsNothing)('policy', reserving({}, { halt: HALT }))).toContain(
      'started n1 after it was halted',
    );
    const resumed = (minutes: number) => ({ annotations: { [RESUME_ANNOTATION]: inMinutes(minutes) } });
    expect(judge(haltedStartsNothing)('policy', reserving({}, { halt: HALT }, resumed(-20)))).toBeUndefined();
    expect(judge(haltedStartsNothing)('policy', reserving({}, { halt: HALT }, resumed(-40)))).toContain(
      'halted',
    );
    expect(judge(haltedStartsNothing)('policy', reserving({}, { halt: HALT }, resumed(5)))).toContain(
      'halted',
    );
    expect(
      judge(haltedStartsNothing)('policy', {
        before: policy({}, { halt: HALT }),
        after: policy({}, { halt: HALT }),
      }),
    ).toBe('');
    expect(judge(haltedStartsNothing)('policy', reserving())).toBeUndefined();
  });

  it.each([
    ['cordon', 'node', { before: node(), after: node({ cordoned: true, marks: cordonMark() }) }],
    ['eviction', 'pod', { before: pod(), after: pod({ deleted: true }) }],
    ['order to reboot', 'shadow', { before: under(STAGING), after: under('RebootedIntoUpdate') }],
  ] as const)('lets no %s happen, once it can be known', (_name, kind, what) => {
    const judged = new Judged(haltedGoesNoFurther);
    const at = (atMs: number) => judged.see(kind, what, { atMs });
    expect(at(3_000_000)).toBeUndefined();
    judged.see('policy', { before: policy(), after: policy({}, { halt: HALT }) }, { atMs: 3_590_000 });
    expect(at(3_593_000)).toBe('');
    expect(at(3_600_000)).toContain('went on 10 s after');
    judged.see('policy', { before: policy({}, { halt: HALT }), after: policy() }, { atMs: 3_605_000 });
    expect(at(3_610_000)).toBeUndefined();
  });
});

describe('a policy takes a slot', () => {
  it('only while it is enabled, and there to stay', () => {
    expect(judge(onlyEnabledStarts)('policy', reserving())).toBe('');
    expect(judge(onlyEnabledStarts)('policy', reserving({ mode: 'Paused' }))).toContain('it is Paused');
    expect(judge(onlyEnabledStarts)('policy', reserving({ mode: 'DryRun' }))).toContain('it is DryRun');
    expect(
      judge(onlyEnabledStarts)('policy', reserving({}, {}, { deletionTimestamp: inMinutes(0) })),
    ).toContain('being deleted');
  });

  const takes = (of: Parameters<typeof node>[0], spec: UpdatePolicySpec = {}) =>
    judge(othersWordIsKept)('policy', reserving(spec), { nodes: [node(of)] });

  it('not of a node that is excluded', () => {
    expect(takes({})).toBe('');
    expect(takes({ annotations: { [EXCLUDE_ANNOTATION]: 'false' } })).toBe('');
    expect(takes({ annotations: { [EXCLUDE_ANNOTATION]: 'true' } })).toContain('is excluded');
    expect(takes({ annotations: { [EXCLUDE_ANNOTATION]: 'yes' } })).toContain('is excluded');
  });

  it('not of a node that others have cordoned, unless it is to', () => {
    expect(takes({ cordoned: true })).toContain('others had cordoned it');
    expect(takes({ cordoned: true }, { cordonedNodes: 'Include' })).toBe('');
  });

  it('of a node about which it could not know yet', () => {
    const judged = new Judged(othersWordIsKept);
    const excluded = node({ annotations: { [EXCLUDE_ANNOTATION]: 'true' } });
    judged.see('node', { before: node(), after: excluded }, { by: 'admin', atMs: 3_597_000 });
    expect(judged.see('policy', reserving(), { nodes: [excluded] })).toBe('');
    expect(judged.see('policy', reserving(), { nodes: [excluded], atMs: 3_610_000 })).toContain(
      'is excluded',
    );
  });
});

describe('a target', () => {
  const start = (version: string | null, spec: UpdatePolicySpec = {}, more: Circumstances = {}) =>
    judge(targetsAreAllowed)(
      'shadow',
      { before: shadow(), after: under(STAGING, { version, attempt: 2 }) },
      { policies: [policy(spec)], hosts: { n1: machine() }, ...more },
    );

  it('is allowed and newer than what runs', () => {
    expect(start(TARGET)).toBe('');
    expect(start(TARGET, { version: { exclude: [TARGET] } })).toContain('does not allow');
    expect(start(TARGET, { version: { range: '1.43.x' } })).toContain('does not allow');
    expect(start('1.42.0')).toContain('runs 1.42.0');
    expect(start('1.41.9')).toContain('runs 1.42.0');
    expect(start(null)).toContain('no version');
  });
});

describe('a failure domain', () => {
  const nodes = ['n1', 'n2', 'n3'].map((name) => node({ name, labels: { zone: name === 'n3' ? 'b' : 'a' } }));
  const slot = (name: string) =>
    entry({ node: name, shadowUid: `shadow-${name}`, attempt: name === 'n1' ? 2 : 1 });
  const takes = (topology: NonNullable<UpdatePolicySpec['topology']>, ...others: string[]) => {
    const held = others.map(slot);
    const before = policy({ topology }, { updating: held });
    return judge(domainCapsHold)(
      'policy',
      { before, after: policy({ topology }, { updating: [...held, slot('n1')] }) },
      { nodes },
    );
  };

  it('has no more nodes away than its cap', () => {
    expect(takes({ key: 'zone' })).toBe('');
    expect(takes({ key: 'zone' }, 'n3')).toBe('');
    expect(takes({ key: 'zone' }, 'n2')).toContain('2 nodes of domain a');
    expect(takes({ key: 'zone', maxConcurrentUpdates: 2 }, 'n2')).toBe('');
  });

  it('waits while so many others are worked on', () => {
    expect(takes({ key: 'zone', maxDomains: 1 }, 'n3')).toContain('2 domains');
    expect(takes({ key: 'zone', maxDomains: 2 }, 'n3')).toBe('');
  });
});

describe('availability', () => {
  const takes = (maxUnavailable: number | string, ...others: ReturnType<typeof node>[]) =>
    judge(availabilityHolds)('policy', reserving({ maxUnavailable }), { nodes: [node(), ...others] });

  it('counts what is away, whoever caused it', () => {
    expect(takes(1, node({ name: 'n2' }))).toBe('');
    expect(takes(1, node({ name: 'n2', ready: false }))).toContain('2 nodes away of 1');
    expect(takes(1, node({ name: 'n2', cordoned: true }))).toContain('2 nodes away of 1');
    expect(takes(1, node({ name: 'n2', metadata: { deletionTimestamp: inMinutes(0) } }))).toContain(
      '2 nodes away',
    );
    expect(takes('100%', node({ name: 'n2', ready: false }))).toBe('');
  });

  it('counts nothing that nobody could know yet', () => {
    const judged = new Judged(availabilityHolds);
    const away = node({ name: 'n2', ready: false });
    judged.see('node', { before: node({ name: 'n2' }), after: away }, { by: 'kubelet-n2', atMs: 3_598_000 });
    expect(judged.see('policy', reserving({ maxUnavailable: 1 }), { nodes: [node(), away] })).toBe('');
  });
});
