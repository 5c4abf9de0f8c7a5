/** One node: every fault alone, every pair, and triples of those that go to the heart of the reboot. */
import { describe, expect, it } from 'vitest';
import { run, storyOf } from './support.ts';
import type { Case } from './support.ts';

const CASES: [string, Case][] = [
  ['without trouble', { nodes: 1, leaders: 1, faults: 0 }],
  ['each fault alone', { nodes: 1, leaders: 1, faults: 1 }],
  ['all faults in pairs', { nodes: 1, leaders: 1, faults: 2 }],
  ['each fault alone, under two leaders', { nodes: 1, leaders: 2, faults: 1 }],
  [
    'three at once around the reboot',
    {
      nodes: 1,
      leaders: 1,
      faults: 3,
      allowed: [
        'agentCrash',
        'answerLost',
        'echo',
        'spontaneousReboot',
        'bootFallback',
        'deadlinePasses',
        'windowCloses',
      ],
    },
  ],
];

describe('the protocol, one node', () => {
  it.each(CASES)('holds in every order: %s', (_name, c) => {
    const result = run(c);
    expect(storyOf(result)).toBe('');
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(50);
  });
});
