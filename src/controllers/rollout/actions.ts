/** What a plan asks to be done. Every write carries the precondition of what it was decided on. */
import type { Node } from '../../api/core.ts';
import type { Reason } from '../../api/reasons.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { NewEvent } from '../events/recorder.ts';
import type { DrainOrder } from './drains.ts';
import type { AttemptId } from './health.ts';
import type { Lookup } from './lookups.ts';

/** A write, and what is said once it has succeeded. */
interface Write {
  patch: object;
  /** What it is for; a constant, for the log. */
  why: string;
  events?: NewEvent[];
}

export type Action =
  | ({ do: 'patchPolicy'; policy: UpdatePolicy; subresource?: 'status' } & Write)
  | ({ do: 'patchShadow'; shadow: BottlerocketShadow; subresource?: 'status' } & Write)
  | ({ do: 'patchNode'; node: Node } & Write)
  /** List the pods of a node that is drained, or evict a batch of them. */
  | { do: 'drain'; step: 'list' | 'evict'; order: DrainOrder }
  /** List the pods of a node that is verified. */
  | { do: 'verify'; id: AttemptId; node: string }
  /** List the pods of a node that may start, for `drain.waitForPods`. */
  | { do: 'lookForPods'; node: string }
  | { do: 'lookUp'; lookup: Lookup };

/** Why a node is where it is. */
export interface NodeReason {
  reason: Reason;
  message: string;
  /** Part of the attempt, while one is under way. */
  phase?: 'Staging' | 'Draining' | 'Rebooting' | 'Verifying';
}
