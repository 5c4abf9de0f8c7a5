/**
 * What is shown of a node: `status.update` and the condition of its shadow, and an Event when the reason changed. For
 * people; nothing is decided by it. Pure.
 */
import { Nodes } from '../../api/core.ts';
import type { Node } from '../../api/core.ts';
import type { BottlerocketShadow, Condition } from '../../api/v2/bottlerocketshadow.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import { subjectOf } from '../events/recorder.ts';
import type { NewEvent } from '../events/recorder.ts';
import { mergePatch } from '../kube/mergepatch.ts';
import type { Action, NodeReason } from './actions.ts';

/** The one condition of a shadow: whether its node runs what its policy wants. */
export const UP_TO_DATE = 'UpToDate';

const SHORT_MS = 10_000;
const LONG_MS = 30_000;
/**
 * A host reports on a new state within moments. A write of what is shown at that very time would make one of the two
 * fail, and say what the report changes.
 */
const REPORT_MS = 3_000;

/** How long a reason has to last before it is shown: what passes by itself in moments is no news. */
const BRIEF_MS: Partial<Record<string, number>> = {
  Staging: REPORT_MS,
  Verifying: REPORT_MS,
  Reserved: LONG_MS,
  PuttingBack: LONG_MS,
  Resting: LONG_MS,
  AgentNotReporting: LONG_MS,
  NodeNotReady: SHORT_MS,
  Draining: SHORT_MS,
  Rebooting: SHORT_MS,
  PodDisruptionBudget: SHORT_MS,
  PodTerminating: SHORT_MS,
  EvictionThrottled: SHORT_MS,
  EvictionRefused: SHORT_MS,
};

/** How long a message stands at least while the reason stays the same. */
const REFRESH_MS: Partial<Record<string, number>> = { Staging: 5 * 60_000, Verifying: 5 * 60_000 };

/** How long the reason and the message of a node have to last before they are shown. */
export const lastsMs = (shadow: BottlerocketShadow, { reason }: NodeReason): number =>
  shadow.status?.update?.reason === reason ? (REFRESH_MS[reason] ?? LONG_MS) : (BRIEF_MS[reason] ?? 0);

/** Reasons that need a person. */
const WARNINGS = new Set<string>([
  'PolicyTie',
  'PolicyInvalid',
  'Halted',
  'NodeNotReady',
  'AgentNotReporting',
  'HostUnreachable',
  'RepositoryUnreachable',
  'StillArmed',
  'ArmedByOthers',
  'NoEligibleVersion',
  'PodDisruptionBudget',
  'MultipleDisruptionBudgets',
  'EvictionRefused',
  'RebootLost',
  'UnsupportedOS',
  'ClockSkew',
]);

/** Said by the Event of a step, or no news (most nodes of a rollout wait for a slot): no Event of their own. */
const SILENT = new Set<string>([
  'UpToDate',
  'NoSlot',
  'Reserved',
  'Staging',
  'Draining',
  'Rebooting',
  'Verifying',
  'PuttingBack',
  'Resting',
]);

/** The write that shows the reason; undefined when it is shown already. */
export function showReason(
  { node, shadow }: { node: Node | undefined; shadow: BottlerocketShadow },
  reason: NodeReason,
  now: number,
): Extract<Action, { do: 'patchShadow' }> | undefined {
  const before = shadow.status?.update ?? undefined;
  const isSameReason = before?.reason === reason.reason && (before.phase ?? undefined) === reason.phase;
  const status = {
    update: {
      reason: reason.reason,
      message: reason.message.slice(0, 1_024),
      phase: reason.phase ?? null,
      since: isSameReason ? (before?.since ?? rfc3339(now)) : rfc3339(now),
    },
    conditions: [conditionOf(shadow, reason, now)],
    ...clearedBackoff(shadow, reason),
  };
  const { update, conditions, backoff, crash_count } = shadow.status ?? {};
  const change = mergePatch(
    { update, conditions, backoff, crash_count },
    { backoff, crash_count, ...status },
  );
  if (change === undefined) return undefined;
  const events = isSameReason || node === undefined ? [] : eventOf(node, reason);
  const { resourceVersion } = shadow.metadata;
  return {
    do: 'patchShadow',
    shadow,
    subresource: 'status',
    why: '',
    patch: { metadata: { resourceVersion }, status: change },
    events,
  };
}

function conditionOf(shadow: BottlerocketShadow, reason: NodeReason, now: number): Condition {
  const status = reason.reason === 'UpToDate' ? 'True' : 'False';
  const before = shadow.status?.conditions?.find(({ type }) => type === UP_TO_DATE);
  return {
    type: UP_TO_DATE,
    status,
    reason: reason.reason,
    message: reason.message.slice(0, 4_096),
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : rfc3339(now),
  };
}

/** A success ends the row of bad attempts. */
function clearedBackoff(shadow: BottlerocketShadow, reason: NodeReason): object {
  const { backoff, crash_count } = shadow.status ?? {};
  const isSuccess = reason.reason === 'UpToDate' || reason.reason === 'Resting';
  if (!isSuccess || shadow.spec.outcome?.reason !== 'Updated') return {};
  if ((backoff === null || backoff === undefined) && (crash_count ?? 0) === 0) return {};
  return { backoff: null, crash_count: 0 };
}

function eventOf(node: Node, { reason, message }: NodeReason): NewEvent[] {
  if (SILENT.has(reason)) return [];
  const type = WARNINGS.has(reason) ? 'Warning' : 'Normal';
  return [{ regarding: subjectOf(Nodes, node), type, reason, action: 'Wait', note: message }];
}
