/** What policies change: who owns a node, how a window ends, and a policy that goes. */
import { describe, expect, it } from 'vitest';
import { run, storyOf } from './support.ts';
import type { Case } from './support.ts';

const CASES: [string, Case][] = [
  ['`onClose: Finish`, faults in pairs', { nodes: 1, leaders: 1, faults: 2, onClose: 'Finish' }],
  [
    '`onClose: Finish`, each fault alone under two leaders',
    { nodes: 1, leaders: 2, faults: 1, onClose: 'Finish', mustRest: true },
  ],
  [
    '`onClose: Finish`, every way a window can end',
    {
      nodes: 1,
      leaders: 1,
      faults: 3,
      onClose: 'Finish',
      allowed: ['windowCloses', 'windowReopens', 'blackout', 'pause', 'spontaneousReboot', 'deadlinePasses'],
      mustRest: true,
    },
  ],
  [
    'a node changes hands between two policies',
    {
      nodes: 1,
      leaders: 2,
      faults: 2,
      policies: 2,
      allowed: [
        'relabel',
        'windowCloses',
        'bootFallback',
        'policyDeleted',
        'policyGone',
        'adminUncordon',
        'spontaneousReboot',
        'shadowDeleted',
        'overdue',
      ],
      mustRest: true,
    },
  ],
  [
    'two nodes change hands between two policies',
    {
      nodes: 2,
      leaders: 2,
      faults: 1,
      policies: 2,
      allowed: ['relabel', 'windowCloses', 'spontaneousReboot'],
      mustRest: true,
    },
  ],
  [
    'a policy is deleted while its nodes are in any state',
    { nodes: 2, leaders: 2, limit: 2, faults: 1, allowed: ['policyDeleted'] },
  ],
  [
    'a policy is gone with its ledger',
    {
      nodes: 1,
      leaders: 2,
      faults: 2,
      allowed: [
        'policyGone',
        'bootFallback',
        'deadlinePasses',
        'agentCrash',
        'spontaneousReboot',
        'shadowDeleted',
        'nodeDeleted',
        'adminUncordon',
      ],
      mustRest: true,
    },
  ],
  [
    'a shadow is removed by force',
    {
      nodes: 1,
      leaders: 2,
      limit: 2,
      faults: 2,
      allowed: [
        'shadowRemoved',
        'agentCrash',
        'deadlinePasses',
        'spontaneousReboot',
        'adminUncordon',
        'overdue',
      ],
    },
  ],
];

describe('the protocol, policies', () => {
  it.each(CASES)('holds in every order: %s', (_name, c) => {
    const result = run(c);
    expect(storyOf(result)).toBe('');
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(50);
    expect(result.quiet).toBeGreaterThan(0);
  });
});
