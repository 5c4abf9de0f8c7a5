import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_COUNTS } from '../api/reasons.ts';
import type { EndReason } from '../api/reasons.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import { parseRfc3339 } from '../runtime/clock.ts';
import {
  adopt,
  backoffAfter,
  countEnd,
  entryOf,
  isHalted,
  mayReleaseShadow,
  missingEntries,
  reserve,
  slotsUsed,
} from './ledger.ts';
import type { Counted, End } from './ledger.ts';
import { INTENT, NEW, NOW, STAGED, entry, idle, inMinutes, shadow, staging } from './situations.fixture.ts';

const REASONS = Object.keys(END_COUNTS) as EndReason[];
const ending = (reason: EndReason, change: Partial<End> = {}): End => ({
  entry: entry(),
  reason,
  untilMs: NOW + 60_000,
  ...change,
});
const status = (change: Counted = {}): Counted => ({ updating: [entry()], ...change });

describe('reserving', () => {
  it('takes the number after the last attempt', () => {
    const made = reserve({ node: 'n1', uid: 'node-1', shadow: idle(), version: NEW }, NOW);
    expect(made).toEqual(entry({ attempt: 4, since: inMinutes(0) }));
  });

  it('counts every slot but those of hosts that are lost', () => {
    expect(slotsUsed([entry(), entry({ phase: 'Resting' }), entry({ phase: 'Lost' })])).toBe(2);
  });

  it('finds an entry by its shadow', () => {
    expect(entryOf([entry()], 'shadow-1')).toEqual(entry());
    expect(entryOf([entry()], 'shadow-2')).toBeUndefined();
  });
});

describe('completing the ledger', () => {
  const policy = { uid: 'policy-1', entries: [] };

  it('adds shadows in flight that name the policy, as they are', () => {
    const flying = staging({ spec: { state_transition_timestamp: inMinutes(-10) } });
    expect(missingEntries(policy, [flying], NOW)).toEqual([entry()]);
  });

  it.each([
    ['that are Idle', idle()],
    ['of another policy', staging({ spec: { policy: { name: 'p', uid: 'policy-2' } } })],
    ['of no policy', staging({ spec: { policy: null } })],
  ])('adds none %s', (_name, of) => expect(missingEntries(policy, [of], NOW)).toEqual([]));

  it('adds none twice', () => {
    expect(missingEntries({ ...policy, entries: [entry()] }, [staging()], NOW)).toEqual([]);
  });

  it('names the node by the shadow where the owner reference is missing', () => {
    const flying = staging();
    delete flying.metadata.ownerReferences;
    expect(adopt(flying, NOW)).toMatchObject({ node: 'n1', uid: '' });
  });
});

describe('counting an end', () => {
  it.each<[EndReason, string, object]>([
    ['Updated', 'Resting', { updated: 1 }],
    ['WindowClosed', 'Ended', {}],
    ['StageFailed', 'Ended', {}],
    ['BootFallback', 'Failed', { failures: 1 }],
  ])('%s makes the entry %s', (reason, phase, rollout) => {
    const counted = countEnd(status(), ending(reason), NOW);
    expect(counted.updating).toEqual([entry({ phase: phase as 'Ended', reason, until: inMinutes(1) })]);
    expect(counted.rollout).toEqual(rollout);
  });

  it.each(REASONS)('%s halts the policy only when it is a failure', (reason) => {
    const { halt } = countEnd(status(), ending(reason), NOW);
    const expected = { reason, node: 'n1', version: NEW, attempt: 3, at: inMinutes(0) };
    expect(halt).toEqual(END_COUNTS[reason] === 'failure' ? expected : null);
  });

  it('keeps a silent host outside the limit', () => {
    const { updating = [] } = countEnd(status(), ending('RebootTimeout', { lost: true }), NOW);
    expect(updating[0]?.phase).toBe('Lost');
    expect(slotsUsed(updating)).toBe(0);
  });

  it('keeps the halt of an earlier failure', () => {
    const { halt } = countEnd(status(), ending('BootFallback'), NOW);
    expect(countEnd(status({ halt: halt ?? null }), ending('Updated'), NOW).halt).toEqual(halt);
  });

  it('is done once, however often it is told and whatever the reason then is', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...REASONS), { minLength: 1 }), (reasons) => {
        const [first = 'Updated'] = reasons;
        const once = countEnd(status(), ending(first), NOW);
        const often = reasons.reduce((now, reason, i) => countEnd(now, ending(reason), NOW + i), once);
        expect(often).toEqual(once);
      }),
    );
  });

  it('is nothing for an entry that is gone, or of another attempt', () => {
    expect(countEnd({ updating: [] }, ending('BootFallback'), NOW)).toEqual({ updating: [] });
    const later = status({ updating: [entry({ attempt: 4 })] });
    expect(countEnd(later, ending('BootFallback'), NOW)).toBe(later);
  });

  it('does not undo a resume that came after it', () => {
    const counted = countEnd(status(), ending('BootFallback'), NOW);
    const resumed = inMinutes(1);
    expect(isHalted(counted.halt, resumed, NOW + 120_000)).toBe(false);
    const again = countEnd(counted, ending('BootFallback'), NOW + 120_000);
    expect(isHalted(again.halt, resumed, NOW + 120_000)).toBe(false);
  });
});

describe('a halt', () => {
  const halt = { reason: 'BootFallback', node: 'n1', version: NEW, attempt: 3, at: inMinutes(-5) };
  it.each<[string, string | undefined, boolean]>([
    ['stands without a resume', undefined, true],
    ['stands after a resume from before it', inMinutes(-6), true],
    ['is over with a resume after it', inMinutes(-4), false],
    ['is over with a resume at the very instant', inMinutes(-5), false],
    ['stands after a resume in the future', inMinutes(1), true],
    ['stands after a resume that cannot be read', 'tomorrow', true],
  ])('%s', (_name, resume, expected) => expect(isHalted(halt, resume, NOW)).toBe(expected));

  it('is none when nothing failed', () => {
    expect(isHalted(null, undefined, NOW)).toBe(false);
    expect(isHalted(undefined, undefined, NOW)).toBe(false);
  });

  it('without a readable time stands until a person removes it', () => {
    expect(isHalted({ ...halt, at: 'yesterday' }, inMinutes(0), NOW)).toBe(true);
  });
});

const failing = (failures: number, attempt = 2): BottlerocketShadow =>
  shadow({
    status: {
      backoff: { failures, attempt, at: inMinutes(-60), until: inMinutes(-50), reason: 'StageFailed' },
    },
  });
/** In minutes. */
const waitOf = (before: BottlerocketShadow): number =>
  ((parseRfc3339(backoffAfter(before, entry(), NOW)?.until) ?? Number.NaN) - NOW) / 60_000;

describe('back-off', () => {
  it('begins with ten minutes', () => expect(waitOf(idle())).toBe(10));

  it('doubles to six hours', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 50, 5000].map((failures) => waitOf(failing(failures)));
    expect(waits).toEqual([20, 40, 80, 160, 320, 360, 360, 360, 360]);
  });

  it('counts an attempt once', () => {
    expect(backoffAfter(failing(1, 3), entry(), NOW)).toBeUndefined();
    expect(backoffAfter(failing(1, 4), entry(), NOW)).toBeUndefined();
  });

  it('names the end', () => {
    expect(backoffAfter(idle(), entry({ reason: 'DrainTimeout' }), NOW)?.reason).toBe('DrainTimeout');
  });
});

describe('the finalizer of a shadow', () => {
  const PUT_BACK = { hasEntry: false, isNodeGone: false };
  const GONE = { hasEntry: false, isNodeGone: true };

  it.each<[string, BottlerocketShadow, Parameters<typeof mayReleaseShadow>[1]]>([
    ['all is put back', idle(), PUT_BACK],
    ['the Node is gone, whatever the host has', idle({ host: { staged: STAGED } }), GONE],
  ])('goes when %s', (_name, of, facts) => expect(mayReleaseShadow(of, facts)).toBe(true));

  it.each<[string, BottlerocketShadow, Parameters<typeof mayReleaseShadow>[1]]>([
    ['a ledger has it', idle(), { hasEntry: true, isNodeGone: true }],
    ['it is in flight', staging(), GONE],
    ['the host is armed', idle({ host: { staged: STAGED } }), PUT_BACK],
    ['a setting is saved', idle({ host: { saved: { versionLock: 'latest' } } }), PUT_BACK],
    ['an intent is open', idle({ host: { rebootIntent: INTENT } }), PUT_BACK],
    ['the agent has not seen the last change', idle({ host: { generation: 8 } }), PUT_BACK],
  ])('stays while %s', (_name, of, facts) => expect(mayReleaseShadow(of, facts)).toBe(false));
});
