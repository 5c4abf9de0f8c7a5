/**
 * The questions of admission (protocol 3), one each. Every answer names what blocks; undefined = nothing against it.
 * Pure: everything is in the input. admission.ts puts them in order.
 */
import { rfc3339 } from '../runtime/clock.ts';
import { clearedBy } from './annotations.ts';
import { block } from './block.ts';
import type { Block } from './block.ts';
import type { Budget } from './budget.ts';
import { minRemainingBlock } from './facts.ts';
import type { NodeFacts, PolicyState } from './facts.ts';
import { nodeWindow } from './nodewindow.ts';
import type { NodeWindow } from './nodewindow.ts';
import { utcZone } from './zone.ts';

/** What the questions about one node and its policy are asked of. */
export interface AdmissionInput {
  readonly policy: PolicyState;
  readonly node: NodeFacts;
  readonly budget: Budget;
}

/** Undefined = nothing against it. */
export type Gate = (input: AdmissionInput) => Block | undefined;

export const unsupportedOs: Gate = ({ node }) =>
  node.unsupportedVersion === undefined
    ? undefined
    : block('UnsupportedOS', `The host runs Bottlerocket ${node.unsupportedVersion}.`);

const verdictBlocks = new WeakMap<object, Block>();

/** What a verdict says; one object for all nodes that share the verdict. */
function verdictBlock(reason: Block['reason'], verdict: { readonly message: string }): Block {
  const known = verdictBlocks.get(verdict);
  if (known?.reason === reason) return known;
  const made = block(reason, verdict.message);
  verdictBlocks.set(verdict, made);
  return made;
}

/** A host that cannot ask its repository does not know whether it is up to date. */
export const upToDate: Gate = ({ policy, node: { shadow } }) => {
  const code = shadow?.error?.code;
  if (shadow === undefined || !shadow.asked || code === 'RepositoryUnreachable' || code === 'HostUnreachable')
    return undefined;
  const verdict = policy.versions?.judge(shadow);
  return verdict?.kind === 'upToDate' ? verdictBlock('UpToDate', verdict) : undefined;
};

export const policyInvalid: Gate = ({ policy }) => policy.blocks.invalid;
export const policyDeleted: Gate = ({ policy }) => policy.blocks.deleted;
export const policyPaused: Gate = ({ policy }) => policy.blocks.paused;
export const clockSkew: Gate = ({ policy }) => policy.blocks.clock;
export const halted: Gate = ({ policy }) => policy.blocks.halted;

/** `run-now` opens a closed window; a blackout wins over it. */
const runsNow = ({ policy, node }: AdmissionInput): boolean =>
  node.controls.runNowUntilMs !== undefined &&
  node.controls.runNowUntilMs > policy.now &&
  policy.window?.blackout !== true;

export const windowOpen: Gate = (input) => (runsNow(input) ? undefined : input.policy.blocks.window);

export const minRemaining: Gate = (input) => {
  const { policy, node } = input;
  if (!runsNow(input)) return policy.blocks.minRemaining;
  return minRemainingBlock(windowOf(policy, node), policy.effective.minRemainingMs, policy.now);
};

/** The windows as they are for a node; closed when the policy has an error. */
export function windowOf(policy: PolicyState, { controls }: Pick<NodeFacts, 'controls'>): NodeWindow {
  return policy.windows === undefined
    ? { open: false, blackout: true, closesAt: undefined, blackoutAt: policy.now, zone: utcZone() }
    : nodeWindow(policy.windows, { now: policy.now, runNowUntilMs: controls.runNowUntilMs });
}

export const excluded: Gate = ({ node }) =>
  node.controls.excluded
    ? block('Excluded', `Node ${node.name} is excluded${node.controls.errors.length > 0 ? ` (${node.controls.errors[0]?.message ?? ''})` : ''}.`) // prettier-ignore
    : undefined;

export const cordonedByOthers: Gate = ({ policy, node }) =>
  node.cordonedByOthers && policy.effective.cordonedNodes === 'Skip'
    ? block('CordonedByOthers', `Node ${node.name} was cordoned by somebody else.`)
    : undefined;

export const nodeDeleting: Gate = ({ node }) =>
  node.deleting ? block('NodeDeleting', `Node ${node.name} is being deleted.`) : undefined;

export const nodeNotReady: Gate = ({ node }) =>
  node.ready ? undefined : block('NodeNotReady', `Node ${node.name} is not Ready.`);

export const agentReporting: Gate = ({ node }) => {
  if (!node.agentReady)
    return block('AgentNotReporting', `The agent pod on node ${node.name} is missing or not Ready.`);
  const { shadow } = node;
  if (shadow?.reported !== true || shadow.current === undefined || shadow.current === null)
    return block('AgentNotReporting', `The agent on node ${node.name} has not reported yet.`);
  const isFirst = !shadow.asked && shadow.error === undefined;
  return isFirst
    ? block('AgentNotReporting', `The host of node ${node.name} has not asked for updates yet.`)
    : undefined;
};

export const hostReachable: Gate = ({ node: { shadow } }) =>
  shadow?.error?.code === 'HostUnreachable' || shadow?.error?.code === 'UnexpectedAnswer'
    ? block('HostUnreachable', `The agent cannot talk to the host API: ${shadow.error.message}.`)
    : undefined;

export const repositoryReachable: Gate = ({ node: { shadow } }) =>
  shadow?.error?.code === 'RepositoryUnreachable'
    ? block('RepositoryUnreachable', `The host says: ${shadow.error.message}.`)
    : undefined;

/** Anything of an earlier attempt; an old ErrorReset would otherwise be counted again. */
export const nothingLeft: Gate = ({ node: { shadow } }) => {
  if (shadow === undefined) return undefined;
  const { specState, currentState, leftovers, error } = shadow;
  const why = error === undefined ? '' : ` (${error.code}: ${error.message})`;
  if (specState !== 'Idle') return block('StillArmed', `The shadow asks for ${specState}, not for Idle.`);
  if (currentState !== 'Idle')
    return block('StillArmed', `The agent reports ${currentState ?? 'no state'}, not Idle${why}.`);
  return leftovers
    ? block('StillArmed', `The host still holds what an earlier attempt staged or changed${why}.`)
    : undefined;
};

export const notArmedByOthers: Gate = ({ node: { shadow } }) =>
  shadow?.updateState === 'Ready'
    ? block('ArmedByOthers', "The host's update state is Ready, and nothing that this operator staged.")
    : undefined;

export const waitForPods: Gate = ({ policy, node }) => {
  if (policy.effective.drain.waitForPods === null) return undefined;
  const pod = node.waitingPod?.();
  return pod === undefined
    ? undefined
    : block('WaitForPods', `Pod ${pod} runs on node ${node.name}, and spec.drain.waitForPods selects it.`);
};

export const eligibleVersion: Gate = ({ policy, node: { shadow } }) => {
  const verdict = shadow === undefined ? undefined : policy.versions?.judge(shadow);
  switch (verdict?.kind) {
    case 'eligible':
      return undefined;
    case 'notOffered':
      return verdictBlock('NotOffered', verdict);
    case 'none':
    case 'upToDate':
      return verdictBlock('NoEligibleVersion', verdict);
    case 'unknown':
    case undefined:
      return block('AgentNotReporting', 'The agent has not reported which versions are offered yet.');
  }
};

export const backoffOver: Gate = ({ policy, node: { shadow, controls } }) => {
  const backoff = shadow?.backoff;
  if (backoff === undefined || backoff.untilMs <= policy.now || clearedBy(backoff.atMs, controls.retryAtMs))
    return undefined;
  const row = backoff.failures > 1 ? `, ${backoff.failures} bad ends in a row` : '';
  return block(
    'Backoff',
    `The last attempt ended with ${backoff.reason}${row}; the next is not before ${rfc3339(backoff.untilMs)}.`,
  );
};

export const slotFree: Gate = ({ budget }) => budget.slot();
export const ledgerRoom: Gate = ({ budget }) => budget.ledger();
export const availableEnough: Gate = ({ budget, node }) => budget.unavailable(node.name);
export const domainFree: Gate = ({ budget, node }) => budget.topology(node.name);

/** Last, so that a dry run names what would block, and is the reason only where nothing does. */
export const dryRun: Gate = ({ policy, node }) => {
  if (policy.effective.mode !== 'DryRun') return undefined;
  const target = targetOf(policy, node);
  return block(
    'DryRun',
    `Node ${node.name} would be updated from ${node.shadow?.current ?? 'unknown'} to ${target ?? 'unknown'} now.`,
  );
};

/** The version a node would be updated to; undefined when there is none. */
export function targetOf(policy: PolicyState, { shadow }: Pick<NodeFacts, 'shadow'>): string | undefined {
  const verdict = shadow === undefined ? undefined : policy.versions?.judge(shadow);
  return verdict?.kind === 'eligible' ? verdict.version : undefined;
}
