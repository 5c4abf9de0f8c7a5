/**
 * The slot ledger in `policy.status.updating` (protocol 3): written before anything starts, and the only place that
 * says how many nodes are being updated.
 */
import { END_COUNTS } from '../api/reasons.ts';
import type { EndReason } from '../api/reasons.ts';
import type { LedgerEntry, UpdatePolicyStatus } from '../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import { parseRfc3339, rfc3339 } from '../runtime/clock.ts';
import { attemptOf, isSettled } from './states.ts';

/** A node to be reserved. */
export interface Reservation {
  node: string;
  /** UID of the Node. */
  uid: string;
  shadow: BottlerocketShadow;
  version: string;
}

/** The entry that reserves a slot; the attempt is one more than the shadow's last. */
export const reserve = (reservation: Reservation, now: number): LedgerEntry => ({
  node: reservation.node,
  uid: reservation.uid,
  shadowUid: reservation.shadow.metadata.uid ?? '',
  version: reservation.version,
  attempt: attemptOf(reservation.shadow) + 1,
  phase: 'Reserved',
  since: rfc3339(now),
});

/** Slots taken: a node that was counted failed and is silent is outside the limit. */
export const slotsUsed = (entries: readonly LedgerEntry[]): number =>
  entries.reduce((used, entry) => used + (entry.phase === 'Lost' ? 0 : 1), 0);

/** The entry of a node's attempt. */
export const entryOf = (entries: readonly LedgerEntry[], shadowUid: string): LedgerEntry | undefined =>
  entries.find((entry) => entry.shadowUid === shadowUid);

/**
 * Entries the ledger lacks: shadows that are not Idle and name this policy. They are in flight whatever the ledger
 * says, so they must count before anything new is admitted.
 */
export function missingEntries(
  policy: { uid: string; entries: readonly LedgerEntry[] },
  shadows: Iterable<BottlerocketShadow>,
  now: number,
): LedgerEntry[] {
  const { uid, entries } = policy;
  const known = new Set(entries.map((entry) => entry.shadowUid));
  const missing: LedgerEntry[] = [];
  for (const shadow of shadows) {
    const { spec, metadata } = shadow;
    if (spec.state === 'Idle' || spec.policy?.uid !== uid || known.has(metadata.uid ?? '')) continue;
    missing.push(adopt(shadow, now));
  }
  return missing;
}

/** An entry made from a shadow that is in flight already. */
export function adopt(shadow: BottlerocketShadow, now: number): LedgerEntry {
  return {
    ...nodeOf(shadow),
    shadowUid: shadow.metadata.uid ?? '',
    version: shadow.spec.version ?? shadow.status?.current_version ?? '0.0.0',
    attempt: attemptOf(shadow),
    phase: 'Reserved',
    since: shadow.spec.state_transition_timestamp ?? rfc3339(now),
  };
}

/** The Node a shadow belongs to, from its owner reference. */
function nodeOf(shadow: BottlerocketShadow): Pick<LedgerEntry, 'node' | 'uid'> {
  const owner = shadow.metadata.ownerReferences?.find((reference) => reference.kind === 'Node');
  return owner === undefined
    ? { node: shadow.metadata.name.replace(/^brs-/, ''), uid: '' }
    : { node: owner.name, uid: owner.uid };
}

/** How an attempt ended, to be written to the ledger. */
export interface End {
  /** The entry as it was read. */
  entry: LedgerEntry;
  reason: EndReason;
  /** Until when the slot is held: the rest after a success, the time to be put back after anything else. */
  untilMs: number;
  /** A host that was told to reboot and is silent. */
  lost?: boolean;
}

/** What a policy's status counts, and what ends change in it. */
export type Counted = Pick<UpdatePolicyStatus, 'updating' | 'rollout' | 'halt'>;

/**
 * Writes the end of an attempt, and everything it counts, into one status: the entry's phase, the rollout's counters,
 * the halt. An end that is in the ledger already is not counted again.
 */
export function countEnd(status: Counted, end: End, now: number): Counted {
  const { entry } = end;
  const entries = status.updating ?? [];
  const found = entries.find((e) => e.shadowUid === entry.shadowUid && e.attempt === entry.attempt);
  if (found === undefined || found.phase !== 'Reserved') return status;
  const counts = END_COUNTS[end.reason];
  const ended: LedgerEntry = {
    ...found,
    phase: phaseOf(end, counts),
    until: rfc3339(end.untilMs),
    reason: end.reason,
  };
  const rollout = { ...status.rollout };
  if (counts === 'success') rollout.updated = (rollout.updated ?? 0) + 1;
  if (counts === 'failure') rollout.failures = (rollout.failures ?? 0) + 1;
  return {
    updating: entries.map((e) => (e === found ? ended : e)),
    rollout,
    halt: counts === 'failure' ? haltOf(entry, end.reason, now) : (status.halt ?? null),
  };
}

function phaseOf(end: End, counts: 'success' | 'nothing' | 'backoff' | 'failure'): LedgerEntry['phase'] {
  if (counts === 'success') return 'Resting';
  if (counts !== 'failure') return 'Ended';
  return end.lost === true ? 'Lost' : 'Failed';
}

const haltOf = (
  entry: LedgerEntry,
  reason: EndReason,
  now: number,
): NonNullable<UpdatePolicyStatus['halt']> => ({
  reason,
  node: entry.node,
  version: entry.version,
  attempt: entry.attempt,
  at: rfc3339(now),
});

/** A policy is halted until somebody sets `resume` to an instant not before the failure that halted it. */
export function isHalted(halt: UpdatePolicyStatus['halt'], resume: string | undefined, now: number): boolean {
  const at = parseRfc3339(halt?.at);
  if (at === undefined) return halt !== undefined && halt !== null;
  const resumedAt = parseRfc3339(resume);
  return resumedAt === undefined || resumedAt < at || resumedAt > now;
}

const BACKOFF_BASE_MS = 10 * 60_000;
const BACKOFF_MAX_MS = 6 * 3_600_000;

/** Back-off of a node after an end: 10 minutes, doubling to 6 hours. Undefined when the attempt is counted already. */
export function backoffAfter(
  shadow: BottlerocketShadow,
  entry: LedgerEntry,
  now: number,
): NonNullable<NonNullable<BottlerocketShadow['status']>['backoff']> | undefined {
  const before = shadow.status?.backoff ?? undefined;
  if (before !== undefined && before.attempt >= entry.attempt) return undefined;
  const failures = (before?.failures ?? 0) + 1;
  const wait = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(failures - 1, 20));
  return {
    failures,
    attempt: entry.attempt,
    at: rfc3339(now),
    until: rfc3339(now + wait),
    reason: entry.reason ?? 'Unknown',
  };
}

/**
 * Whether the finalizer `in-flight` of a shadow may go: nothing of it is in a ledger, and its host is as it was, or
 * gone with its Node. Until then the shadow is the only record of what has to be undone there.
 */
export const mayReleaseShadow = (
  shadow: BottlerocketShadow,
  facts: { hasEntry: boolean; isNodeGone: boolean },
): boolean => !facts.hasEntry && shadow.spec.state === 'Idle' && (facts.isNodeGone || isSettled(shadow));
