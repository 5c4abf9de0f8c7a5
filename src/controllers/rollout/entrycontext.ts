/** Puts together what one entry of a ledger is decided on. Pure. */
import type { EffectivePolicy } from '../../policy/effective.ts';
import type { AttemptPolicy, Gate } from '../../protocol/attempt.ts';
import { cordonMarkOf } from '../../protocol/marks.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import type { EntryContext } from './advance.ts';
import type { CompiledPolicy } from './compile.ts';
import type { DrainOrder } from './drains.ts';
import type { AttemptFacts, Snapshot } from './snapshot.ts';

/** What the policy has to say of an entry. */
export interface PolicyWords {
  policy: Pick<CompiledPolicy, 'name' | 'uid' | 'deleting' | 'effective' | 'ignorePods'>;
  /** No reboot intent and no eviction from this instant on; undefined = no such instant. */
  notAfterMs: number | undefined;
  gate: Gate | undefined;
}

/** The context of an entry. */
export function entryContext(attempt: AttemptFacts, snapshot: Snapshot, words: PolicyWords): EntryContext {
  const { entry, shadow, node, drain, health, drainNextAtMs, verifyAtMs } = attempt;
  const { now, sightSinceMs, blindSinceMs, isClockWrong } = snapshot;
  const { name, uid, deleting, effective } = words.policy;
  return {
    view: {
      // While nobody can see, no deadline passes.
      now: sightSinceMs === undefined ? blindSinceMs : now,
      sightSinceMs: sightSinceMs ?? blindSinceMs,
      entry,
      policy: { ...attemptPolicy(effective), name, uid, ending: deleting },
      shadow,
      node,
      gate: words.gate,
      drain,
      health,
    },
    host: { lock: effective.version.hostLock, waves: effective.version.waves },
    notAfterMs: words.notAfterMs,
    isHeld: isClockWrong || sightSinceMs === undefined,
    drainOrder: drainOrder(attempt, snapshot, words),
    drainNextAtMs,
    verifyAtMs,
  };
}

function drainOrder(
  { entry, node }: AttemptFacts,
  snapshot: Snapshot,
  { policy: { ignorePods, effective }, notAfterMs }: PolicyWords,
): DrainOrder {
  const mark = node === undefined ? undefined : cordonMarkOf(node, entry);
  return {
    shadowUid: entry.shadowUid,
    attempt: entry.attempt,
    node: entry.node,
    context: {
      isIgnored: ({ metadata }) => ignorePods?.(metadata.labels) ?? false,
      cordonedAtMs: parseRfc3339(mark?.at) ?? snapshot.now,
      canMove: (pod) => snapshot.hasPlaceFor(pod, entry.node),
    },
    gracePeriodSeconds: effective.drain.gracePeriodSeconds ?? undefined,
    stopAtMs: notAfterMs ?? Number.POSITIVE_INFINITY,
  };
}

const attemptPolicy = ({
  timeouts,
  drain,
  health,
  intervalMs,
}: EffectivePolicy): Omit<AttemptPolicy, 'name' | 'uid' | 'ending'> => ({
  stageTimeoutMs: timeouts.stageMs,
  rebootTimeoutMs: timeouts.rebootMs,
  verifyTimeoutMs: timeouts.verifyMs,
  drainTimeoutMs: drain.timeoutMs,
  stableForMs: health.stableForMs,
  intervalMs,
});
