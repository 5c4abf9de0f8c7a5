/** What a plan is made from: everything read, nothing to be asked for any more. */
import type { Node, Pod } from '../../api/core.ts';
import type { LedgerEntry } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { Selection } from '../../policy/select.ts';
import type { DrainView, HealthView } from '../../protocol/attempt.ts';
import type { CompiledPolicy } from './compile.ts';
import type { Lookup } from './lookups.ts';
import type { PolicyNode } from './nodefacts.ts';

/** One Bottlerocket node. */
export interface NodeFacts {
  readonly name: string;
  /** A small number that no other node has while this one is there; for what is kept in arrays. */
  readonly row: number;
  readonly node: Node;
  readonly shadow: BottlerocketShadow | undefined;
  readonly isReady: boolean;
  /** The agent's pod on the node is Ready. */
  readonly isAgentReporting: boolean;
  /** Pods of the controller or the API server run on it. */
  readonly runsOperator: boolean;
  readonly selection: Selection<CompiledPolicy>;
  /** Marks of some attempt are on the node. */
  readonly hasAttemptMarks: boolean;
  /** See nodecare.ts. */
  readonly needsCare: boolean;
  /** How its policy saw these very facts last; see nodefacts.ts. A field: it is looked at for every node in every plan. */
  seen: PolicyNode | undefined;
}

/** The policy whose ledger has an entry for a shadow. */
export interface Holder {
  readonly policyUid: string;
  readonly policyName: string;
}

/** One policy. */
export interface PolicyFacts {
  readonly compiled: CompiledPolicy;
  readonly isFresh: boolean;
}

/** What is known of the node and the shadow of a ledger entry, or of a shadow in flight. */
export interface AttemptFacts {
  readonly entry: LedgerEntry;
  /** The entry is in the ledger, and not only made from a shadow in flight. */
  readonly isInLedger: boolean;
  readonly shadow: BottlerocketShadow | undefined;
  readonly node: Node | undefined;
  /** Undefined unless the node is a Bottlerocket node that is there. */
  readonly facts: NodeFacts | undefined;
  readonly isFresh: boolean;
  /** What has to be asked before anything is decided: the copies do not show it. */
  readonly lookups: readonly Lookup[];
  readonly drain: DrainView | undefined;
  readonly drainNextAtMs: number;
  readonly health: HealthView;
  readonly verifyAtMs: number | undefined;
}

export interface Snapshot {
  readonly now: number;
  /** Since when we see (protocol 7); undefined = we do not: deadlines stand still. */
  readonly sightSinceMs: number | undefined;
  /** When we stopped to see. */
  readonly blindSinceMs: number;
  /** The clock is so far from that of kube-apiserver that nothing may start. */
  readonly isClockWrong: boolean;
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** Whether what is known of a node and its shadow is newer than every write of ours. */
  readonly isFresh: (node: string) => boolean;
  readonly policies: readonly PolicyFacts[];
  /** By UID of the policy: its ledger, completed by shadows in flight that name it and have no entry. */
  readonly attempts: ReadonlyMap<string, readonly AttemptFacts[]>;
  /** Shadows in flight whose policy is gone. */
  readonly orphans: readonly AttemptFacts[];
  /** UIDs of shadows that a ledger has an entry for, and that entry's policy. */
  readonly ledger: ReadonlyMap<string, Holder>;
  /** The node that has the shadow of a UID. */
  readonly nodeOfShadow: (shadowUid: string) => NodeFacts | undefined;
  /** Pods of a node, listed a moment ago for `drain.waitForPods`; undefined = to be listed. */
  readonly podsOf: (node: string) => readonly Pod[] | undefined;
  /** The same, however long ago. */
  readonly lastPodsOf: (node: string) => readonly Pod[] | undefined;
  readonly podsDueMs: (node: string) => number;
  /** Whether another node could take a pod of the operator. */
  readonly hasPlaceFor: (pod: Pod, from: string) => boolean;
  /** When a policy was last written. */
  readonly policyWritten: (policyUid: string) => number | undefined;
}
