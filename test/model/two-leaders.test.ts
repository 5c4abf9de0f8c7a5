/** Two leaders that both act, two nodes, several writes under way at once. */
import { describe, expect, it } from 'vitest';
import { run, storyOf } from './support.ts';
import type { Case } from './support.ts';

const CASES: [string, Case][] = [
  ['one node, each fault alone', { nodes: 1, leaders: 2, faults: 1, mustRest: true }],
  ['one node, all faults in pairs', { nodes: 1, leaders: 2, faults: 2 }],
  [
    'one node, three at once around its marks',
    {
      nodes: 1,
      leaders: 2,
      faults: 3,
      allowed: [
        'adminCordon',
        'adminUncordon',
        'staleNode',
        'windowCloses',
        'windowReopens',
        'overdue',
        'drainLate',
      ],
    },
  ],
  ['two nodes under one leader, each fault alone', { nodes: 2, leaders: 1, faults: 1, mustRest: true }],
  ['two nodes, without trouble', { nodes: 2, leaders: 2, faults: 0, mustRest: true }],
  ['two nodes, each fault alone', { nodes: 2, leaders: 2, faults: 1 }],
  [
    'two nodes with a slot each, three writes under way',
    { nodes: 2, leaders: 3, limit: 2, faults: 0, mustRest: true },
  ],
  ['the ledger is lost', { nodes: 2, leaders: 1, faults: 1, allowed: ['ledgerLost'], mustRest: true }],
];

describe('the protocol, two leaders', () => {
  it.each(CASES)('holds in every order: %s', (_name, c) => {
    const result = run(c);
    expect(storyOf(result)).toBe('');
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(50);
    expect(result.quiet).toBeGreaterThan(0);
  });
});
