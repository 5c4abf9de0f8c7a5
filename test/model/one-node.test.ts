/** One node: every fault alone and every pair of faults; triples of those that meddle with the same thing. */
import { describe, expect, it } from 'vitest';
import { run, storyOf } from './support.ts';
import type { Case } from './support.ts';

const one = { nodes: 1, leaders: 1 } as const;

/*
 * All faults in threes are too many for a test that runs each time, so threes are taken from sets of faults that can
 * act on one another: what happens around the reboot, to Nodes and shadows, to the halt, and to what can be seen when.
 */
const CASES: [string, Case][] = [
  ['without trouble', { ...one, faults: 0, mustRest: true }],
  ['each fault alone', { ...one, faults: 1, mustRest: true }],
  ['all faults in pairs', { ...one, faults: 2 }],
  [
    'three at once around the reboot',
    {
      ...one,
      faults: 3,
      allowed: [
        'agentCrash',
        'answerLost',
        'echo',
        'spontaneousReboot',
        'bootFallback',
        'deadlinePasses',
        'windowCloses',
        'intentAges',
        'rebootRefused',
        'rebootIgnored',
      ],
    },
  ],
  [
    'three at once, of what people do to Nodes and shadows',
    {
      ...one,
      faults: 3,
      allowed: [
        'nodeDeleted',
        'nodeRecreated',
        'nodeReregistered',
        'shadowDeleted',
        'policyDeleted',
        'pause',
        'overdue',
        'agentCrash',
      ],
    },
  ],
  [
    'three at once around a halt and its end',
    {
      ...one,
      faults: 3,
      allowed: ['bootFallback', 'resume', 'deadlinePasses', 'agentCrash', 'spontaneousReboot'],
    },
  ],
  [
    'three at once around windows and sight',
    {
      ...one,
      faults: 3,
      allowed: [
        'deadlineUnseen',
        'deadlinePasses',
        'agentCrash',
        'windowCloses',
        'windowReopens',
        'blackout',
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
    expect(result.quiet).toBeGreaterThan(0);
  });
});
