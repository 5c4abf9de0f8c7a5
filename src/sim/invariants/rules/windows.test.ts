/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import { RUN_NOW_ANNOTATION } from '../../../api/names.ts';
import type { UpdatePolicySpec } from '../../../api/v1/updatepolicy.ts';
import {
  cordonMark,
  entry,
  host,
  inMinutes,
  INTENT,
  judge,
  Judged,
  node,
  pod,
  policy,
  shadow,
  under,
} from './judging.fixture.ts';
import type { Circumstances } from './judging.fixture.ts';
import {
  cordonsOnlyInWindows,
  evictionsOnlyInWindows,
  intentsOnlyInWindows,
  notAfterIsTheClose,
  rebootsOnlyInWindows,
  slotsLeaveTime,
  startsLeaveTime,
} from './windows.ts';

/** It is noon. */
const OPEN: UpdatePolicySpec = { maintenanceWindows: [{ schedule: '0 11 * * *', duration: '2h' }] };
const CLOSED: UpdatePolicySpec = { maintenanceWindows: [{ schedule: '0 9 * * *', duration: '2h' }] };
const BLACKOUT: UpdatePolicySpec = { blackoutWindows: [{ from: inMinutes(-10), until: inMinutes(10) }] };
const STAGING = 'StagedAndPerformedUpdate';
const by = (spec: UpdatePolicySpec): Circumstances => ({ policies: [policy(spec)] });
const runNow = node({ annotations: { [RUN_NOW_ANNOTATION]: inMinutes(30) } });

const cordoned = { before: node(), after: node({ cordoned: true, marks: cordonMark({ at: inMinutes(0) }) }) };
const evicted = { before: pod(), after: pod({ deleted: true }) };
const accepted = {
  before: under('RebootedIntoUpdate'),
  after: under('RebootedIntoUpdate', {}, { host: host({ rebootIntent: INTENT }) }),
};
const down = {
  node: 'n1',
  byOthers: false,
  event: { type: 'down', bootId: 'b', version: '1', previous: { bootId: 'b', version: '1' } },
} as const;

describe.each([
  ['a cordon', cordonsOnlyInWindows, 'node', cordoned],
  ['an eviction', evictionsOnlyInWindows, 'pod', evicted],
  ['an intent', intentsOnlyInWindows, 'shadow', accepted],
  ['a reboot', rebootsOnlyInWindows, 'down', down],
] as const)('%s', (...[, rule, kind, what]) => {
  const at = (circumstances: Circumstances) => judge(rule)(kind, what, circumstances);

  it('belongs into a window', () => {
    expect(at(by(OPEN))).toBe('');
    expect(at(by({}))).toBe('');
    expect(at(by(CLOSED))).toContain('outside the window');
    expect(at(by(BLACKOUT))).toContain('outside the window');
  });

  it('may finish after the close, not in a blackout', () => {
    expect(at(by({ ...CLOSED, onClose: 'Finish' }))).toBe('');
    expect(at(by({ ...BLACKOUT, onClose: 'Finish' }))).toContain('outside');
  });

  it('may come at the word of an administrator, not in a blackout', () => {
    expect(at({ ...by(CLOSED), nodes: [runNow] })).toBe('');
    expect(at({ ...by(BLACKOUT), nodes: [runNow] })).toContain('outside');
  });

  it('goes by what the policy said lately', () => {
    const judged = new Judged(rule, { policies: [policy(OPEN)] });
    const edited = policy(CLOSED, {}, { generation: 2 });
    judged.see('policy', { before: policy(OPEN), after: edited }, { by: 'admin', atMs: 3_599_000 });
    expect(judged.see(kind, what, { policies: [edited] })).toBe('');
    expect(judged.see(kind, what, { policies: [edited], atMs: 3_600_000 + 500_000 })).toContain('outside');
  });
});

describe('a slot', () => {
  const reserve = (spec: UpdatePolicySpec, more: Circumstances = {}) => {
    const after = policy(spec, { updating: [entry({ attempt: 2 })] });
    return judge(slotsLeaveTime)('policy', { before: policy(spec), after }, { policies: [after], ...more });
  };

  it('is taken only with enough time ahead', () => {
    expect(reserve({ ...OPEN, minRemaining: '59m' })).toBe('');
    expect(reserve({ ...OPEN, minRemaining: '61m' })).toContain('with 3600 s left');
    expect(reserve(CLOSED)).toContain('outside the window');
    const soon = { blackoutWindows: [{ from: inMinutes(20), until: inMinutes(30) }] };
    expect(reserve({ ...soon, minRemaining: '21m' })).toContain('with 1200 s left');
  });

  it('counts the time that an administrator has given', () => {
    expect(reserve({ ...CLOSED, minRemaining: '29m' }, { nodes: [runNow] })).toBe('');
    expect(reserve({ ...CLOSED, minRemaining: '31m' }, { nodes: [runNow] })).toContain('with 1800 s left');
  });

  it('that was taken long ago starts nothing at the close', () => {
    const start = { before: shadow(), after: under(STAGING, { attempt: 2 }) };
    expect(judge(startsLeaveTime)('shadow', start, by({ ...OPEN, minRemaining: '60m' }))).toBe('');
    expect(judge(startsLeaveTime)('shadow', start, by({ ...OPEN, minRemaining: '62m' }))).toContain(
      'was started with',
    );
  });
});

describe('notAfter', () => {
  const told = (spec: UpdatePolicySpec, notAfter: string | null) =>
    judge(notAfterIsTheClose)(
      'shadow',
      { before: under(STAGING), after: under('RebootedIntoUpdate', { notAfter }) },
      by(spec),
    );

  it('is the close', () => {
    expect(told(OPEN, inMinutes(60))).toBe('');
    expect(told(OPEN, inMinutes(61))).toContain('after the close');
    expect(told(OPEN, null)).toContain('after the close');
    expect(told({}, null)).toBe('');
  });

  it('is the next blackout when a node may finish', () => {
    const blackoutWindows = [{ from: inMinutes(90), until: inMinutes(100) }];
    const spec: UpdatePolicySpec = { ...OPEN, blackoutWindows, onClose: 'Finish' };
    expect(told(spec, inMinutes(90))).toBe('');
    expect(told(spec, inMinutes(91))).toContain('after the close');
  });
});
