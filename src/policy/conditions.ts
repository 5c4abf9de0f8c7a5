/** The conditions of a policy. */
import { END_REASONS } from '../api/reasons.ts';
import type { ConditionReason } from '../api/reasons.ts';
import type { Condition } from '../api/v2/bottlerocketshadow.ts';
import { rfc3339 } from '../runtime/clock.ts';
import { block } from './block.ts';
import type { PolicyState } from './facts.ts';
import { cut } from './progress.ts';
import type { BlockedReason, NodeCounts } from './progress.ts';
import { describeErrors } from './validate.ts';

export interface ConditionInput {
  readonly policy: PolicyState;
  readonly generation: number;
  /** Conditions of the status before. */
  readonly before: readonly Condition[] | undefined;
  readonly nodes: NodeCounts;
  /** Nodes that run what the policy wants. */
  readonly updated: number;
  readonly blocked: readonly BlockedReason[];
  /** The window in words. */
  readonly window: string;
}

interface Said {
  readonly status: Condition['status'];
  readonly reason: ConditionReason;
  readonly message: string;
}

const MAX_MESSAGE = 4_096;

/**
 * All conditions, in a fixed order. Ready is True also while the policy waits: it does what it was told. Reconciling is
 * never True here, because a status that is written is about the generation it names; Stalled is True while a person
 * is needed.
 */
export function policyConditions(input: ConditionInput): Condition[] {
  const said: [string, Said][] = [
    ['Ready', ready(input)],
    [
      'Reconciling',
      { status: 'False', reason: 'Observed', message: 'The present generation has been looked at.' },
    ],
    ['Stalled', stalled(input)],
    ['Valid', valid(input)],
    ['Halted', halted(input)],
    ['WindowOpen', windowOpen(input)],
    ['UpToDate', upToDate(input)],
  ];
  return said.map(([type, { status, reason, message }]) => {
    const before = input.before?.find((condition) => condition.type === type);
    return {
      type,
      status,
      reason,
      message: cut(message, MAX_MESSAGE),
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : rfc3339(input.policy.now),
      observedGeneration: input.generation,
    };
  });
}

/** What needs a person: an error in the policy, else a halt. */
function trouble({ policy }: ConditionInput): { reason: ConditionReason; message: string } | undefined {
  if (policy.errors.length > 0) return { reason: 'PolicyInvalid', message: describeErrors(policy.errors) };
  const { halted: blocked } = policy.blocks;
  return blocked === undefined || policy.halt === undefined
    ? undefined
    : { reason: endReason(policy.halt.reason), message: blocked.message };
}

const endReason = (text: string): ConditionReason =>
  Object.hasOwn(END_REASONS, text) ? (text as ConditionReason) : 'Halted';

function ready(input: ConditionInput): Said {
  const wrong = trouble(input);
  return wrong === undefined ? { status: 'True', ...activity(input) } : { status: 'False', ...wrong };
}

/** What the policy does while nothing is wrong: the word and the sentence a person wants first. */
function activity(input: ConditionInput): { reason: ConditionReason; message: string } {
  const { policy, nodes, updated, blocked, window } = input;
  const { deleted, paused } = policy.blocks;
  const progress = `${updated} of ${nodes.selected} nodes are up to date`;
  if (deleted !== undefined) return deleted;
  if (paused !== undefined) return paused;
  if (policy.effective.mode === 'DryRun')
    return block('DryRun', `Policy ${policy.name} only shows what it would do.`);
  if (nodes.selected === 0) return NO_NODES;
  if (nodes.updating > 0)
    return { reason: 'Updating', message: `${progress}, ${nodes.updating} are being updated.` };
  if (nodes.pending + nodes.failed + nodes.undrainable === 0)
    return { reason: 'UpToDate', message: `${progress}, ${nodes.excluded} are excluded.` };
  const [first] = blocked;
  return {
    reason: waitReason(first),
    message: `${progress}; window ${window}.${first === undefined ? '' : ` ${first.nodes} wait for ${first.reason}, such as ${first.example}`}`,
  };
}

const waitReason = (first: BlockedReason | undefined): ConditionReason =>
  first === undefined ? 'Updating' : (first.reason as ConditionReason);

const NO_NODES = {
  reason: 'NoNodes',
  message: 'No Bottlerocket node is won by this policy: compare spec.nodeSelector with the labels of the nodes, and its priority with those of other policies.',
} as const; // prettier-ignore

function stalled(input: ConditionInput): Said {
  const wrong = trouble(input);
  return wrong === undefined
    ? { status: 'False', reason: 'NotStalled', message: 'Nothing needs a person.' }
    : { status: 'True', ...wrong };
}

function valid({ policy: { errors } }: ConditionInput): Said {
  return errors.length === 0
    ? { status: 'True', reason: 'Valid', message: 'Nothing is wrong with the policy.' }
    : { status: 'False', reason: 'PolicyInvalid', message: describeErrors(errors) };
}

function halted({ policy: { blocks, halt } }: ConditionInput): Said {
  return blocks.halted === undefined || halt === undefined
    ? { status: 'False', reason: 'NotHalted', message: 'No failure stands.' }
    : { status: 'True', reason: endReason(halt.reason), message: blocks.halted.message };
}

function windowOpen({ policy, window }: ConditionInput): Said {
  const message = `The window is ${window}.`;
  if (policy.window === undefined) return { status: 'Unknown', reason: 'PolicyInvalid', message };
  if (policy.window.open) return { status: 'True', reason: 'WindowOpen', message };
  return { status: 'False', reason: policy.window.blackout ? 'Blackout' : 'WindowClosed', message };
}

function upToDate({ nodes, updated }: ConditionInput): Said {
  if (nodes.selected === 0) return { status: 'Unknown', ...NO_NODES };
  const left = nodes.pending + nodes.failed + nodes.undrainable + nodes.updating;
  const message = `${updated} of ${nodes.selected} nodes are up to date, ${nodes.excluded} are excluded.`;
  return left === 0 || updated === nodes.selected
    ? { status: 'True', reason: 'UpToDate', message }
    : { status: 'False', reason: 'UpdatesPending', message };
}
