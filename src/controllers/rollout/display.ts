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

/** Steps that take moments are not shown unless they last. */
const TRANSIENT = new Set<string>(['Reserved', 'PuttingBack', 'Resting']);
/** A message that changes while the reason stays is shown no more often than this, and a brief step not before. */
export const BRIEF_MS = 30_000;

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

/** Said by the Event of a step, or no news: no Event of their own. */
const SILENT = new Set<string>(['UpToDate', 'Staging', 'Draining', 'Rebooting', 'Verifying', 'Inherited']);

export interface Shown {
  node: Node | undefined;
  shadow: BottlerocketShadow;
  reason: NodeReason;
  now: number;
  /** When this shadow's status was last written by us, and why its node was where it was; memory only. */
  last: { atMs: number } | undefined;
  /** Since when the reason holds that is not shown yet, for steps that take moments. */
  pendingSinceMs: number | undefined;
}

/** The write that shows the reason; undefined when it is shown already or not worth showing yet. */
export function showReason(shown: Shown): Extract<Action, { do: 'patchShadow' }> | undefined {
  const { shadow, reason, now, node } = shown;
  const before = shadow.status?.update ?? undefined;
  const isSameReason = before?.reason === reason.reason && (before.phase ?? undefined) === reason.phase;
  if (!isWorthShowing(shown, isSameReason)) return undefined;
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

function isWorthShowing(
  { shadow, reason, now, last, pendingSinceMs }: Shown,
  isSameReason: boolean,
): boolean {
  if (!isSameReason) {
    const isBrief = TRANSIENT.has(reason.reason) && now - (pendingSinceMs ?? now) < BRIEF_MS;
    return !isBrief;
  }
  if (shadow.status?.update?.message === reason.message) return false;
  return last === undefined || now - last.atMs >= BRIEF_MS;
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
  if (SILENT.has(reason) || TRANSIENT.has(reason)) return [];
  const type = WARNINGS.has(reason) ? 'Warning' : 'Normal';
  return [{ regarding: subjectOf(Nodes, node), type, reason, action: 'Wait', note: message }];
}
