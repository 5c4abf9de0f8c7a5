/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import { RETRY_ANNOTATION } from '../../../api/names.ts';
import type { ShadowSpec } from '../../../api/v2/bottlerocketshadow.ts';
import {
  attemptsGoForward,
  backoffIsKept,
  deadlinesMoveOnce,
  endsAreCountedOnce,
  noFenceUnderIntent,
  phasesFitReasons,
  statesFollowReports,
  successIsTrue,
} from './attempts.ts';
import {
  entry,
  host,
  inMinutes,
  INTENT,
  judge,
  Judged,
  machine,
  MINUTE,
  node,
  OLD,
  policy,
  shadow,
  TARGET,
  under,
} from './judging.fixture.ts';

const STAGING = 'StagedAndPerformedUpdate';
const idleAfter = (reason: string, attempt = 1) =>
  shadow({ attempt, outcome: { attempt, reason, message: '' } });

describe('an attempt', () => {
  const goes = (before: ReturnType<typeof shadow>, after: ReturnType<typeof shadow>) =>
    judge(attemptsGoForward)('shadow', { before, after });

  it.each<[ShadowSpec['state'], ShadowSpec['state'], boolean]>([
    ['Idle', STAGING, true],
    ['Idle', 'RebootedIntoUpdate', false],
    [STAGING, 'RebootedIntoUpdate', true],
    [STAGING, 'MonitoringUpdate', false],
    [STAGING, 'Idle', true],
    ['RebootedIntoUpdate', 'MonitoringUpdate', true],
    ['RebootedIntoUpdate', STAGING, false],
    ['MonitoringUpdate', 'Idle', true],
    ['MonitoringUpdate', 'RebootedIntoUpdate', false],
  ])('goes from %s to %s: %s', (from, to, isLegal) => {
    const verdict = goes(under(from), under(to));
    if (isLegal) expect(verdict).toBe('');
    else expect(verdict).toContain(`from ${from} to ${to}`);
  });

  it('keeps its number, its target and its policy', () => {
    expect(goes(under(STAGING), under(STAGING, { deadline: inMinutes(1) }))).toBe('');
    expect(goes(under(STAGING), under(STAGING, { version: '1.45.0' }))).toContain('was changed');
    expect(goes(under(STAGING), under(STAGING, { policy: { name: 'b', uid: 'b' } }))).toContain(
      'was changed',
    );
    expect(goes(under(STAGING), under(STAGING, { attempt: 2 }))).toContain('was changed');
    expect(goes(shadow({ attempt: 3 }), shadow({ attempt: 2 }))).toContain('attempt 2 follows 3');
  });

  it('goes on when the agent has said so', () => {
    const follows = (before: ReturnType<typeof shadow>, to: ShadowSpec['state']) =>
      judge(statesFollowReports)('shadow', { before, after: under(to) });
    expect(follows(under(STAGING), 'RebootedIntoUpdate')).toBe('');
    expect(follows(under(STAGING, {}, { current_state: 'Idle' }), 'RebootedIntoUpdate')).toContain(
      'before it has staged',
    );
    const rebooted = { current_state: 'RebootedIntoUpdate', current_version: TARGET } as const;
    expect(follows(under('RebootedIntoUpdate', {}, rebooted), 'MonitoringUpdate')).toBe('');
    expect(follows(under('RebootedIntoUpdate'), 'MonitoringUpdate')).toContain('before it has rebooted');
    expect(
      follows(under('RebootedIntoUpdate', {}, { ...rebooted, current_version: OLD }), 'MonitoringUpdate'),
    ).toContain('with 1.42.0 running');
  });

  it('has its deadline moved once, to later', () => {
    const judged = new Judged(deadlinesMoveOnce);
    const move = (from: number, to: number) =>
      judged.see('shadow', {
        before: under(STAGING, { deadline: inMinutes(from) }),
        after: under(STAGING, { deadline: inMinutes(to) }),
      });
    expect(move(5, 4)).toContain('to earlier');
    expect(move(5, 6)).toBe('');
    expect(move(6, 7)).toContain('twice');
  });

  it('is not put back while the host may reboot, unless the node is gone', () => {
    const intended = under('RebootedIntoUpdate', {}, { host: host({ rebootIntent: INTENT }) });
    expect(
      judge(noFenceUnderIntent)('shadow', { before: under('RebootedIntoUpdate'), after: shadow() }),
    ).toBe('');
    expect(judge(noFenceUnderIntent)('shadow', { before: intended, after: shadow() })).toContain(
      'with an open intent',
    );
    expect(judge(noFenceUnderIntent)('shadow', { before: intended, after: shadow() }, { nodes: [] })).toBe(
      '',
    );
    const another = node({ metadata: { uid: 'another' } });
    expect(
      judge(noFenceUnderIntent)('shadow', { before: intended, after: shadow() }, { nodes: [another] }),
    ).toBe('');
  });
});

describe('an end', () => {
  const before = policy({}, { updating: [entry()], rollout: { failures: 1 } });
  const counted = (phase: 'Failed' | 'Ended' | 'Resting', reason: string, status: object) =>
    judge(endsAreCountedOnce)('policy', {
      before,
      after: policy({}, { updating: [entry({ phase, reason })], ...status }),
    });
  const halt = { reason: 'BootFallback', node: 'n1', version: TARGET, attempt: 1, at: inMinutes(0) };

  it('is counted in the write that says so, and a failure halts', () => {
    expect(counted('Failed', 'BootFallback', { rollout: { failures: 2 }, halt })).toBe('');
    expect(counted('Failed', 'BootFallback', { rollout: { failures: 1 }, halt })).toContain(
      'counts 0 failures for 1',
    );
    expect(counted('Failed', 'BootFallback', { rollout: { failures: 2 } })).toContain('was not halted');
    expect(counted('Ended', 'DrainTimeout', { rollout: { failures: 1 } })).toBe('');
    expect(counted('Ended', 'DrainTimeout', { rollout: { failures: 2 } })).toContain(
      'counts 1 failures for 0',
    );
    expect(
      counted('Failed', 'BootFallback', { rollout: { failures: 0, startedAt: inMinutes(0) }, halt }),
    ).toBe('');
  });

  it('is not written twice', () => {
    const ended = policy({}, { updating: [entry({ phase: 'Ended', reason: 'Paused' })] });
    const again = policy({}, { updating: [entry({ phase: 'Failed', reason: 'BootFallback' })] });
    expect(judge(endsAreCountedOnce)('policy', { before: ended, after: again })).toContain('written twice');
  });

  it.each([
    ['Resting', 'Updated', true],
    ['Ended', 'DrainTimeout', true],
    ['Lost', 'RebootTimeout', true],
    ['Ended', 'BootFallback', false],
    ['Failed', 'DrainTimeout', false],
    ['Resting', 'VerifyTimeout', false],
  ] as const)('%s fits %s: %s', (phase, reason, isFit) => {
    const verdict = judge(phasesFitReasons)('policy', {
      before,
      after: policy({}, { updating: [entry({ phase, reason })] }),
    });
    if (isFit) expect(verdict).toBe('');
    else expect(verdict).toContain(`n1 is ${phase} for ${reason}`);
  });
});

describe('a success', () => {
  const ends = (
    runs: string,
    from: ShadowSpec['state'] = 'MonitoringUpdate',
    of: ReturnType<typeof node> = node(),
  ) =>
    judge(successIsTrue)(
      'shadow',
      { before: under(from), after: idleAfter('Updated') },
      { hosts: { n1: machine(runs) }, nodes: [of] },
    );

  it('is true of the host and its node', () => {
    expect(ends(TARGET)).toBe('');
    expect(ends(OLD)).toContain('runs 1.42.0');
    expect(ends(TARGET, 'RebootedIntoUpdate')).toContain('in state Rebooted');
    expect(ends(TARGET, 'MonitoringUpdate', node({ ready: false }))).toContain('ends well, Ready for');
  });

  it('comes when the node has been Ready for long enough', () => {
    const judged = new Judged(successIsTrue);
    judged.see('node', { before: node(), after: node({ ready: false }) }, { by: 'cluster', atMs: 3_500_000 });
    const back = (atMs: number) =>
      judged.see('node', { before: node({ ready: false }), after: node() }, { by: 'kubelet-n1', atMs });
    back(3_590_000);
    const end = (atMs: number) =>
      judged.see(
        'shadow',
        { before: under('MonitoringUpdate'), after: idleAfter('Updated') },
        { atMs, hosts: { n1: machine(TARGET) } },
      );
    expect(end(3_600_000)).toContain('Ready for 10 s');
    expect(end(3_590_000 + 2 * MINUTE)).toBe('');
  });
});

describe('back-off', () => {
  const begin = (attempt: number) => ({
    before: shadow({ attempt: attempt - 1 }),
    after: under(STAGING, { attempt }),
  });

  it('is ten minutes, then twenty, until a success', () => {
    const judged = new Judged(backoffIsKept);
    const bad = (attempt: number, atMs: number) =>
      judged.see(
        'shadow',
        { before: under(STAGING, { attempt }), after: idleAfter('DrainTimeout', attempt) },
        { atMs },
      );
    bad(1, 0);
    expect(judged.see('shadow', begin(2), { atMs: 9 * MINUTE })).toContain('540 s after bad end 1');
    expect(judged.see('shadow', begin(2), { atMs: 10 * MINUTE })).toBe('');
    bad(2, 12 * MINUTE);
    expect(judged.see('shadow', begin(3), { atMs: 31 * MINUTE })).toContain('after bad end 2 in a row');
    expect(judged.see('shadow', begin(3), { atMs: 32 * MINUTE })).toBe('');
    judged.see(
      'shadow',
      { before: under('MonitoringUpdate', { attempt: 3 }), after: idleAfter('Updated', 3) },
      { atMs: 40 * MINUTE },
    );
    expect(judged.see('shadow', begin(4), { atMs: 41 * MINUTE })).toBeUndefined();
  });

  it('is none after what counts nothing, and when somebody says so', () => {
    const judged = new Judged(backoffIsKept);
    judged.see('shadow', { before: under(STAGING), after: idleAfter('WindowClosed') }, { atMs: 0 });
    expect(judged.see('shadow', begin(2), { atMs: 1 })).toBeUndefined();
    judged.see(
      'shadow',
      { before: under(STAGING, { attempt: 2 }), after: idleAfter('StageFailed', 2) },
      { atMs: 2 },
    );
    judged.see(
      'node',
      { before: node(), after: node({ annotations: { [RETRY_ANNOTATION]: inMinutes(0) } }) },
      { by: 'admin' },
    );
    expect(judged.see('shadow', begin(3), { atMs: 3 })).toBeUndefined();
  });
});
