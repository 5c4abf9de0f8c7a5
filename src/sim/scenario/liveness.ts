/**
 * Invariant 11: how long it may take, once nothing goes wrong any more, until all that can be updated is. Derived from what
 * the policies say alone, as the sum of what they allow each step to take; so it is late, never too early. Pure.
 */
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { resolveLimit } from '../../policy/budget.ts';
import { withDefaults } from '../../policy/effective.ts';
import type { EffectivePolicy } from '../../policy/effective.ts';
import { CompiledWindows } from '../../policy/windows.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A node as it is when faults stop. */
export interface WaitingNode {
  labels: Readonly<Record<string, string>>;
  /** How many of its attempts in a row ended with a back-off. */
  badEnds: number;
  /** Wall clock; undefined = it has none to wait for. */
  backoffUntilMs?: number | undefined;
}

export interface LivenessInput {
  /** Wall clock when faults stop. */
  now: number;
  policy: Pick<UpdatePolicy, 'spec'>;
  /** All that the policy wins. */
  nodes: readonly WaitingNode[];
  /** From when on everything is offered to every host: the end of the last wave. @default now */
  offeredFromMs?: number;
}

/** A missed deadline counts so much later, and one that passed unseen moves by as much, once. */
const GRACE_MS = 2 * MINUTE;
/** A host looks for updates every hour, give or take a tenth; the first look may just have failed. */
const LOOK_MS = 2 * 66 * MINUTE;
/** Somebody looks after a halted policy so often, and has to see it twice. */
const CARE_MS = 20 * MINUTE;
/** For elections, caches and agents to be there again. */
const RECOVERY_MS = 10 * MINUTE;
/** After this nobody waits any more. */
const MAX_MS = 60 * 24 * HOUR;
const BACKOFF_BASE_MS = 10 * MINUTE;
const BACKOFF_MAX_MS = 6 * HOUR;
/** What a host needs when nothing goes wrong, from its slot to its reboot. */
const WORK_MS = 10 * MINUTE;

/** The longest that an attempt that was under way may take to end, and to be put back. */
export const settleMs = ({ timeouts, drain, intervalMs }: EffectivePolicy): number =>
  timeouts.stageMs +
  drain.timeoutMs +
  timeouts.rebootMs +
  timeouts.verifyMs +
  4 * 2 * GRACE_MS +
  timeouts.stageMs +
  intervalMs;

/** The longest back-off that a node may still have to sit out; one that is under way may end badly once more. */
export function backoffMs({ badEnds, backoffUntilMs }: WaitingNode, now: number): number {
  const next = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(badEnds, 20));
  return Math.max(0, (backoffUntilMs ?? now) - now) + next;
}

/** How many nodes one after the other: as many as the limits make of them, the strictest of them all the time. */
export function roundsOf(policy: EffectivePolicy, nodes: readonly WaitingNode[]): number {
  const total = nodes.length;
  const limit = resolveLimit(policy.maxConcurrentUpdates, total);
  const available = policy.maxUnavailable === null ? Infinity : resolveLimit(policy.maxUnavailable, total);
  const atATime = Math.min(limit, available);
  if (atATime === 0) return total === 0 ? 0 : Number.POSITIVE_INFINITY;
  const byLimit = Math.ceil(total / Math.min(atATime, Math.max(1, total)));
  const { topology } = policy;
  if (topology === null) return byLimit;
  const domains = new Map<string, number>();
  for (const { labels } of nodes) {
    const domain = labels[topology.key] ?? '';
    domains.set(domain, (domains.get(domain) ?? 0) + 1);
  }
  const each = [...domains.values()].map((count) => Math.ceil(count / topology.maxConcurrentUpdates));
  // A domain after the other at worst.
  return byLimit + each.reduce((sum, rounds) => sum + rounds, 0);
}

/** The instant by which so much has been done in the windows, each round in one of them. */
function afterRounds(
  policy: EffectivePolicy,
  { fromMs, rounds, roundMs }: { fromMs: number; rounds: number; roundMs: number },
): number {
  const needMs = Math.max(policy.minRemainingMs, WORK_MS);
  let left = rounds;
  for (const { start, end } of new CompiledWindows(policy).openFrom(fromMs)) {
    if (left <= 0) return start;
    if (start > fromMs + MAX_MS) break;
    const lengthMs = end - start;
    if (lengthMs < needMs) continue;
    const fit = Number.isFinite(lengthMs) ? 1 + Math.floor((lengthMs - needMs) / roundMs) : left;
    if (fit >= left) return start + left * roundMs;
    left -= fit;
  }
  return left <= 0 ? fromMs : Number.POSITIVE_INFINITY;
}

/** Milliseconds after `now`; at most 60 days. */
export function livenessBoundMs({ now, policy, nodes, offeredFromMs = now }: LivenessInput): number {
  const effective = withDefaults(policy.spec);
  const backoff = Math.max(0, ...nodes.map((node) => backoffMs(node, now)));
  const readyMs = Math.max(offeredFromMs, now + RECOVERY_MS + settleMs(effective) + backoff) + LOOK_MS;
  const { stageMs, rebootMs, verifyMs } = effective.timeouts;
  const roundMs =
    stageMs +
    effective.drain.timeoutMs +
    rebootMs +
    verifyMs +
    effective.health.stableForMs +
    effective.intervalMs +
    CARE_MS;
  const rounds = roundsOf(effective, nodes);
  const doneMs = Number.isFinite(rounds)
    ? afterRounds(effective, { fromMs: readyMs, rounds, roundMs })
    : Number.POSITIVE_INFINITY;
  return Math.min(MAX_MS, doneMs - now);
}
