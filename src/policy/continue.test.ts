import { describe, expect, it } from 'vitest';
import type { WaitReason } from '../api/reasons.ts';
import { continueBlock, endOf } from './continue.ts';
import { cause, situation } from './situation.fixture.ts';
import type { Situation } from './situation.fixture.ts';

const inFlight = ({ shadow }: Situation): void =>
    void Object.assign(shadow, { specState: 'StagedAndPerformedUpdate', currentState: 'StagedAndPerformedUpdate', leftovers: true, updateState: 'Ready' }); // prettier-ignore
const reasonFor = (...causes: ((now: Situation) => void)[]): WaitReason | undefined =>
  continueBlock({ ...situation(inFlight, ...causes), target: '1.44.0' })?.reason;

const finish = ({ spec }: Situation): void => void (spec.onClose = 'Finish');

const self = ({ budget }: Situation): void => void (budget.ledger = [{ node: 'n1', phase: 'Reserved' }]);

const dead = ({ budget }: Situation): void => void (budget.unavailable = new Set(['dead']));

const limit = ({ budget }: Situation): void => void (budget.maxUnavailable = 1);

const domain = ({ budget }: Situation): void =>
      void Object.assign(budget, { topology: { key: 'rack', maxConcurrentUpdates: 1, maxDomains: 0 }, usedByOthers: ['other'] }); // prettier-ignore

describe('a node in flight', () => {
  it('may go on, though it is not Idle and holds a slot', () => expect(reasonFor()).toBeUndefined());

  it.each<WaitReason>([
    'PolicyInvalid', 'PolicyDeleted', 'PolicyPaused', 'DryRun', 'WindowClosed', 'Blackout', 'Halted', 'Excluded', 'CordonedByOthers',
    'NodeDeleting', 'NodeNotReady', 'AgentNotReporting', 'HostUnreachable', 'WaitForPods', 'NoEligibleVersion',
  ])('is put back for %s', (reason) => expect(reasonFor(cause(reason))).toBe(reason)); // prettier-ignore

  it.each<WaitReason>([
    'MinRemaining',
    'Backoff',
    'NoSlot',
    'LedgerFull',
    'StillArmed',
    'ArmedByOthers',
    'UpToDate',
    'ClockSkew',
  ])('is not put back for %s', (reason) => expect(reasonFor(cause(reason))).toBeUndefined());

  it('outlives the close and a pause with onClose Finish, but no blackout', () => {
    expect(reasonFor(finish, cause('WindowClosed'))).toBeUndefined();
    expect(reasonFor(finish, cause('PolicyPaused'))).toBeUndefined();
    expect(reasonFor(finish, cause('Blackout'))).toBe('Blackout');
    expect(reasonFor(finish, cause('Halted'))).toBe('Halted');
  });

  it('does not begin after the close with onClose Finish, though its slot is reserved', () => {
    const closed = situation(inFlight, finish, cause('WindowClosed'));
    expect(continueBlock({ ...closed, target: '1.44.0', hasStarted: false })?.reason).toBe('WindowClosed');
  });

  it('is put back when its target was excluded meanwhile, not when a newer one appeared', () => {
    expect(reasonFor(({ spec }) => (spec.version = { exclude: ['1.44.0'] }))).toBe('NoEligibleVersion');
    expect(reasonFor(({ shadow }) => (shadow.available = ['1.45.0']))).toBeUndefined();
  });

  it('is put back when more nodes are unavailable or updated in its domain than allowed', () => {
    expect(reasonFor(self, limit)).toBeUndefined();
    expect(reasonFor(self, limit, dead)).toBe('MaxUnavailable');
    expect(reasonFor(self, domain)).toBe('TopologyLimit');
  });

  it.each<[WaitReason, string]>([
    ['WindowClosed', 'WindowClosed'],
    ['Blackout', 'Blackout'],
    ['PolicyPaused', 'Paused'],
    ['DryRun', 'Paused'],
    ['PolicyDeleted', 'PolicyDeleted'],
    ['PolicyInvalid', 'PolicyInvalid'],
    ['Excluded', 'Superseded'],
    ['MaxUnavailable', 'Superseded'],
  ])('put back for %s, ends as %s', (reason, end) => expect(endOf(reason)).toBe(end));
});
