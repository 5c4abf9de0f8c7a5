/** What belongs to a node and to no attempt: stray marks, how its host is treated, what Brupop left behind. Pure. */
import { INTERFACE_VERSION_LABEL } from '../../api/names.ts';
import { PROGRESS_REASONS } from '../../api/reasons.ts';
import type { HostPolicy } from '../../api/v2/bottlerocketshadow.ts';
import { undoStrayMarks } from '../../protocol/marks.ts';
import { isInherited } from '../shadows/plan.ts';
import type { Action, NodeReason } from './actions.ts';
import { DEFAULT_HOST, hostPatch } from './patches.ts';
import type { ShadowPatch } from './patches.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';

type Facts = Omit<NodeFacts, 'needsCare' | 'seen'>;

/** Whether a node is to be looked at here at all: most of them need nothing for as long as they stay as they are. */
export const needsCare = (facts: Facts): boolean =>
  facts.hasAttemptMarks || isOfBrupop(facts) || hostChange(facts) !== undefined;

export interface Care {
  actions: Action[];
  reason?: NodeReason;
}

/** What is to be done for a node that needs care. */
export function careFor(facts: NodeFacts, snapshot: Snapshot): Care {
  const { name, shadow } = facts;
  const reason = isOfBrupop(facts) ? { reason: INHERITED } : {};
  const hasEntry = snapshot.ledger.has(shadow?.metadata.uid ?? '');
  if (!snapshot.isFresh(name) || hasEntry) return { actions: [], ...reason };
  return { actions: [...undoMarks(facts, snapshot), ...treatHost(facts)], ...reason };
}

const isOfBrupop = ({ shadow }: Facts): boolean => shadow !== undefined && isInherited(shadow);

const INHERITED: NodeReason = { reason: 'Inherited', message: PROGRESS_REASONS.Inherited.means };

/** Marks that nobody answers for. */
function undoMarks(facts: NodeFacts, snapshot: Snapshot): Action[] {
  const { node, shadow, hasAttemptMarks } = facts;
  if (!hasAttemptMarks || isMarkAwaited(facts, snapshot)) return [];
  const patch = undoStrayMarks(node, { shadow, hasEntry: false });
  return patch === undefined ? [] : [{ do: 'patchNode', node, patch, why: 'Undoing stray marks' }];
}

/** A shadow that was replaced or is gone may still have an entry: its marks are undone by its end. */
function isMarkAwaited({ name, node }: NodeFacts, { attempts }: Snapshot): boolean {
  for (const entries of attempts.values()) {
    if (entries.some(({ entry }) => entry.node === name && entry.uid === node.metadata.uid)) return true;
  }
  return false;
}

function treatHost(facts: NodeFacts): Action[] {
  const { shadow } = facts;
  const patch = hostChange(facts);
  return shadow === undefined || patch === undefined
    ? []
    : [{ do: 'patchShadow', shadow, patch, why: 'Setting how a host is treated' }];
}

/** How the agent is to treat settings of the host, when that is not what it does. */
function hostChange(facts: Facts): ShadowPatch | undefined {
  const { shadow } = facts;
  if (shadow === undefined || shadow.spec.state !== 'Idle') return undefined;
  return shadow.metadata.deletionTimestamp === undefined ? hostPatch(shadow, wantedHost(facts)) : undefined;
}

function wantedHost({ selection, node }: Facts): HostPolicy {
  const isOurs = node.metadata.labels?.[INTERFACE_VERSION_LABEL] !== undefined;
  if (selection.kind !== 'won' || !isOurs) return DEFAULT_HOST;
  const { hostLock, waves } = selection.policy.effective.version;
  return { lock: hostLock, waves };
}
