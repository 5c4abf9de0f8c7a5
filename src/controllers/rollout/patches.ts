/** The merge patches by which the steps of an attempt are written to a shadow (protocol 1 to 4). Pure. */
import { IN_FLIGHT_FINALIZER } from '../../api/names.ts';
import type { EndReason } from '../../api/reasons.ts';
import type { LedgerEntry } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow, HostPolicy, ShadowSpec } from '../../api/v2/bottlerocketshadow.ts';
import { attemptOf } from '../../protocol/states.ts';
import { rfc3339 } from '../../runtime/clock.ts';

/** A merge patch of a shadow; carries the resourceVersion of what was decided on. */
export interface ShadowPatch {
  metadata: { resourceVersion?: string; uid?: string; finalizers?: string[] };
  spec?: Partial<ShadowSpec>;
}

export interface StartFields {
  now: number;
  deadlineMs: number;
  /** No reboot intent from this instant on; undefined = no limit. */
  notAfterMs: number | undefined;
  policy: { name: string; uid: string };
  host: HostPolicy;
}

const preconditions = ({ metadata }: BottlerocketShadow): ShadowPatch['metadata'] => ({
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
  ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
});

const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : rfc3339(ms));

/** State 1: all that the attempt depends on, and the finalizer, in one patch. */
export function startPatch(shadow: BottlerocketShadow, entry: LedgerEntry, fields: StartFields): ShadowPatch {
  const finalizers = shadow.metadata.finalizers ?? [];
  return {
    metadata: {
      ...preconditions(shadow),
      ...(finalizers.includes(IN_FLIGHT_FINALIZER)
        ? {}
        : { finalizers: [...finalizers, IN_FLIGHT_FINALIZER] }),
    },
    spec: {
      state: 'StagedAndPerformedUpdate',
      state_transition_timestamp: rfc3339(fields.now),
      version: entry.version,
      policy: fields.policy,
      attempt: entry.attempt,
      deadline: rfc3339(fields.deadlineMs),
      notAfter: timeOrNull(fields.notAfterMs),
      host: fields.host,
      outcome: null,
    },
  };
}

/** State 2 or 3. */
export const advancePatch = (
  shadow: BottlerocketShadow,
  state: 'RebootedIntoUpdate' | 'MonitoringUpdate',
  fields: { now: number; deadlineMs: number; notAfterMs?: number | undefined },
): ShadowPatch => ({
  metadata: preconditions(shadow),
  spec: {
    state,
    state_transition_timestamp: rfc3339(fields.now),
    deadline: rfc3339(fields.deadlineMs),
    ...(state === 'RebootedIntoUpdate' ? { notAfter: timeOrNull(fields.notAfterMs) } : {}),
  },
});

/** How an attempt ended. */
export interface Outcome {
  end: EndReason;
  message: string;
}

/**
 * Idle, with how the attempt ended. The attempt number rises to the entry's at least, so that a late writer of its
 * start is refused; an attempt that never started is claimed by this, as its start would have.
 */
export function fencePatch(
  shadow: BottlerocketShadow,
  entry: Pick<LedgerEntry, 'attempt'>,
  fields: Outcome & { now: number; deadlineMs: number; policy: { name: string; uid: string } },
): ShadowPatch {
  return {
    metadata: preconditions(shadow),
    spec: {
      state: 'Idle',
      ...(shadow.spec.state === 'Idle' ? {} : { state_transition_timestamp: rfc3339(fields.now) }),
      version: null,
      attempt: Math.max(attemptOf(shadow), entry.attempt),
      ...(attemptOf(shadow) < entry.attempt ? { policy: fields.policy } : {}),
      deadline: rfc3339(fields.deadlineMs),
      notAfter: null,
      outcome: { attempt: entry.attempt, reason: fields.end, message: fields.message.slice(0, 1024) },
    },
  };
}

/** A deadline that passed unseen is moved. */
export const extendPatch = (shadow: BottlerocketShadow, deadlineMs: number): ShadowPatch => ({
  metadata: preconditions(shadow),
  spec: { deadline: rfc3339(deadlineMs) },
});

/** How the agent treats settings of the host, also while Idle. Undefined when it says so already. */
export function hostPatch(shadow: BottlerocketShadow, host: HostPolicy): ShadowPatch | undefined {
  const now = shadow.spec.host ?? DEFAULT_HOST;
  return now.lock === host.lock && now.waves === host.waves
    ? undefined
    : { metadata: preconditions(shadow), spec: { host } };
}

/** What holds where no policy says anything. */
export const DEFAULT_HOST: HostPolicy = { lock: 'Pin', waves: 'Respect' };
