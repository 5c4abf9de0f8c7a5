/**
 * What the controller does next for one entry of the ledger (protocol 2, 3, 4, 7, 8): a pure function of what was
 * read. It returns one step; the caller carries it out with the resourceVersion of what was read, and asks again.
 * A step that is lost, late or done twice must be harmless: that is what the model checks.
 */
import { END_COUNTS, END_REASONS } from '../api/reasons.ts';
import type { EndReason, ProgressReason } from '../api/reasons.ts';
import type { Node } from '../api/core.ts';
import type { LedgerEntry } from '../api/v1/updatepolicy.ts';
import type { BottlerocketShadow, HostErrorCode } from '../api/v2/bottlerocketshadow.ts';
import { parseRfc3339 } from '../runtime/clock.ts';
import { cordonMarkOf, isAttemptMark, undoMarks } from './marks.ts';
import type { Mark, MarkOwner } from './marks.ts';
import { attemptOf, isAhead, isSettled, openIntent, reportedState, runsTarget } from './states.ts';

/** A deadline that was missed counts this much later: an intent accepted just before it may still act. */
export const DEADLINE_GRACE_MS = 120_000;
/** A deadline that passed unseen is moved to this long after sight returned. */
export const SIGHT_GRACE_MS = 120_000;
/** The list of pods that allows the reboot is taken at least so long after the cordon: a scheduler may still bind. */
export const BIND_GRACE_MS = 5_000;

/** What the policy says, resolved; defaults when the policy is gone. */
export interface AttemptPolicy {
  name: string;
  uid: string;
  /** Being deleted, or gone. */
  ending: boolean;
  stageTimeoutMs: number;
  rebootTimeoutMs: number;
  verifyTimeoutMs: number;
  drainTimeoutMs: number;
  stableForMs: number;
  intervalMs: number;
}

/** The first rule of admission that no longer holds, as the way an attempt ends. */
export interface Gate {
  reason: EndReason;
  message: string;
}

/** A live list of the node's pods, classified. */
export interface DrainView {
  /** When the list was taken, by our clock. */
  listedAtMs: number;
  evictable: number;
  /** What holds the drain, for a person; absent when nothing does. */
  blocked?: { reason: ProgressReason; message: string };
}

export interface HealthView {
  /** Since when everything holds, by our clock; undefined = it does not. */
  healthySinceMs?: number;
  /** What is missing. */
  message: string;
}

export interface AttemptView {
  now: number;
  entry: LedgerEntry;
  policy: AttemptPolicy;
  /** Undefined: gone, or another UID (looked up live). */
  shadow: BottlerocketShadow | undefined;
  node: Node | undefined;
  /** Undefined: every rule that is evaluated again still holds. */
  gate: Gate | undefined;
  /** Undefined: not read; asked for by a `list` step. */
  drain: DrainView | undefined;
  health: HealthView;
  /** Since when we see: leadership, fresh caches, a ready API server. */
  sightSinceMs: number;
}

/** Write the end and what it counts to the ledger. */
export interface CountStep {
  do: 'count';
  end: EndReason;
  message: string;
  /** Until when the slot is held. */
  untilMs: number;
  /** The host is silent after an intent. */
  lost?: boolean;
}

/** One thing to do. Every write carries the resourceVersion of what the view holds. */
export type AttemptStep =
  /** `spec` = StagedAndPerformedUpdate, with attempt, policy, deadline, notAfter, finalizer. */
  | { do: 'start'; deadlineMs: number }
  /** Set our cordon with this attempt's mark. */
  | { do: 'cordon' }
  /** Take a live list of the node's pods and ask again. */
  | { do: 'list'; reason: ProgressReason; message: string }
  /** Evict what is evictable, then list again. */
  | { do: 'evict'; reason: ProgressReason; message: string; untilMs: number }
  /** `spec` = RebootedIntoUpdate. */
  | { do: 'reboot'; deadlineMs: number }
  /** `spec` = MonitoringUpdate. */
  | { do: 'monitor'; deadlineMs: number }
  /** Undo the marks of this attempt. */
  | { do: 'undo' }
  /** Record in the marks that somebody took our cordon back. */
  | { do: 'release' }
  /** `spec` = Idle with this outcome (and at least this attempt): the fence against an intent. */
  | { do: 'fence'; end: EndReason; message: string; deadlineMs: number }
  | CountStep
  /** Record the back-off in the shadow. */
  | { do: 'backoff' }
  /** Move a deadline that passed unseen: to the entry first … */
  | { do: 'extendEntry'; deadlineMs: number }
  /** … then to `spec`. */
  | { do: 'extendSpec'; deadlineMs: number }
  /** Remove the entry; the shadow's finalizer goes by `mayReleaseShadow`. */
  | { do: 'remove' }
  | { do: 'wait'; reason: ProgressReason; message: string; untilMs?: number };

type Rule = (view: Seen) => AttemptStep | undefined;

/** A view whose shadow is there. */
interface Seen extends AttemptView {
  shadow: BottlerocketShadow;
  owner: MarkOwner;
}

/** Decides the next step of one entry. */
export function nextStep(view: AttemptView): AttemptStep {
  const { shadow, entry } = view;
  if (shadow === undefined) return withoutShadow(view);
  const seen: Seen = { ...view, shadow, owner: { shadowUid: entry.shadowUid, attempt: entry.attempt } };
  if (isForeign(seen)) return withoutClaim(seen);
  if (entry.phase !== 'Reserved') return firstOf(ENDED, seen);
  if (attemptOf(shadow) < entry.attempt) return firstOf(NOT_STARTED, seen);
  if (attemptOf(shadow) > entry.attempt) return count(view, 'Superseded', 'A later attempt is under way.');
  return firstOf(RULES[shadow.spec.state], seen);
}

function firstOf(rules: readonly Rule[], view: Seen): AttemptStep {
  for (const rule of rules) {
    const step = rule(view);
    if (step !== undefined) return step;
  }
  return { do: 'wait', reason: 'PuttingBack', message: 'Nothing to do.' };
}

/**
 * Another policy has started this attempt, or a later one: two leaders reserved the node in two ledgers while it
 * changed hands. Attempts are numbered by the shadow, not by the policy, so the number alone does not tell whose it is.
 */
const isForeign = ({ shadow, entry, policy }: Seen): boolean => {
  const owner = shadow.spec.policy?.uid;
  const isOther = owner !== undefined && owner !== policy.uid;
  return isOther && (shadow.spec.state !== 'Idle' || attemptOf(shadow) >= entry.attempt);
};

/** Neither the shadow nor the Node is touched: they are the other's. */
const withoutClaim = (view: Seen): AttemptStep =>
  view.entry.phase === 'Reserved'
    ? count(view, 'Superseded', 'Another policy updates the node.')
    : { do: 'remove' };

/** The shadow was removed by force. What it knew of the host is lost; the Node's marks are not. */
function withoutShadow(view: AttemptView): AttemptStep {
  if (view.entry.phase === 'Reserved') {
    const reason: EndReason = view.node === undefined ? 'NodeGone' : 'ShadowDeleted';
    return count(view, reason, 'The shadow of the node is gone.');
  }
  if (hasMarksOf(view)) return { do: 'undo' };
  return restOf(view) ?? { do: 'remove' };
}

function count(view: AttemptView, end: EndReason, message: string): CountStep {
  const hold = END_COUNTS[end] === 'success' ? view.policy.intervalMs : view.policy.stageTimeoutMs;
  return { do: 'count', end, message, untilMs: view.now + hold };
}

/** An end that counts a failure is counted before the spec is touched, any other after it. */
function end(view: Seen, reason: EndReason, message: string): AttemptStep {
  if (END_COUNTS[reason] === 'failure') return count(view, reason, message);
  return { do: 'fence', end: reason, message, deadlineMs: view.now + view.policy.stageTimeoutMs };
}

/** There is something that `undoMarks` would undo for this entry. */
const hasMarksOf = ({ node, entry }: AttemptView): boolean =>
  node !== undefined && undoMarks(node, isAttemptMark, entry) !== undefined;

// ---- not started: spec.attempt is lower than the entry's -------------------------------------------------

const NOT_STARTED: readonly Rule[] = [
  (v) => (v.node === undefined ? end(v, 'NodeGone', 'The node was removed before it started.') : undefined),
  (v) => endOfOwner(v),
  (v) => (v.gate === undefined ? undefined : end(v, v.gate.reason, v.gate.message)),
  (v) =>
    v.shadow.spec.state !== 'Idle' || attemptOf(v.shadow) !== v.entry.attempt - 1
      ? end(v, 'Superseded', 'The shadow changed before the node started.')
      : undefined,
  (v) => ({ do: 'start', deadlineMs: v.now + v.policy.stageTimeoutMs }),
];

/** The policy or the shadow is being deleted. */
function endOfOwner(v: Seen): AttemptStep | undefined {
  if (v.shadow.metadata.deletionTimestamp !== undefined) {
    return end(v, 'ShadowDeleted', 'The shadow of the node is being deleted.');
  }
  return v.policy.ending
    ? end(v, 'PolicyDeleted', `UpdatePolicy ${v.policy.name} is being deleted.`)
    : undefined;
}

// ---- rules of several states -----------------------------------------------------------------------------

/** Codes an agent ends an attempt with; any other counts as StageFailed. */
const AGENT_ENDS: Partial<Record<HostErrorCode, EndReason>> = {
  StageFailed: 'StageFailed',
  BootFallback: 'BootFallback',
  UnexpectedVersion: 'UnexpectedVersion',
  NotArmed: 'NotArmed',
  RebootRefused: 'RebootRefused',
};

const reportedError: Rule = (v) => {
  if (reportedState(v.shadow) !== 'ErrorReset') return undefined;
  const error = v.shadow.status?.host?.error;
  return end(
    v,
    (error && AGENT_ENDS[error.code]) ?? 'StageFailed',
    error?.message ?? 'The agent reported ErrorReset.',
  );
};

const gateFails: Rule = (v) => (v.gate === undefined ? undefined : end(v, v.gate.reason, v.gate.message));

/** Somebody took our cordon back: we do not fight; it is recorded first, so that a later undo leaves it alone. */
const interfered: Rule = (v) => {
  const mark = ourMark(v);
  if (mark === undefined) return undefined;
  if (mark.released === true)
    return end(v, 'Interfered', 'Somebody uncordoned the node while it was being drained.');
  return v.node?.spec?.unschedulable === true ? undefined : { do: 'release' };
};

const ourMark = (v: Seen): Mark | undefined =>
  v.node === undefined ? undefined : cordonMarkOf(v.node, v.owner);

/** The deadline in force: what was written, or what it was moved to. */
function deadlineMs(v: Seen, written: number | undefined): number | undefined {
  const moved = parseRfc3339(v.entry.extended);
  if (written === undefined) return undefined;
  return moved === undefined ? written : Math.max(written, moved);
}

interface Deadline {
  /** As it was written; undefined = none. */
  writtenMs: number | undefined;
  /** So long has to be watched for what is awaited to be seen. @default 0 */
  watchMs?: number;
  /** After so long it has been missed: what was accepted just before it may still act. @default DEADLINE_GRACE_MS */
  graceMs?: number;
}

/** What to do about a deadline: move it once when nobody could see it pass, end the attempt when it was missed. */
function judgeDeadline(
  v: Seen,
  { writtenMs, watchMs = 0, graceMs = DEADLINE_GRACE_MS }: Deadline,
  missed: () => AttemptStep,
): AttemptStep | undefined {
  const deadline = deadlineMs(v, writtenMs);
  if (deadline === undefined || v.now < deadline) return undefined;
  const wasMoved = parseRfc3339(v.entry.extended) === deadline;
  const couldSeeMs = v.sightSinceMs + watchMs;
  if (couldSeeMs > deadline && !wasMoved)
    return { do: 'extendEntry', deadlineMs: couldSeeMs + SIGHT_GRACE_MS };
  return v.now < deadline + graceMs ? undefined : missed();
}

/** The move is in the entry but not yet in `spec`: finish it. */
const finishExtension: Rule = (v) => {
  const moved = parseRfc3339(v.entry.extended);
  const written = parseRfc3339(v.shadow.spec.deadline);
  if (moved === undefined || written === undefined || moved <= written || ourMarkDeadline(v) !== undefined)
    return undefined;
  return { do: 'extendSpec', deadlineMs: moved };
};

/** In state 1 the drain has its own deadline, from the cordon on. */
function ourMarkDeadline(v: Seen): number | undefined {
  if (v.shadow.spec.state !== 'StagedAndPerformedUpdate') return undefined;
  const at = parseRfc3339(ourMark(v)?.at);
  return at === undefined ? undefined : at + v.policy.drainTimeoutMs;
}

// ---- 1: staging, cordon, drain ---------------------------------------------------------------------------

const STAGING: readonly Rule[] = [
  reportedError,
  (v) => (v.node === undefined ? end(v, 'NodeGone', 'The node was removed.') : undefined),
  endOfOwner,
  interfered,
  gateFails,
  finishExtension,
  (v) => {
    if (isStaged(v)) return undefined;
    const missed = (): AttemptStep => end(v, 'StageTimeout', 'The host did not stage the version in time.');
    return (
      judgeDeadline(v, { writtenMs: parseRfc3339(v.shadow.spec.deadline) }, missed) ?? {
        do: 'wait',
        reason: 'Staging',
        message: `The host stages ${v.entry.version}${stepText(v)}.`,
        ...until(parseRfc3339(v.shadow.spec.deadline)),
      }
    );
  },
  // A reboot that nobody asked for brought the target already: nothing to drain for.
  (v) => (runsTarget(v.shadow) ? { do: 'reboot', deadlineMs: v.now + v.policy.rebootTimeoutMs } : undefined),
  (v) => (ourMark(v) === undefined ? { do: 'cordon' } : undefined),
  // Before the reboot is allowed nothing of the host can still act: a drain ends when its time is over.
  (v) =>
    judgeDeadline(v, { writtenMs: ourMarkDeadline(v), graceMs: 0 }, () =>
      end(v, 'DrainTimeout', drainText(v)),
    ),
  drainStep,
];

const isStaged = (v: Seen): boolean => reportedState(v.shadow) === 'StagedAndPerformedUpdate';

function stepText(v: Seen): string {
  const step = v.shadow.status?.host?.step;
  const error = v.shadow.status?.host?.error;
  return `${step ? ` (${step})` : ''}${error ? `; ${error.message}` : ''}`;
}

const drainText = (v: Seen): string => v.drain?.blocked?.message ?? 'The node was not drained in time.';

function drainStep(v: Seen): AttemptStep {
  const cordonedAt = parseRfc3339(ourMark(v)?.at) ?? v.now;
  const why = v.drain?.blocked ?? { reason: 'Draining' as const, message: 'Pods are being moved away.' };
  const settledAt = cordonedAt + BIND_GRACE_MS;
  if (v.drain === undefined) return { do: 'list', ...why };
  if (v.drain.evictable > 0) return { do: 'evict', ...why, untilMs: cordonedAt + v.policy.drainTimeoutMs };
  if (v.drain.listedAtMs >= settledAt) return { do: 'reboot', deadlineMs: v.now + v.policy.rebootTimeoutMs };
  if (v.now >= settledAt) return { do: 'list', ...why };
  return { do: 'wait', reason: 'Draining', message: 'A pod may still be bound.', untilMs: settledAt };
}

const until = (ms: number | undefined): { untilMs?: number } => (ms === undefined ? {} : { untilMs: ms });

// ---- 2: the reboot ---------------------------------------------------------------------------------------

const REBOOTING: readonly Rule[] = [
  reportedError,
  (v) => {
    if (v.node !== undefined) return undefined;
    const committed = openIntent(v.shadow) !== undefined || reportedState(v.shadow) === 'RebootedIntoUpdate';
    return committed
      ? end(v, 'NodeLostAfterReboot', 'The node was removed after it had been told to reboot.')
      : end(v, 'NodeGone', 'The node was removed.');
  },
  (v) => (isCommitted(v) ? recordRelease(v) : beforeIntent(v)),
  finishExtension,
  (v) => {
    if (reportedState(v.shadow) !== 'RebootedIntoUpdate') return undefined;
    const isSeen = v.node?.status?.nodeInfo?.bootID === v.shadow.status?.host?.bootId;
    return isSeen ? { do: 'monitor', deadlineMs: v.now + v.policy.verifyTimeoutMs } : undefined;
  },
  (v) => judgeDeadline(v, { writtenMs: parseRfc3339(v.shadow.spec.deadline) }, () => rebootMissed(v)),
  (v) => ({
    do: 'wait',
    reason: 'Rebooting',
    message: `The host reboots into ${v.entry.version}.`,
    ...until(deadlineMs(v, parseRfc3339(v.shadow.spec.deadline))),
  }),
];

/** The agent may no longer ask in this window; that another is open by now does not help it. */
const windowPassed: Rule = (v) =>
  isAhead(v.shadow.spec.notAfter, v.now)
    ? undefined
    : end(v, 'WindowClosed', 'The window in which the node was to reboot has closed.');

/** Nothing is lost yet: whatever speaks against the reboot puts the node back. */
const beforeIntent: Rule = (v) => endOfOwner(v) ?? interfered(v) ?? gateFails(v) ?? windowPassed(v);

/** Too late to put back, but what somebody took back is theirs from now on. */
function recordRelease(v: Seen): AttemptStep | undefined {
  const mark = ourMark(v);
  const isTaken = mark !== undefined && mark.released !== true && v.node?.spec?.unschedulable !== true;
  return isTaken ? { do: 'release' } : undefined;
}

/** The reboot is under way or done: nothing may be taken back. */
const isCommitted = (v: Seen): boolean =>
  openIntent(v.shadow) !== undefined || reportedState(v.shadow) === 'RebootedIntoUpdate';

function rebootMissed(v: Seen): AttemptStep {
  if (openIntent(v.shadow) !== undefined) {
    const message = `The host has not been heard since it was told to reboot into ${v.entry.version}.`;
    return { ...count(v, 'RebootTimeout', message), lost: true };
  }
  return reportedState(v.shadow) === 'RebootedIntoUpdate'
    ? end(v, 'RebootTimeout', 'The host is back, but its Node has not registered with the new boot id.')
    : end(v, 'NotArmed', 'The agent did not ask for the reboot in time.');
}

// ---- 3: verification -------------------------------------------------------------------------------------

const MONITORING: readonly Rule[] = [
  reportedError,
  (v) =>
    v.node === undefined
      ? end(v, 'NodeLostAfterReboot', 'The node was removed before it was healthy again.')
      : undefined,
  (v) => (ourMark(v) === undefined ? undefined : { do: 'undo' }),
  finishExtension,
  (v) => {
    const since = v.health.healthySinceMs;
    const isWell = since !== undefined && v.now >= since + v.policy.stableForMs;
    return isWell && reportedState(v.shadow) === 'MonitoringUpdate'
      ? end(v, 'Updated', `The node runs ${v.entry.version} and is healthy.`)
      : undefined;
  },
  (v) => {
    // Who has just begun to see has to see the node well for the whole time.
    const watchMs = v.policy.stableForMs;
    return judgeDeadline(v, { writtenMs: parseRfc3339(v.shadow.spec.deadline), watchMs }, () =>
      end(v, 'VerifyTimeout', `The node was not healthy in time: ${v.health.message}`),
    );
  },
  (v) => ({ do: 'wait', reason: 'Verifying', message: v.health.message, ...until(nextLook(v)) }),
];

function nextLook(v: Seen): number | undefined {
  const since = v.health.healthySinceMs;
  const deadline = deadlineMs(v, parseRfc3339(v.shadow.spec.deadline));
  if (since === undefined) return deadline;
  return Math.min(since + v.policy.stableForMs, deadline ?? Number.MAX_SAFE_INTEGER);
}

// ---- Idle at this attempt: an end that is not counted yet ------------------------------------------------

const FENCED: readonly Rule[] = [
  (v) => {
    const outcome = v.shadow.spec.outcome;
    const reason =
      outcome?.attempt === v.entry.attempt && outcome.reason in END_COUNTS ? outcome.reason : 'Superseded';
    return count(v, reason as EndReason, outcome?.message ?? 'The attempt was put back.');
  },
];

const RULES: Readonly<Record<BottlerocketShadow['spec']['state'], readonly Rule[]>> = {
  Idle: FENCED,
  StagedAndPerformedUpdate: STAGING,
  RebootedIntoUpdate: REBOOTING,
  MonitoringUpdate: MONITORING,
  // Never asked for by us; Brupop's CRD allows it.
  ErrorReset: [(v) => end(v, 'Superseded', 'spec.state was ErrorReset.')],
};

// ---- Ended, Failed, Lost, Resting: counted, being put back -----------------------------------------------

const ENDED: readonly Rule[] = [
  // Silent since it was told to reboot: nothing is touched until it is heard, or gone.
  (v) =>
    openIntent(v.shadow) !== undefined && v.node !== undefined && v.entry.phase === 'Lost'
      ? {
          do: 'wait',
          reason: 'RebootLost',
          message: 'The host has not been heard since it was told to reboot.',
        }
      : undefined,
  (v) => {
    if (v.shadow.spec.state === 'Idle' || attemptOf(v.shadow) > v.entry.attempt) return undefined;
    const reason = (v.entry.reason ?? 'Superseded') as EndReason;
    const deadlineMs = v.now + v.policy.stageTimeoutMs;
    return { do: 'fence', end: reason, message: END_REASONS[reason].means, deadlineMs };
  },
  (v) => (needsBackoff(v) ? { do: 'backoff' } : undefined),
  (v) => (hasMarksOf(v) ? { do: 'undo' } : undefined),
  (v) => restOf(v),
  (v) => {
    if (v.node === undefined || isSettled(v.shadow)) return { do: 'remove' };
    const deadline = parseRfc3339(v.entry.until) ?? v.now;
    // A success is settled as soon as the agent has seen it; anything else may take until the deadline.
    const limit = v.entry.phase === 'Resting' ? deadline + v.policy.stageTimeoutMs : deadline;
    if (v.now >= limit) return { do: 'remove' };
    return { do: 'wait', reason: 'PuttingBack', message: 'The host is being put back.', untilMs: limit };
  },
];

function needsBackoff(v: Seen): boolean {
  const counts = END_COUNTS[(v.entry.reason ?? 'Superseded') as EndReason];
  if (counts !== 'backoff' && counts !== 'failure') return false;
  return (v.shadow.status?.backoff?.attempt ?? -1) < v.entry.attempt;
}

/** The rest after a success. */
function restOf(v: AttemptView): AttemptStep | undefined {
  const rest = parseRfc3339(v.entry.until);
  if (v.entry.phase !== 'Resting' || rest === undefined || v.now >= rest) return undefined;
  return { do: 'wait', reason: 'Resting', message: 'The node is updated; its slot rests.', untilMs: rest };
}
