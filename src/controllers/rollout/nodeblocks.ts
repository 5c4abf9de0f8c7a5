/**
 * What keeps a node from starting, whatever the others do: remembered from pass to pass for as long as nothing that
 * the answer depends on has changed. Most nodes wait for the same thing for days.
 */
import { nodeBlock } from '../../policy/admission.ts';
import type { Block } from '../../policy/block.ts';
import type { Budget } from '../../policy/budget.ts';
import type { EffectivePolicy } from '../../policy/effective.ts';
import type { PolicyState } from '../../policy/facts.ts';
import type { PolicyNode } from './nodefacts.ts';

/** Stands for everything about a policy that its nodes' answers depend on; the same object while that is the same. */
interface Epoch {
  readonly key: string;
}

const epochs = new WeakMap<EffectivePolicy, Epoch>();

function epochOf({ effective, blocks, versions }: PolicyState): Epoch {
  const { invalid, deleted, paused, clock, window, minRemaining, halted } = blocks;
  const all = [invalid, deleted, paused, clock, window, minRemaining, halted];
  const key = JSON.stringify([versions === undefined, ...all.map((each) => each?.message)]);
  const known = epochs.get(effective);
  if (known?.key === key) return known;
  const epoch = { key };
  epochs.set(effective, epoch);
  return epoch;
}

/** A function of the nodes of one policy, for one pass. */
export function nodeBlocks(policy: PolicyState, budget: Budget): (node: PolicyNode) => Block | undefined {
  const epoch = epochOf(policy);
  return (node) => {
    if (node.answer?.epoch === epoch) return node.answer.found;
    const found = nodeBlock({ policy, node, budget });
    // A back-off ends with the time; so does what people say by annotation, for which the node is made anew each time.
    if (node.shadow?.backoff === undefined) node.answer = { epoch, found };
    return found;
  };
}
