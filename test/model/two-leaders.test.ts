/** Two leaders that both act, two nodes, one slot. */
import { describe, expect, it } from 'vitest';
import { run, storyOf } from './support.ts';
import type { Case } from './support.ts';

const CASES: [string, Case][] = [
  ['one node, two leaders, faults in pairs', { nodes: 1, leaders: 2, faults: 2 }],
  ['two nodes, each fault alone', { nodes: 2, leaders: 1, faults: 1 }],
  ['two nodes, two leaders, without trouble', { nodes: 2, leaders: 2, faults: 0 }],
  ['two nodes, two leaders, each fault alone', { nodes: 2, leaders: 2, faults: 1 }],
  ['the ledger is lost', { nodes: 2, leaders: 1, faults: 1, allowed: ['ledgerLost'] }],
];

describe('the protocol, two leaders and two nodes', () => {
  it.each(CASES)('holds in every order: %s', (_name, c) => {
    const result = run(c);
    expect(storyOf(result)).toBe('');
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(50);
  });
});
