/**
 * Admission (protocol 3): may a node start? An ordered list of small questions; the first that says no is the reason.
 */
import { block, some } from './block.ts';
import type { Block } from './block.ts';
import type { ShadowFacts } from './facts.ts';
import {
  unsupportedOs,
  upToDate,
  policyInvalid,
  policyDeleted,
  policyPaused,
  clockSkew,
  halted,
  windowOpen,
  minRemaining,
  excluded,
  cordonedByOthers,
  nodeDeleting,
  nodeNotReady,
  agentReporting,
  hostReachable,
  repositoryReachable,
  nothingLeft,
  notArmedByOthers,
  waitForPods,
  eligibleVersion,
  backoffOver,
  slotFree,
  ledgerRoom,
  availableEnough,
  domainFree,
  dryRun,
} from './gates.ts';
import type { AdmissionInput, Gate } from './gates.ts';
import type { SelectingPolicy, Selection } from './select.ts';

/** Whether a node belongs to exactly one policy, and no other one is still at it. Asked before anything of a policy. */
export function selectionBlock(
  selection: Selection<SelectingPolicy & { readonly uid: string }>,
  owner: ShadowFacts['owner'],
): Block | undefined {
  switch (selection.kind) {
    case 'none':
      return NO_POLICY;
    case 'tie': {
      const [first, ...rest] = selection.policies.map(({ name }) => name);
      const priority = selection.policies[0]?.priority ?? 0;
      return block(
        'PolicyTie',
        `Policies ${some([first ?? '', ...rest])}, all of priority ${priority}, select the node.`,
      );
    }
    case 'won':
      return owner === undefined || owner.uid === selection.policy.uid
        ? undefined
        : block('OwnedByOther', `Policy ${owner.name} is still updating the node.`);
  }
}

const NO_POLICY = block('NoPolicy', 'No UpdatePolicy selects the node.');

/** What has to hold for the node by itself, with nothing that depends on other nodes; in the order of WAIT_REASONS. */
export const nodeGates: readonly Gate[] = [
  upToDate,
  unsupportedOs,
  policyInvalid,
  policyDeleted,
  policyPaused,
  clockSkew,
  windowOpen,
  minRemaining,
  halted,
  excluded,
  cordonedByOthers,
  nodeDeleting,
  nodeNotReady,
  agentReporting,
  hostReachable,
  repositoryReachable,
  nothingLeft,
  notArmedByOthers,
  waitForPods,
  eligibleVersion,
  backoffOver,
];

/** What depends on the other nodes, and comes after nodeGates. */
export const budgetGates: readonly Gate[] = [slotFree, ledgerRoom, availableEnough, domainFree, dryRun];

/** The whole chain for a node that is to start. */
export const startGates: readonly Gate[] = [...nodeGates, ...budgetGates];

const firstBlock = (gates: readonly Gate[], input: AdmissionInput): Block | undefined => {
  for (const gate of gates) {
    const found = gate(input);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Why a node may not start now; undefined when it may. Selection (selectionBlock) is asked before. */
export const startBlock = (input: AdmissionInput): Block | undefined => firstBlock(startGates, input);

/** Why a node would not start even with every budget free; undefined for a candidate. */
export const nodeBlock = (input: AdmissionInput): Block | undefined => firstBlock(nodeGates, input);

/** Why a candidate (nodeBlock) may not start now: the rest of the chain. */
export const budgetBlock = (input: AdmissionInput): Block | undefined => firstBlock(budgetGates, input);
