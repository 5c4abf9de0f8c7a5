/** Each sentence of the protocol that is there for safety, left out, brings a violation back. */
import { describe, expect, it } from 'vitest';
import type { Fault, Rules } from './rules.ts';
import { run } from './support.ts';
import type { Case } from './support.ts';

const one = (faults: number, ...allowed: Fault[]): Omit<Case, 'without'> => ({
  nodes: 1,
  leaders: 1,
  faults,
  allowed,
});

const NEEDED: [keyof Rules, number, Omit<Case, 'without'>][] = [
  ['sequence', 9, one(2, 'agentCrash', 'echo')],
  ['intentDeadline', 9, one(1, 'deadlinePasses')],
  ['deadlineGrace', 6, one(1, 'deadlinePasses')],
  ['failureFirst', 9, one(1, 'deadlinePasses')],
  ['release', 9, one(1, 'adminUncordon')],
  ['lostKeepsSpec', 9, one(1, 'deadlinePasses')],
  ['lateClose', 9, one(1, 'windowCloses')],
  ['raiseAttempt', 1, { nodes: 1, leaders: 2, faults: 1, allowed: ['windowCloses'] }],
  ['settledOnly', 6, one(2, 'stageFails', 'overdue')],
  ['completion', 11, one(1, 'ledgerLost')],
  ['confirmIntent', 2, one(1, 'intentAges')],
  ['gateAgain', 2, one(1, 'windowCloses')],
];

describe('the sentences of the protocol', () => {
  it.each(NEEDED)('needs "%s": without it, invariant %i breaks', (rule, invariant, c) => {
    expect(run({ ...c, without: [rule] }, 400_000).violation?.invariant).toBe(invariant);
  });

  it.each(NEEDED)('and with "%s" the same histories hold', (_rule, _invariant, c) => {
    expect(run(c, 400_000).violation).toBeUndefined();
  });
});
