import { describe, expect, it } from 'vitest';
import { failuresAreTrue } from './failures.ts';
import { entry, Judged, MINUTE, node, pod, policy, under } from './judging.fixture.ts';

const daemon = (ready: boolean) => pod({ name: 'collector', owner: 'DaemonSet', ready });
const watched = { shadows: [under('MonitoringUpdate', {}, { current_state: 'MonitoringUpdate' })] };

/** A node and its daemon that became ready an hour after the start, and a verification that was then given up. */
function failed(
  after: { atMs: number; ready?: boolean; extended?: string },
  circumstances: object = watched,
) {
  const judged = new Judged(failuresAreTrue);
  judged.see('node', { before: node({ ready: false }), after: node() }, { by: 'kubelet-n1' });
  judged.see('pod', { before: daemon(false), after: daemon(after.ready ?? true) }, { by: 'kubelet-n1' });
  const { extended } = after;
  const open = entry(extended === undefined ? {} : { extended });
  const ended = { ...open, phase: 'Failed', reason: 'VerifyTimeout' } as const;
  const write = { before: policy({}, { updating: [open] }), after: policy({}, { updating: [ended] }) };
  return judged.see('policy', write, { atMs: 60 * MINUTE + after.atMs, ...circumstances });
}

describe('a verification that failed', () => {
  it('was of a node that is not well, or has not been for long', () => {
    expect(failed({ atMs: 30 * MINUTE })).toContain('but is well since 1800 s');
    expect(failed({ atMs: 7 * MINUTE })).toBe('');
    expect(failed({ atMs: 30 * MINUTE, ready: false })).toBe('');
  });

  it('may be of a node that nobody could look at twice, or whose agent does not say that it is watched', () => {
    expect(failed({ atMs: 30 * MINUTE, extended: '2026-01-12T12:00:00Z' })).toBe('');
    expect(failed({ atMs: 30 * MINUTE }, {})).toBe('');
  });
});
