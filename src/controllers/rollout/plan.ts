/** Plans the whole rollout: every policy, every node. Pure: snapshot in, actions and a reason for every node out. */
import { POLICY_FINALIZER } from '../../api/names.ts';
import { WAIT_REASONS } from '../../api/reasons.ts';
import type { WaitReason } from '../../api/reasons.ts';
import { selectionBlock } from '../../policy/admission.ts';
import { isSupported } from '../shadows/osimage.ts';
import type { Action, NodeReason } from './actions.ts';
import { sortNodes } from './fleet.ts';
import { careFor } from './nodecare.ts';
import { NodeReasons } from './nodereasons.ts';
import { planOrphan } from './planorphans.ts';
import { PolicyPlanner } from './planpolicy.ts';
import type { PolicyPlan } from './planpolicy.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';
import { policyStatus } from './status.ts';

export interface RolloutPlan {
  /** In the order in which they are to be done. */
  actions: Action[];
  /** Why each node is where it is; absent for nodes on their way from one step to the next. */
  reasons: NodeReasons;
  /** When to look again, if nothing changes before. */
  wakeAtMs: number | undefined;
}

/** Makes the plan. */
export function planRollout(snapshot: Snapshot): RolloutPlan {
  const plan: RolloutPlan = { actions: [], reasons: new NodeReasons(), wakeAtMs: undefined };
  const { reasons } = plan;
  const fleet = sortNodes(snapshot);
  for (const facts of fleet.unclaimed) reasons.set(facts, unclaimedReason(facts));
  for (const facts of snapshot.policies) {
    const policyPlan = new PolicyPlanner(snapshot, facts, { fleet, reasons }).plan();
    plan.actions.push(...policyPlan.actions);
    if (facts.isFresh) writePolicy(plan, snapshot, policyPlan);
    wake(plan, policyPlan.wakeAtMs);
  }
  for (const orphan of snapshot.orphans) {
    const { actions, reason, wakeAtMs } = planOrphan(orphan, snapshot);
    plan.actions.push(...actions);
    const facts = snapshot.nodes.get(orphan.entry.node);
    if (reason !== undefined && facts !== undefined) reasons.set(facts, reason);
    wake(plan, wakeAtMs);
  }
  for (const facts of fleet.inCare) {
    const { actions, reason } = careFor(facts, snapshot);
    plan.actions.push(...actions);
    if (reason !== undefined) reasons.set(facts, reason);
  }
  return plan;
}

/** Why nothing is done about a node that no policy wins. */
function unclaimedReason({ selection, node }: NodeFacts): NodeReason {
  const found = isSupported(node) ? selectionBlock(selection, undefined) : undefined;
  return found ?? standard('UnsupportedOS');
}

const standard = (reason: WaitReason): NodeReason => {
  const { means, remedy } = WAIT_REASONS[reason];
  return { reason, message: remedy === '' ? means : `${means} ${remedy}` };
};

function wake(plan: RolloutPlan, atMs: number | undefined): void {
  if (atMs !== undefined) plan.wakeAtMs = Math.min(plan.wakeAtMs ?? Number.POSITIVE_INFINITY, atMs);
}

/** One patch of a policy's status: the ledger, and what is shown. Then its finalizer, when it may go. */
function writePolicy(plan: RolloutPlan, snapshot: Snapshot, policyPlan: PolicyPlan): void {
  const { draft, source, state } = policyPlan;
  // One write of a policy at a time: the next is decided on what this one made of it.
  if (policyPlan.actions.some((action) => action.do === 'patchPolicy')) return;
  const { patch: change, wakeAtMs, events } = policyStatus(policyPlan, snapshot);
  wake(plan, wakeAtMs);
  const { resourceVersion, finalizers = [] } = source.metadata;
  if (change !== undefined) {
    plan.actions.push({
      do: 'patchPolicy',
      policy: source,
      subresource: 'status',
      why: draft.isChanged ? 'Writing a ledger' : '',
      patch: { metadata: { resourceVersion }, status: change },
      events: [...draft.events, ...events],
    });
    return;
  }
  const isOver = state.deleting && draft.entries.length === 0 && finalizers.includes(POLICY_FINALIZER);
  if (!isOver) return;
  const rest = finalizers.filter((name) => name !== POLICY_FINALIZER);
  const patch = { metadata: { resourceVersion, finalizers: rest } };
  plan.actions.push({ do: 'patchPolicy', policy: source, patch, why: 'Letting a policy go' });
}
