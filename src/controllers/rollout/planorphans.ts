/**
 * Attempts whose policy is gone, which has no ledger any more (protocol 3): with an open intent they are finished with
 * defaults, else put back. Pure.
 */
import { withDefaults } from '../../policy/effective.ts';
import type { Action, NodeReason } from './actions.ts';
import { advance } from './advance.ts';
import type { Advance, EntryContext } from './advance.ts';
import { entryContext } from './entrycontext.ts';
import { extendPatch, fencePatch } from './patches.ts';
import type { AttemptFacts, Snapshot } from './snapshot.ts';

const DEFAULTS = withDefaults({});

export interface OrphanPlan {
  actions: Action[];
  reason?: NodeReason;
  wakeAtMs?: number;
}

/** Plans one orphan. */
export function planOrphan(attempt: AttemptFacts, snapshot: Snapshot): OrphanPlan {
  if (!attempt.isFresh) return { actions: [] };
  if (attempt.lookups.length > 0)
    return { actions: attempt.lookups.map((lookup) => ({ do: 'lookUp', lookup })) };
  const context = contextOf(attempt, snapshot);
  const advanced = advance(context);
  const actions = advanced.action === undefined ? withoutLedger(advanced, context) : [advanced.action];
  return {
    actions,
    ...(advanced.reason === undefined ? {} : { reason: advanced.reason }),
    ...(advanced.wakeAtMs === undefined ? {} : { wakeAtMs: advanced.wakeAtMs }),
  };
}

function contextOf(attempt: AttemptFacts, snapshot: Snapshot): EntryContext {
  const { name = '', uid = '' } = attempt.shadow?.spec.policy ?? {};
  const context = entryContext(attempt, snapshot, {
    policy: { name, uid, deleting: true, effective: DEFAULTS, ignorePods: undefined },
    notAfterMs: snapshot.now,
    gate: undefined,
  });
  // Nothing is begun for a policy that is gone.
  return { ...context, isHeld: true };
}

/** What the ledger would have been told goes straight to the shadow; a silent host is waited for. */
function withoutLedger({ ledger }: Advance, { view }: EntryContext): Action[] {
  const { shadow, now, policy } = view;
  if (ledger === undefined || shadow === undefined || shadow.spec.state === 'Idle') return [];
  if (ledger.do === 'extend') {
    const patch = extendPatch(shadow, ledger.deadlineMs);
    return [{ do: 'patchShadow', shadow, patch, why: 'Moving a deadline that passed unseen' }];
  }
  if (ledger.do !== 'count' || ledger.step.lost === true) return [];
  const { end, message } = ledger.step;
  const deadlineMs = now + policy.stageTimeoutMs;
  const owner = { name: policy.name, uid: policy.uid };
  const patch = fencePatch(shadow, view.entry, { end, message, deadlineMs, now, policy: owner });
  return [
    {
      do: 'patchShadow',
      shadow,
      patch,
      why: 'Ending an attempt whose policy is gone',
      events: ledger.events,
    },
  ];
}
