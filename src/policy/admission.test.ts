import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WAIT_REASONS } from '../api/reasons.ts';
import type { WaitReason } from '../api/reasons.ts';
import { nodeBlock, selectionBlock, startBlock } from './admission.ts';
import { block } from './block.ts';
import { targetOf, windowOf } from './gates.ts';
import { at, cause, caused, situation } from './situation.fixture.ts';
import type { Situation } from './situation.fixture.ts';

/** Causes that are about the same fact, so that only one of them can be there. */
const EXCLUSIVE: WaitReason[][] = [
  ['Blackout', 'MinRemaining'],
  ['WindowClosed', 'MinRemaining'],
  ['WindowClosed', 'Blackout'],
  ['PolicyPaused', 'DryRun'],
  ['UpToDate', 'NoEligibleVersion'],
  ['UpToDate', 'NotOffered'],
  ['UpToDate', 'HostUnreachable'],
  ['UpToDate', 'RepositoryUnreachable'],
  ['NoEligibleVersion', 'NotOffered'],
  ['HostUnreachable', 'RepositoryUnreachable'],
];

const reasonOf = (...causes: WaitReason[]): WaitReason | undefined =>
  startBlock(situation(...causes.map(cause)))?.reason;
const messageOf = (reason: WaitReason): string => startBlock(situation(cause(reason)))?.message ?? '';

const runNow = (now: Situation): void => void (now.controls.runNowUntilMs = at('2026-01-10T04:00:00Z'));

const retry =
  (text: string) =>
  (now: Situation): void =>
    void (now.controls.retryAtMs = at(text));

const policy = (name: string) => ({ name, uid: name, priority: 5, selects: () => true });

describe('a node that is to start', () => {
  it('may, when nothing is against it', () => {
    expect(startBlock(situation())).toBeUndefined();
    const { policy, node } = situation();
    expect(targetOf(policy, node)).toBe('1.44.0');
  });

  it.each(caused)('may not for %s', (cause) => expect(reasonOf(cause)).toBe(cause));

  it('has a cause here for every reason but those of selection', () =>
    expect(caused).toEqual(
      Object.keys(WAIT_REASONS).filter((each) => !['NoPolicy', 'PolicyTie', 'OwnedByOther'].includes(each)),
    ));

  it('waits for the first reason of the documented order, of all that hold', () => {
    const all = caused;
    fc.assert(
      fc.property(fc.subarray(all, { minLength: 2, maxLength: 5 }), (causes) => {
        fc.pre(!EXCLUSIVE.some((pair) => pair.every((each) => causes.includes(each))));
        expect(reasonOf(...causes)).toBe(all.find((each) => causes.includes(each)));
      }),
      { numRuns: 300 },
    );
  });

  it.each<[WaitReason, string]>([
    ['UpToDate', 'Runs 1.44.0; nothing newer is offered and allowed.'],
    ['PolicyInvalid', 'Policy workers is invalid: spec.interval: is wrong. See its condition Valid: it names the field and the remedy.'],
    ['WindowClosed', 'Policy workers has no window open. The next window opens Sun 01:00 CET. Wait, or set the annotation brupop.bottlerocket.aws/run-now on the node.'],
    ['Blackout', 'Blackout freeze of policy workers is on. The next window opens Sun 2026-02-01 00:00 UTC.'],
    ['MinRemaining', 'The window closes Sat 02:10 UTC, which is less than 15m away. Wait for the next one, or lower spec.minRemaining.'],
    ['Halted', 'Policy workers is halted since 2026-01-09T00:00:00Z: BootFallback on node n7 with 1.44.0. Look into it, then set the annotation brupop.bottlerocket.aws/resume on the policy.'],
    ['HostUnreachable', 'The agent cannot talk to the host API: connection refused.'],
    ['WaitForPods', 'Pod shop/batch-1 runs on node n1, and spec.drain.waitForPods selects it.'],
    ['NotOffered', 'The target is 1.43.0, but the host would choose 1.44.0.'],
    ['Backoff', 'The last attempt ended with DrainTimeout, 2 bad ends in a row; the next is not before 2026-01-10T02:05:00Z.'],
    ['DryRun', 'Node n1 would be updated from 1.42.0 to 1.44.0 now. Set spec.mode to Enabled.'],
  ])('reads for %s: %s', (reason, message) => expect(messageOf(reason)).toContain(message)); // prettier-ignore

  it('is not kept by maintenance windows until the instant of run-now, but by everything else', () => {
    expect(startBlock(situation(cause('WindowClosed'), runNow))).toBeUndefined();
    expect(startBlock(situation(cause('Blackout'), runNow))?.reason).toBe('Blackout');
    expect(startBlock(situation(runNow, cause('PolicyPaused')))?.reason).toBe('PolicyPaused');
    const late = situation(cause('WindowClosed'), ({ controls }) => {
      controls.runNowUntilMs = at('2026-01-10T02:14:59Z');
    });
    expect(startBlock(late)?.reason).toBe('MinRemaining');
    expect(windowOf(late.policy, late.node).closesAt).toBe(at('2026-01-10T02:14:59Z'));
    const over = situation(cause('WindowClosed'), ({ controls }) => {
      controls.runNowUntilMs = at('2026-01-10T02:00:00Z');
    });
    expect(startBlock(over)?.reason).toBe('WindowClosed');
  });

  it('is not kept by a back-off from before its retry', () => {
    const backoff = cause('Backoff');
    expect(startBlock(situation(backoff, retry('2026-01-10T01:55:00Z')))).toBeUndefined();
    expect(startBlock(situation(backoff, retry('2026-01-10T01:54:59Z')))?.reason).toBe('Backoff');
  });

  it('may be cordoned when the policy includes cordoned nodes', () =>
    expect(
      startBlock(situation(cause('CordonedByOthers'), ({ spec }) => (spec.cordonedNodes = 'Include'))),
    ).toBeUndefined());

  it.each<[string, (now: Situation) => void, WaitReason]>([
    ['nothing was reported', ({ node }) => (node.shadow = undefined), 'AgentNotReporting'],
    ['the report is of another shadow', ({ shadow }) => (shadow.reported = false), 'AgentNotReporting'],
    ['the host was not asked for versions', ({ shadow }) => (shadow.available = null), 'AgentNotReporting'],
    ['an old ErrorReset stands', ({ shadow }) => (shadow.currentState = 'ErrorReset'), 'StillArmed'],
    ['the shadow is not Idle', ({ shadow }) => (shadow.specState = 'StagedAndPerformedUpdate'), 'StillArmed'],
    ['the host answered what nobody understands', ({ shadow }) => (shadow.error = { code: 'UnexpectedAnswer', message: '?' }), 'HostUnreachable'],
    ['up to date, but the repository cannot be asked', ({ shadow }) => Object.assign(shadow, { current: '1.44.0', error: { code: 'RepositoryUnreachable', message: '' } }), 'RepositoryUnreachable'],
  ])('does not start when %s', (...[, change, reason]) => expect(startBlock(situation(change))?.reason).toBe(reason)); // prettier-ignore

  it('is a candidate when only budgets are against it', () => {
    const budgets = (['NoSlot', 'MaxUnavailable', 'TopologyLimit', 'DryRun'] as const).map((each) =>
      cause(each),
    );
    expect(nodeBlock(situation(...budgets))).toBeUndefined();
  });

  it('asks for pods only when nothing before it blocks', () => {
    const asked: string[] = [];
    const ask = ({ spec, node }: Situation): void => {
      spec.drain = { waitForPods: {} };
      node.waitingPod = () => {
        asked.push('pods');
        return undefined;
      };
    };
    startBlock(situation(ask, cause('StillArmed')));
    expect(asked).toEqual([]);
    startBlock(situation(ask));
    expect(asked).toEqual(['pods']);
  });
});

describe('selection', () => {
  it('is a reason when no policy, several, or another one has the node', () => {
    expect(selectionBlock({ kind: 'none' }, undefined)?.reason).toBe('NoPolicy');
    expect(selectionBlock({ kind: 'tie', policies: [policy('a'), policy('b')] }, undefined)).toEqual(
      block('PolicyTie', 'Policies a, b, all of priority 5, select the node.'),
    );
    expect(selectionBlock({ kind: 'won', policy: policy('a') }, { name: 'b', uid: 'b' })).toEqual(
      block('OwnedByOther', 'Policy b is still updating the node.'),
    );
    expect(selectionBlock({ kind: 'won', policy: policy('a') }, { name: 'a', uid: 'a' })).toBeUndefined();
    expect(selectionBlock({ kind: 'won', policy: policy('a') }, undefined)).toBeUndefined();
  });
});
