/** Plans the whole rollout: every policy, every node. Pure: snapshot in, actions and a reason for every node out. */
import { INTERFACE_VERSION_LABEL, POLICY_FINALIZER } from '../../api/names.ts';
import { PROGRESS_REASONS, WAIT_REASONS } from '../../api/reasons.ts';
import type { WaitReason } from '../../api/reasons.ts';
import type { HostPolicy } from '../../api/v2/bottlerocketshadow.ts';
import { selectionBlock } from '../../policy/admission.ts';
import { undoStrayMarks } from '../../protocol/marks.ts';
import { isSupported } from '../shadows/osimage.ts';
import { isInherited } from '../shadows/plan.ts';
import type { Action, NodeReason } from './actions.ts';
import { DEFAULT_HOST, hostPatch } from './patches.ts';
import { planOrphan } from './planorphans.ts';
import { PolicyPlanner } from './planpolicy.ts';
import type { PolicyPlan } from './planpolicy.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';
import { policyStatus } from './status.ts';

export interface RolloutPlan {
  /** In the order in which they are to be done. */
  actions: Action[];
  /** Why each node is where it is, by name; absent for nodes on their way from one step to the next. */
  reasons: Map<string, NodeReason>;
  /** When to look again, if nothing changes before. */
  wakeAtMs: number | undefined;
}

/** Makes the plan. */
export function planRollout(snapshot: Snapshot): RolloutPlan {
  const plan: RolloutPlan = { actions: [], reasons: new Map(), wakeAtMs: undefined };
  const selected = bySelection(snapshot, plan);
  for (const facts of snapshot.policies) {
    const policyPlan = new PolicyPlanner(snapshot, facts, {
      selected: selected.get(facts.compiled.uid) ?? [],
      reasons: plan.reasons,
    }).plan();
    plan.actions.push(...policyPlan.actions);
    if (facts.isFresh) writePolicy(plan, snapshot, policyPlan);
    wake(plan, policyPlan.wakeAtMs);
  }
  for (const orphan of snapshot.orphans) {
    const { actions, reason, wakeAtMs } = planOrphan(orphan, snapshot);
    plan.actions.push(...actions);
    if (reason !== undefined) plan.reasons.set(orphan.entry.node, reason);
    wake(plan, wakeAtMs);
  }
  planNodes(snapshot, plan);
  return plan;
}

/** Nodes by the policy that wins them; the others get their reason here. */
function bySelection(snapshot: Snapshot, plan: RolloutPlan): Map<string, NodeFacts[]> {
  const selected = new Map<string, NodeFacts[]>();
  for (const facts of snapshot.nodes.values()) {
    const { selection, name, node } = facts;
    if (selection.kind === 'won') {
      const nodes = selected.get(selection.policy.uid);
      if (nodes === undefined) selected.set(selection.policy.uid, [facts]);
      else nodes.push(facts);
      continue;
    }
    const found = isSupported(node) ? selectionBlock(selection, undefined) : undefined;
    plan.reasons.set(name, found ?? standard('UnsupportedOS'));
  }
  return selected;
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

/** What belongs to a node and to no attempt. */
function planNodes(snapshot: Snapshot, plan: RolloutPlan): void {
  for (const facts of snapshot.nodes.values()) {
    const { shadow, name } = facts;
    if (shadow !== undefined && isInherited(shadow)) plan.reasons.set(name, INHERITED);
    if (!snapshot.isFresh(name) || snapshot.ledger.has(shadow?.metadata.uid ?? '')) continue;
    planMarks(facts, snapshot, plan);
    planHost(facts, plan);
  }
}

/** Marks that nobody answers for. */
function planMarks(facts: NodeFacts, snapshot: Snapshot, plan: RolloutPlan): void {
  const { node, shadow, hasAttemptMarks } = facts;
  if (!hasAttemptMarks || isMarkAwaited(facts, snapshot)) return;
  const patch = undoStrayMarks(node, { shadow, hasEntry: false });
  if (patch !== undefined) plan.actions.push({ do: 'patchNode', node, patch, why: 'Undoing stray marks' });
}

/** How the agent treats settings of the host. */
function planHost(facts: NodeFacts, plan: RolloutPlan): void {
  const { shadow } = facts;
  if (shadow === undefined || shadow.spec.state !== 'Idle') return;
  if (shadow.metadata.deletionTimestamp !== undefined) return;
  const patch = hostPatch(shadow, wantedHost(facts));
  if (patch !== undefined)
    plan.actions.push({ do: 'patchShadow', shadow, patch, why: 'Setting how a host is treated' });
}

const INHERITED: NodeReason = { reason: 'Inherited', message: PROGRESS_REASONS.Inherited.means };

/** A shadow that was replaced or is gone may still have an entry: its marks are undone by its end. */
function isMarkAwaited({ name, node }: NodeFacts, { attempts }: Snapshot): boolean {
  for (const entries of attempts.values()) {
    if (entries.some(({ entry }) => entry.node === name && entry.uid === node.metadata.uid)) return true;
  }
  return false;
}

function wantedHost({ selection, node }: NodeFacts): HostPolicy {
  const isOurs = node.metadata.labels?.[INTERFACE_VERSION_LABEL] !== undefined;
  if (selection.kind !== 'won' || !isOurs) return DEFAULT_HOST;
  const { hostLock, waves } = selection.policy.effective.version;
  return { lock: hostLock, waves };
}
