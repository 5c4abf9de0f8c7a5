/**
 * Attempts whose policy is gone, which has no ledger any more (protocol 3): with an open intent they are finished with
 * defaults, else put back. Pure.
 */
import { withDefaults } from '../../policy/effective.ts';
import { orphanStep } from '../../protocol/orphan.ts';
import type { Action, NodeReason } from './actions.ts';
import { advance } from './advance.ts';
import type { EntryContext } from './advance.ts';
import { entryContext } from './entrycontext.ts';
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
  const advanced = advance(contextOf(attempt, snapshot), orphanStep);
  return {
    actions: advanced.action === undefined ? [] : [advanced.action],
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
