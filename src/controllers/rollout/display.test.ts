import { describe, expect, it } from 'vitest';
import type { Node } from '../../api/core.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import type { NodeReason } from './actions.ts';
import { lastsMs, showReason } from './display.ts';

const NOW = Date.parse('2026-01-10T10:00:00Z');
const EARLIER = rfc3339(NOW - 60_000);
const node: Node = { metadata: { name: 'a', uid: 'n1' } };

const shadow = (fields: { spec?: object; status?: object } = {}): BottlerocketShadow => ({
  metadata: { name: 'brs-a', namespace: 'ns', uid: 's1', resourceVersion: '7' },
  spec: { state: 'Idle', ...fields.spec },
  status: { ...fields.status },
});

const NO_SLOT: NodeReason = { reason: 'NoSlot', message: 'All slots are taken.' };

const show = (subject: BottlerocketShadow, reason: NodeReason) =>
  showReason({ node, shadow: subject }, reason, NOW);

describe('what is shown of a node', () => {
  it('is its reason, since when, and one condition', () => {
    expect(show(shadow(), NO_SLOT)?.patch).toEqual({
      metadata: { resourceVersion: '7' },
      status: {
        update: { reason: 'NoSlot', message: 'All slots are taken.', phase: null, since: rfc3339(NOW) },
        conditions: [
          {
            type: 'UpToDate',
            status: 'False',
            reason: 'NoSlot',
            message: 'All slots are taken.',
            lastTransitionTime: rfc3339(NOW),
          },
        ],
      },
    });
  });

  it('keeps since when the reason holds, and when the condition turned', () => {
    const before = show(shadow(), NO_SLOT)?.patch as { status: object };
    const later = { ...NO_SLOT, message: 'Other words.' };
    const subject = shadow({ status: before.status });
    const patch = showReason({ node, shadow: subject }, later, NOW + 5_000)?.patch;
    expect(patch).toMatchObject({ status: { update: { message: 'Other words.' } } });
    expect(JSON.stringify(patch)).not.toContain(rfc3339(NOW + 5_000));
  });

  it('is not written twice', () => {
    const before = show(shadow(), NO_SLOT)?.patch as { status: object };
    expect(show(shadow({ status: before.status }), NO_SLOT)).toBeUndefined();
  });

  it('clears the phase when the attempt is over', () => {
    const update = { reason: 'Verifying', message: '', phase: 'Verifying', since: EARLIER };
    const patch = show(shadow({ status: { update } }), {
      reason: 'UpToDate',
      message: 'Runs 1.43.0.',
    })?.patch;
    expect(patch).toMatchObject({ status: { update: { reason: 'UpToDate', phase: null } } });
  });

  it('ends the row of bad attempts after a success, and only then', () => {
    const backoff = { failures: 2, attempt: 2, at: EARLIER, until: EARLIER, reason: 'DrainTimeout' };
    const status = { backoff, crash_count: 2 };
    const outcome = { attempt: 3, reason: 'Updated', message: '' };
    const isUpToDate: NodeReason = { reason: 'UpToDate', message: '' };
    expect(show(shadow({ status, spec: { outcome } }), isUpToDate)?.patch).toMatchObject({
      status: { backoff: null, crash_count: 0 },
    });
    const patch = show(shadow({ status }), isUpToDate)?.patch as { status: object };
    expect(patch.status).not.toHaveProperty('backoff');
  });
});

describe('an Event', () => {
  it.each<[NodeReason['reason'], 'Normal' | 'Warning' | undefined]>([
    ['NoSlot', undefined],
    ['Excluded', 'Normal'],
    ['WindowClosed', 'Normal'],
    ['PodDisruptionBudget', 'Warning'],
    ['PolicyTie', 'Warning'],
    ['UpToDate', undefined],
    ['Draining', undefined],
    ['Rebooting', undefined],
  ])('for %s: %s', (reason, type) => {
    const events = show(shadow(), { reason, message: 'Words.' })?.events ?? [];
    expect(events.map((event) => event.type)).toEqual(type === undefined ? [] : [type]);
  });

  it('is not repeated for other words of the same reason', () => {
    const update = { reason: 'PolicyTie', message: 'Old words.', since: EARLIER };
    const reason: NodeReason = { reason: 'PolicyTie', message: 'New words.' };
    expect(show(shadow({ status: { update } }), reason)?.events).toEqual([]);
  });
});

describe('what has to last before it is shown', () => {
  it('is what passes by itself, and other words for what is shown', () => {
    expect(lastsMs(shadow(), NO_SLOT)).toBe(0);
    expect(lastsMs(shadow(), { reason: 'Staging', message: '' })).toBe(3_000);
    expect(lastsMs(shadow(), { reason: 'Draining', message: '' })).toBe(10_000);
    expect(lastsMs(shadow(), { reason: 'PuttingBack', message: '' })).toBe(30_000);
    const staging = shadow({ status: { update: { reason: 'Staging', message: 'Refresh', since: EARLIER } } });
    expect(lastsMs(staging, { reason: 'Staging', message: 'Prepare' })).toBe(300_000);
  });
});
