import { describe, expect, it } from 'vitest';
import { END_COUNTS, END_REASONS } from '../api/reasons.ts';
import type { EndReason } from '../api/reasons.ts';
import { BIND_GRACE_MS, DEADLINE_GRACE_MS, SIGHT_GRACE_MS, nextStep } from './attempt.ts';
import type { AttemptStep, AttemptView } from './attempt.ts';
import { orphanStep } from './orphan.ts';
import {
  NEW,
  NOW,
  OTHER_BOOT,
  POLICY,
  STAGED,
  attemptView,
  committed,
  cordoned,
  entry,
  failed,
  idle,
  inMinutes,
  merged,
  monitoring,
  node,
  rebooted,
  rebooting,
  reserved,
  staged,
  staging,
  uncordoned,
} from './situations.fixture.ts';
import { releaseCordon } from './marks.ts';

type Change = Partial<AttemptView>;

/** A step in one word or two: what is done, and the end or the reason it is for. */
function said(step: AttemptStep): string {
  if (step.do === 'fence' || step.do === 'count') return `${step.do} ${step.end}`;
  return 'reason' in step ? `${step.do} ${step.reason}` : step.do;
}
const step = (change: Change): string => said(nextStep(attemptView(change)));

const ending = { policy: { ...POLICY, ending: true } };
const closed = { gate: { reason: 'WindowClosed', message: 'The window is closed.' } } as const;
const drained = { evictable: 0, listedAtMs: NOW };
const passed = { deadline: inMinutes(-60) };
const released = merged(uncordoned(), releaseCordon(uncordoned()) ?? {});
const foreign = { spec: { policy: { name: 'other', uid: 'policy-2' } } };

const TABLES: Record<string, [string, Change, string][]> = {
  'reserved, not started': [
    ['nothing is against it', { shadow: reserved() }, 'start'],
    ['the window has closed', { shadow: reserved(), ...closed }, 'fence WindowClosed'],
    ['the policy is being deleted', { shadow: reserved(), ...ending }, 'fence PolicyDeleted'],
    ['the shadow is being deleted', { shadow: reserved({ deleting: true }) }, 'fence ShadowDeleted'],
    ['the Node is gone', { shadow: reserved(), node: undefined }, 'fence NodeGone'],
    ['an attempt was skipped', { shadow: reserved({ spec: { attempt: 1 } }) }, 'fence Superseded'],
    ['the shadow is gone', { shadow: undefined }, 'count ShadowDeleted'],
    ['shadow and Node are gone', { shadow: undefined, node: undefined }, 'count NodeGone'],
  ],
  'staging (1)': [
    ['the host stages', {}, 'wait Staging'],
    ['it takes too long', { shadow: staging({ spec: passed }) }, 'fence StageTimeout'],
    [
      'the deadline has just passed',
      { shadow: staging({ spec: { deadline: inMinutes(-1) } }) },
      'wait Staging',
    ],
    ['the agent gave up', { shadow: failed('StageFailed') }, 'fence StageFailed'],
    ['the agent says what is none of its ends', { shadow: failed('HostUnreachable') }, 'fence StageFailed'],
    ['the old version booted after it was armed', { shadow: failed('BootFallback') }, 'count BootFallback'],
    ['another version booted', { shadow: failed('UnexpectedVersion') }, 'count UnexpectedVersion'],
    ['the window closes', closed, 'fence WindowClosed'],
    ['the policy is deleted', ending, 'fence PolicyDeleted'],
    ['the shadow is deleted', { shadow: staging({ deleting: true }) }, 'fence ShadowDeleted'],
    ['the Node is gone', { node: undefined }, 'fence NodeGone'],
    ['another policy has started it', { shadow: staging(foreign) }, 'count Superseded'],
    ['a later attempt is under way', { shadow: staging({ spec: { attempt: 4 } }) }, 'count Superseded'],
  ],
  'staged, being drained (1)': [
    ['it is not cordoned', { shadow: staged() }, 'cordon'],
    ["somebody's cordon is there", { shadow: staged(), node: node({ unschedulable: true }) }, 'cordon'],
    ['its pods are not known', { shadow: staged(), node: cordoned() }, 'list Draining'],
    [
      'it has pods',
      { shadow: staged(), node: cordoned(), drain: { evictable: 2, listedAtMs: NOW } },
      'evict Draining',
    ],
    [
      'a budget keeps a pod',
      {
        shadow: staged(),
        node: cordoned(),
        drain: { evictable: 1, listedAtMs: NOW, blocked: { reason: 'PodDisruptionBudget', message: 'web' } },
      },
      'evict PodDisruptionBudget',
    ],
    ['it is empty', { shadow: staged(), node: cordoned(), drain: drained }, 'reboot'],
    [
      'it is empty, the cordon is fresh',
      { shadow: staged(), node: cordoned(0), drain: drained },
      'wait Draining',
    ],
    [
      'it was empty before the cordon settled',
      {
        shadow: staged(),
        node: cordoned(),
        drain: { evictable: 0, listedAtMs: NOW - 60_000 + BIND_GRACE_MS - 1 },
      },
      'list Draining',
    ],
    ['draining takes too long', { shadow: staged(), node: cordoned(60) }, 'fence DrainTimeout'],
    ['somebody uncordons it', { shadow: staged(), node: uncordoned() }, 'release'],
    ['that is recorded', { shadow: staged(), node: released }, 'fence Interfered'],
    ['the window closes', { shadow: staged(), node: cordoned(), ...closed }, 'fence WindowClosed'],
    [
      'the target runs already',
      { shadow: staged({ version: NEW, host: { bootId: OTHER_BOOT, staged: null } }) },
      'reboot',
    ],
  ],
  'told to reboot, no intent (2)': [
    ['the agent is about to ask', { shadow: rebooting(), node: cordoned() }, 'wait Rebooting'],
    ['the window closes', { shadow: rebooting(), node: cordoned(), ...closed }, 'fence WindowClosed'],
    [
      'its window has closed and another is open',
      { shadow: rebooting({ spec: { notAfter: inMinutes(-1) } }), node: cordoned() },
      'fence WindowClosed',
    ],
    ['the policy is deleted', { shadow: rebooting(), node: cordoned(), ...ending }, 'fence PolicyDeleted'],
    ['somebody uncordons it', { shadow: rebooting(), node: uncordoned() }, 'release'],
    ['that is recorded', { shadow: rebooting(), node: released }, 'fence Interfered'],
    [
      'the agent does not ask in time',
      { shadow: rebooting({ spec: passed }), node: cordoned() },
      'fence NotArmed',
    ],
    ['the host was not armed', { shadow: failed('NotArmed', rebooting) }, 'fence NotArmed'],
    ['the Node is gone', { shadow: rebooting(), node: undefined }, 'fence NodeGone'],
  ],
  'told to reboot, intent open (2)': [
    ['the host is on its way', { shadow: committed(), node: cordoned() }, 'wait Rebooting'],
    ['the window closes', { shadow: committed(), node: cordoned(), ...closed }, 'wait Rebooting'],
    ['its window has closed', { shadow: committed({ spec: { notAfter: inMinutes(-1) } }) }, 'wait Rebooting'],
    ['the policy is deleted', { shadow: committed(), node: cordoned(), ...ending }, 'wait Rebooting'],
    ['somebody uncordons it', { shadow: committed(), node: uncordoned() }, 'release'],
    ['that is recorded', { shadow: committed(), node: released }, 'wait Rebooting'],
    [
      'it is silent too long',
      { shadow: committed({ spec: passed }), node: cordoned() },
      'count RebootTimeout',
    ],
    ['the host refused', { shadow: failed('RebootRefused', rebooting) }, 'fence RebootRefused'],
    ['the old version booted', { shadow: failed('BootFallback', rebooting) }, 'count BootFallback'],
    ['the Node is gone', { shadow: committed(), node: undefined }, 'count NodeLostAfterReboot'],
  ],
  'rebooted (2)': [
    [
      'the Node shows the new boot',
      { shadow: rebooted(), node: cordoned(1, { bootId: OTHER_BOOT }) },
      'monitor',
    ],
    ['the Node shows the old boot', { shadow: rebooted(), node: cordoned() }, 'wait Rebooting'],
    ['the window closes', { shadow: rebooted(), node: cordoned(), ...closed }, 'wait Rebooting'],
    ['the Node never comes', { shadow: rebooted({ spec: passed }), node: cordoned() }, 'count RebootTimeout'],
    ['the Node is gone', { shadow: rebooted(), node: undefined }, 'count NodeLostAfterReboot'],
  ],
  'being verified (3)': [
    ['our cordon is still there', { shadow: monitoring(), node: cordoned() }, 'undo'],
    ['it is not healthy', { shadow: monitoring() }, 'wait Verifying'],
    [
      'it is healthy',
      { shadow: monitoring(), health: { healthySinceMs: NOW - 60_000, message: '' } },
      'wait Verifying',
    ],
    [
      'it stays healthy',
      { shadow: monitoring(), health: { healthySinceMs: NOW - 120_000, message: '' } },
      'fence Updated',
    ],
    [
      'it is healthy, the agent silent',
      {
        shadow: monitoring({ state: 'RebootedIntoUpdate' }),
        health: { healthySinceMs: NOW - 120_000, message: '' },
      },
      'wait Verifying',
    ],
    ['the window closes', { shadow: monitoring(), ...closed }, 'wait Verifying'],
    ['the policy is deleted', { shadow: monitoring(), ...ending }, 'wait Verifying'],
    [
      'it does not become healthy',
      { shadow: monitoring({ spec: passed }), sightSinceMs: NOW - 24 * 3_600_000 },
      'count VerifyTimeout',
    ],
    ['another version runs', { shadow: failed('UnexpectedVersion', monitoring) }, 'count UnexpectedVersion'],
    ['the Node is gone', { shadow: monitoring(), node: undefined }, 'count NodeLostAfterReboot'],
  ],
  'Idle, the end not counted': [
    [
      'the outcome says how it ended',
      { shadow: idle({ spec: { outcome: { attempt: 3, reason: 'StageFailed', message: 'x' } } }) },
      'count StageFailed',
    ],
    [
      'the outcome is of another attempt',
      { shadow: idle({ spec: { outcome: { attempt: 2, reason: 'StageFailed', message: 'x' } } }) },
      'count Superseded',
    ],
    [
      'the outcome is no word of the list',
      { shadow: idle({ spec: { outcome: { attempt: 3, reason: 'Whatever', message: 'x' } } }) },
      'count Superseded',
    ],
    ['there is no outcome', { shadow: idle() }, 'count Superseded'],
    ['somebody set ErrorReset', { shadow: idle({ spec: { state: 'ErrorReset' } }) }, 'fence Superseded'],
  ],
  'counted, being put back': [
    [
      'spec is not Idle yet',
      { entry: entry({ phase: 'Failed', reason: 'BootFallback' }) },
      'fence BootFallback',
    ],
    [
      'the back-off is not recorded',
      { shadow: idle(), entry: entry({ phase: 'Ended', reason: 'StageFailed' }) },
      'backoff',
    ],
    [
      'our marks are there',
      { shadow: idle(), node: cordoned(), entry: entry({ phase: 'Ended', reason: 'WindowClosed' }) },
      'undo',
    ],
    [
      'the host is not put back',
      {
        shadow: idle({ host: { staged: STAGED } }),
        entry: entry({ phase: 'Ended', reason: 'WindowClosed', until: inMinutes(5) }),
      },
      'wait PuttingBack',
    ],
    [
      'the host was not put back in time',
      {
        shadow: idle({ host: { staged: STAGED } }),
        entry: entry({ phase: 'Ended', reason: 'WindowClosed', until: inMinutes(-5) }),
      },
      'remove',
    ],
    [
      'all is put back',
      { shadow: idle(), entry: entry({ phase: 'Ended', reason: 'WindowClosed' }) },
      'remove',
    ],
    [
      'a success rests',
      { shadow: idle(), entry: entry({ phase: 'Resting', reason: 'Updated', until: inMinutes(1) }) },
      'wait Resting',
    ],
    [
      'a success has rested',
      { shadow: idle(), entry: entry({ phase: 'Resting', reason: 'Updated', until: inMinutes(0) }) },
      'remove',
    ],
    [
      'the host is silent since its intent',
      { shadow: committed(), node: cordoned(), entry: entry({ phase: 'Lost', reason: 'RebootTimeout' }) },
      'wait RebootLost',
    ],
    [
      'the silent host is gone',
      { shadow: committed(), node: undefined, entry: entry({ phase: 'Lost', reason: 'RebootTimeout' }) },
      'fence RebootTimeout',
    ],
    [
      'another policy has started the node',
      { shadow: staging(foreign), node: cordoned(), entry: entry({ phase: 'Ended', reason: 'Paused' }) },
      'remove',
    ],
    [
      'the shadow is gone, marks are there',
      { shadow: undefined, node: cordoned(), entry: entry({ phase: 'Ended', reason: 'ShadowDeleted' }) },
      'undo',
    ],
    [
      'the shadow is gone',
      { shadow: undefined, entry: entry({ phase: 'Ended', reason: 'ShadowDeleted' }) },
      'remove',
    ],
  ],
};

describe.each(Object.entries(TABLES))('a node that is %s', (_state, rows) => {
  it.each(rows)('when %s', (_name, change, expected) => expect(step(change)).toBe(expected));
});

const reasonOf = (text: string): EndReason => text.split(' ')[1] as EndReason;
/** For how long the slot is still held after an end. */
const heldMs = (reason: string): number => {
  const shadow = idle({ spec: { outcome: { attempt: 3, reason, message: '' } } });
  const found = nextStep(attemptView({ shadow }));
  return found.do === 'count' ? found.untilMs - NOW : Number.NaN;
};

describe('an end', () => {
  const ends = [...new Set(Object.values(TABLES).flatMap((rows) => rows.map(([, , expected]) => expected)))];

  it('that is a failure is counted before the spec is touched, any other after', () => {
    const fromFlight = Object.entries(TABLES).filter(([state]) => /\((1|2|3)\)/.test(state));
    for (const [, rows] of fromFlight) {
      for (const [name, , expected] of rows) {
        const isEnd = /^(fence|count)/.test(expected) && !expected.endsWith('Superseded');
        if (!isEnd) continue;
        const isFailure = END_COUNTS[reasonOf(expected)] === 'failure';
        expect(expected.startsWith('count'), name).toBe(isFailure);
      }
    }
  });

  it('of each kind is reached', () => {
    const reached = new Set(ends.filter((text) => /^(fence|count)/.test(text)).map(reasonOf));
    // These two come from the gate, with the words of admission.
    const fromGate = ['Blackout', 'Paused', 'PolicyInvalid'];
    expect([...reached, ...fromGate].toSorted()).toEqual(Object.keys(END_COUNTS).toSorted());
  });

  it('holds the slot for the rest after a success, else until it is put back', () => {
    expect(heldMs('Updated')).toBe(POLICY.intervalMs);
    expect(heldMs('StageFailed')).toBe(POLICY.stageTimeoutMs);
  });

  it('marks a host that is silent after its intent', () => {
    expect(nextStep(attemptView({ shadow: committed({ spec: passed }) }))).toMatchObject({ lost: true });
    expect(nextStep(attemptView({ shadow: rebooted({ spec: passed }) }))).not.toHaveProperty('lost');
  });
});

/** So long after the deadline of staging. */
const atDeadline = (sinceMs: number, change: Change = {}): Change => ({
  shadow: staging({ spec: { deadline: inMinutes(0) } }),
  now: NOW + sinceMs,
  ...change,
});

/** The deadline of the verification was so long ago, and so long somebody sees. */
const verifying = (sinceMs: number, sightSinceMs: number): Partial<AttemptView> => ({
  shadow: monitoring({ spec: { deadline: inMinutes(0) } }),
  now: NOW + sinceMs,
  sightSinceMs,
});

describe('a deadline', () => {
  it('counts two minutes after it', () => {
    expect(step(atDeadline(DEADLINE_GRACE_MS - 1))).toBe('wait Staging');
    expect(step(atDeadline(DEADLINE_GRACE_MS))).toBe('fence StageTimeout');
  });

  it('that passed unseen moves to two minutes after sight returned: to the entry first', () => {
    const sightSinceMs = NOW + 30_000;
    expect(nextStep(attemptView(atDeadline(600_000, { sightSinceMs })))).toEqual({
      do: 'extendEntry',
      deadlineMs: sightSinceMs + SIGHT_GRACE_MS,
    });
  });

  it('of the verification leaves who begins to see the time that a node has to be well', () => {
    const { stableForMs } = POLICY;
    // Sight returned before the deadline, but too late to see the node well for long enough.
    expect(nextStep(attemptView(verifying(0, NOW - 1000)))).toEqual({
      do: 'extendEntry',
      deadlineMs: NOW - 1000 + stableForMs + SIGHT_GRACE_MS,
    });
    expect(step(verifying(DEADLINE_GRACE_MS, NOW - stableForMs))).toBe('count VerifyTimeout');
  });

  it('that was moved in the entry is moved in spec next', () => {
    const moved = entry({ extended: inMinutes(5) });
    expect(nextStep(attemptView(atDeadline(60_000, { entry: moved })))).toEqual({
      do: 'extendSpec',
      deadlineMs: NOW + 300_000,
    });
  });

  it('moves once', () => {
    const again = atDeadline(600_000, {
      entry: entry({ extended: inMinutes(0) }),
      sightSinceMs: NOW + 30_000,
    });
    expect(step(again)).toBe('fence StageTimeout');
  });

  it('of a later state may move once more', () => {
    const view = { shadow: committed({ spec: { deadline: inMinutes(-3) } }), node: cordoned() };
    const sightSinceMs = NOW - 60_000;
    expect(step({ ...view, sightSinceMs, entry: entry({ extended: inMinutes(-90) }) })).toBe('extendEntry');
  });

  it('of the drain runs from the cordon, however late staging was', () => {
    const view = { shadow: staged({ spec: passed }), drain: { evictable: 1, listedAtMs: NOW } };
    expect(step({ ...view, node: cordoned(1) })).toBe('evict Draining');
    expect(step({ ...view, node: cordoned(29) })).toBe('evict Draining');
    // Nothing of the host can still act: no grace.
    expect(step({ ...view, node: cordoned(30) })).toBe('fence DrainTimeout');
  });

  it('tells when to look again', () => {
    expect(nextStep(attemptView({}))).toMatchObject({ untilMs: NOW + 20 * 60_000 });
    const health = { healthySinceMs: NOW - 60_000, message: '' };
    expect(nextStep(attemptView({ shadow: monitoring(), health }))).toMatchObject({ untilMs: NOW + 60_000 });
  });
});

/** Cordoned a minute ago, and found empty so long ago. */
const emptySince = (listedAgoMs: number): Change => ({
  shadow: staged(),
  node: cordoned(1),
  drain: { evictable: 0, listedAtMs: NOW - listedAgoMs },
});

describe('the reboot', () => {
  it('is told only with this attempt’s own cordon and an empty list that is younger than it by five seconds', () => {
    expect(step(emptySince(60_000 - BIND_GRACE_MS))).toBe('reboot');
    expect(step(emptySince(60_000 - BIND_GRACE_MS + 1))).toBe('list Draining');
  });

  it('gets a deadline of its own', () => {
    const told = nextStep(attemptView({ shadow: staged(), node: cordoned(), drain: drained }));
    expect(told).toEqual({ do: 'reboot', deadlineMs: NOW + POLICY.rebootTimeoutMs });
  });
});

describe('an end that is counted already', () => {
  it('says on the node what it means', () => {
    const told = nextStep(attemptView({ entry: entry({ phase: 'Failed', reason: 'BootFallback' }) }));
    expect(told).toMatchObject({ do: 'fence', message: END_REASONS.BootFallback.means });
  });
});

describe('a node whose policy is gone', () => {
  const orphan = (change: Change): string => said(orphanStep(attemptView({ ...ending, ...change })));

  it.each<[string, Change, string]>([
    ['is put back before the reboot', { shadow: staged(), node: cordoned() }, 'fence PolicyDeleted'],
    ['is finished with an open intent', { shadow: committed(), node: cordoned() }, 'wait Rebooting'],
    ['is verified after it', { shadow: rebooted(), node: cordoned(1, { bootId: OTHER_BOOT }) }, 'monitor'],
    [
      'is put back though it failed: nobody can count',
      { shadow: failed('BootFallback') },
      'fence BootFallback',
    ],
    ['is left alone while silent', { shadow: committed({ spec: passed }) }, 'wait RebootLost'],
    ['is done once Idle', { shadow: idle() }, 'wait PuttingBack'],
    [
      'has its deadline moved in spec at once',
      { shadow: committed({ spec: { deadline: inMinutes(-3) } }), sightSinceMs: NOW - 60_000 },
      'extendSpec',
    ],
    ['is nobody’s once its shadow is gone', { shadow: undefined }, 'wait PuttingBack'],
  ])('%s', (_name, change, expected) => expect(orphan(change)).toBe(expected));
});
