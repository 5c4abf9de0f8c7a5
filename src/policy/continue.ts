/** May a node in flight that has not rebooted go on? Admission asked again (protocol 3). */
import type { EndReason, WaitReason } from '../api/reasons.ts';
import { block } from './block.ts';
import type { Block } from './block.ts';
import {
  policyInvalid,
  policyDeleted,
  halted,
  windowOpen,
  excluded,
  cordonedByOthers,
  nodeDeleting,
  nodeNotReady,
  agentReporting,
  hostReachable,
  waitForPods,
} from './gates.ts';
import type { AdmissionInput, Gate } from './gates.ts';

export interface ContinueInput extends AdmissionInput {
  /** The version this attempt is for; it never changes. */
  readonly target: string;
  /** Its slot is reserved, but nothing has begun: then it may not begin after the close. Default true. */
  readonly hasStarted?: boolean;
}

type ContinueGate = (input: ContinueInput) => Block | undefined;

/** With onClose Finish a node in flight outlives the close of the window, and a pause, but no blackout. */
const mayFinish = ({ policy, hasStarted = true }: ContinueInput): boolean =>
  hasStarted && policy.effective.onClose === 'Finish';

const notPaused: ContinueGate = (input) => {
  const { policy } = input;
  if (mayFinish(input) || policy.effective.mode === 'Enabled') return undefined;
  return (
    policy.blocks.paused ??
    block('DryRun', `Policy ${policy.name} was set to DryRun, so the node is put back.`)
  );
};

const windowStillOpen: ContinueGate = (input) => {
  const found = windowOpen(input);
  return found?.reason === 'WindowClosed' && mayFinish(input) ? undefined : found;
};

const targetStillAllowed: ContinueGate = ({ policy, target }) => {
  const refusal = policy.versions?.refusal(target);
  return refusal === undefined
    ? undefined
    : block('NoEligibleVersion', `The target ${target} ${refusal}, which it was not when the node started.`);
};

const stillAvailableEnough: Gate = ({ budget }) => budget.stillUnavailable();
const domainStillFree: Gate = ({ budget, node }) => budget.stillTopology(node.name);

/**
 * The chain for a node in flight before its reboot: asked again before the cordon, before each batch of evictions and
 * before `spec` = 2. It is the same chain without slot and back-off, and without what a node in flight cannot answer
 * as an idle one does: which policy it belongs to (spec.policy owns it), whether its host is Idle, and which target
 * would be chosen now. `minRemaining` is about starting; from there on the close itself counts.
 */
export const continueGates: readonly ContinueGate[] = [
  policyInvalid,
  policyDeleted,
  notPaused,
  windowStillOpen,
  halted,
  excluded,
  cordonedByOthers,
  nodeDeleting,
  nodeNotReady,
  agentReporting,
  hostReachable,
  waitForPods,
  targetStillAllowed,
  stillAvailableEnough,
  domainStillFree,
];

/** Why a node in flight has to be put back; undefined when it may go on. */
export function continueBlock(input: ContinueInput): Block | undefined {
  for (const gate of continueGates) {
    const found = gate(input);
    if (found !== undefined) return found;
  }
  return undefined;
}

const ENDS: Partial<Record<WaitReason, EndReason>> = {
  WindowClosed: 'WindowClosed',
  Blackout: 'Blackout',
  PolicyDeleted: 'PolicyDeleted',
  PolicyInvalid: 'PolicyInvalid',
  PolicyPaused: 'Paused',
  DryRun: 'Paused',
};

/** How an attempt ends that a block put back (protocol 8). */
export const endOf = (reason: WaitReason): EndReason => ENDS[reason] ?? 'Superseded';
