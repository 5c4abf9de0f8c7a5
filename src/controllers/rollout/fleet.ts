/** The nodes of a snapshot, sorted by what a plan asks of them: in one pass over all. Pure. */
import type { Holder, NodeFacts, Snapshot } from './snapshot.ts';

export interface Fleet {
  /** By UID of the policy that wins them. */
  readonly won: ReadonlyMap<string, readonly NodeFacts[]>;
  /** Nodes that no policy wins. */
  readonly unclaimed: readonly NodeFacts[];
  /** Nodes that nodecare.ts has something to do for. */
  readonly inCare: readonly NodeFacts[];
  /** Nodes that hold a slot, of whatever policy: few beside the others. */
  readonly holders: ReadonlyMap<NodeFacts, Holder>;
}

export function sortNodes(snapshot: Pick<Snapshot, 'nodes' | 'ledger' | 'nodeOfShadow'>): Fleet {
  const won = new Map<string, NodeFacts[]>();
  const unclaimed: NodeFacts[] = [];
  const inCare: NodeFacts[] = [];
  for (const facts of snapshot.nodes.values()) {
    const { selection, needsCare } = facts;
    if (needsCare) inCare.push(facts);
    if (selection.kind !== 'won') {
      unclaimed.push(facts);
      continue;
    }
    const ofPolicy = won.get(selection.policy.uid);
    if (ofPolicy === undefined) won.set(selection.policy.uid, [facts]);
    else ofPolicy.push(facts);
  }
  return { won, unclaimed, inCare, holders: holdersOf(snapshot) };
}

function holdersOf({ ledger, nodeOfShadow }: Pick<Snapshot, 'ledger' | 'nodeOfShadow'>): Fleet['holders'] {
  const holders = new Map<NodeFacts, Holder>();
  for (const [shadowUid, holder] of ledger) {
    const facts = nodeOfShadow(shadowUid);
    if (facts !== undefined) holders.set(facts, holder);
  }
  return holders;
}
