/** Each sentence of the protocol that is there for safety, left out, brings a violation back. */
import { describe, expect, it } from 'vitest';
import type { Fault, Rules } from './rules.ts';
import { run } from './support.ts';
import type { Case } from './support.ts';

const one = (faults: number, ...allowed: Fault[]): Case => ({
  nodes: 1,
  leaders: 1,
  faults,
  allowed,
});
const two = (faults: number, ...allowed: Fault[]): Case => ({ ...one(faults, ...allowed), leaders: 2 });

const NEEDED: [keyof Rules, number, Case][] = [
  ['sequence', 5, one(2, 'agentCrash', 'echo')],
  ['intentDeadline', 9, one(1, 'deadlinePasses')],
  ['deadlineGrace', 6, one(1, 'deadlinePasses')],
  ['failureFirst', 9, one(1, 'deadlinePasses')],
  ['release', 5, one(2, 'adminUncordon', 'adminCordon')],
  ['lostKeepsSpec', 9, one(1, 'deadlinePasses')],
  ['lateClose', 9, one(1, 'windowCloses')],
  ['raiseAttempt', 1, two(1, 'windowCloses')],
  ['settledOnly', 6, one(2, 'stageFails', 'overdue')],
  ['completion', 11, one(1, 'ledgerLost')],
  ['confirmIntent', 2, one(1, 'intentAges')],
  ['gateAgain', 2, one(1, 'windowCloses')],
  ['sweep', 4, two(1, 'windowCloses')],
  ['startInWindow', 2, { ...one(1, 'windowCloses'), onClose: 'Finish' }],
  ['ownShadow', 6, { ...two(1, 'relabel'), policies: 2 }],
  ['markOwner', 3, { ...two(1, 'shadowRemoved'), limit: 2 }],
];

/** Alone they can be left out: another sentence stands behind them. Both left out, a violation comes back. */
const SECOND_FENCES: [keyof Rules, { behind: keyof Rules; invariant: number; c: Case }][] = [
  ['stickyError', { behind: 'sequence', invariant: 9, c: one(2, 'agentCrash', 'echo', 'rebootRefused') }],
];

describe('the sentences of the protocol', () => {
  it.each(NEEDED)('need "%s": without it, invariant %i breaks', (rule, invariant, c) => {
    expect(run({ ...c, without: [rule] }).violation?.invariant).toBe(invariant);
  });

  it.each(NEEDED)('hold with "%s" in the same histories', (_rule, _invariant, c) => {
    expect(run(c).violation).toBeUndefined();
  });

  it.each(SECOND_FENCES)('have a second fence in "%s"', (rule, { behind, invariant, c }) => {
    expect(run({ ...c, without: [rule] }).violation).toBeUndefined();
    expect(run({ ...c, without: [rule, behind] }).violation?.invariant).toBe(invariant);
  });
});
