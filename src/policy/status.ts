/**
 * What policy.status says beside the ledger, the halt and the history, which belong to the protocol. Pure, and the
 * same for the same facts, so that an idle policy causes no writes.
 */
import type { UpdatePolicy, UpdatePolicyStatus } from '../api/v1/updatepolicy.ts';
import { parseRfc3339, rfc3339 } from '../runtime/clock.ts';
import type { Budget } from './budget.ts';
import { policyConditions } from './conditions.ts';
import { estimateCompletion } from './estimate.ts';
import { formatInstant } from './facts.ts';
import type { PolicyState } from './facts.ts';
import { cut, newestTarget } from './progress.ts';
import type { BlockedReason, NodeCounts, Progress } from './progress.ts';
import type { WindowVerdict } from './windows.ts';

export interface StatusInput {
  /** The object that was read; its status is what stood before. */
  readonly source: UpdatePolicy;
  readonly policy: PolicyState;
  /** Of the nodes that the policy wins. */
  readonly progress: Progress;
  readonly budget: Pick<Budget, 'limit' | 'used'>;
  /** Selected nodes that another policy is still updating. */
  readonly usedByOthers: readonly string[];
}

export type DerivedStatus = Required<
  Pick<
    UpdatePolicyStatus,
    'observedGeneration' | 'conditions' | 'nodes' | 'summary' | 'budget' | 'window' | 'rollout' | 'blocked'
  >
>;

const MAX_OTHERS = 32;
const MAX_WINDOW_TEXT = 128;

/**
 * The derived part of policy.status. What does not apply is null, so that a merge patch clears it. `rollout` keeps
 * `startedAt`, `failures` and `updated` of the status before: they are counted with the ledger.
 */
export function deriveStatus(input: StatusInput): DerivedStatus {
  const { source, policy, progress } = input;
  const { counts: nodes, updated, blocked } = progress;
  const window = windowText(policy.window, policy.now);
  const generation = source.metadata.generation ?? 0;
  const before = source.status?.conditions;
  return {
    observedGeneration: generation,
    conditions: policyConditions({ policy, generation, before, nodes, updated, blocked, window }),
    nodes,
    summary: { updated: `${updated}/${nodes.selected}`, window, reason: reasonText(policy, blocked) },
    budget: budgetOf(input, nodes),
    window: windowStatus(policy.window),
    rollout: rolloutOf(input),
    blocked,
  };
}

/** The window in words: `open`, `open, closes Sat 07:00 CET`, `closed, opens Sat 01:00 CET`, `blackout, opens …`. */
export function windowText(window: WindowVerdict | undefined, now: number): string {
  if (window === undefined) return 'unknown, the policy is invalid';
  const { open, blackout, closesAt, nextOpensAt, zone } = window;
  if (open) return closesAt === undefined ? 'open' : `open, closes ${formatInstant(closesAt, zone, now)}`;
  const state = blackout ? 'blackout' : 'closed';
  return cut(
    nextOpensAt === undefined
      ? `${state}, never opens`
      : `${state}, opens ${formatInstant(nextOpensAt, zone, now)}`,
    MAX_WINDOW_TEXT,
  );
}

/** One word for the printer column: what needs a person, else the most frequent reason; empty while nothing waits. */
function reasonText({ blocks }: PolicyState, [first]: readonly BlockedReason[]): string {
  const policyWide = blocks.invalid ?? blocks.halted ?? blocks.deleted ?? blocks.paused;
  return policyWide?.reason ?? first?.reason ?? '';
}

function budgetOf({ budget, usedByOthers }: StatusInput, nodes: NodeCounts): DerivedStatus['budget'] {
  return {
    limit: Number.isFinite(budget.limit) ? budget.limit : nodes.selected,
    used: budget.used,
    usedByOthers: usedByOthers.toSorted().slice(0, MAX_OTHERS),
  };
}

const timeOrNull = (instant: number | undefined): string | null =>
  instant === undefined ? null : rfc3339(instant);

function windowStatus(window: WindowVerdict | undefined): DerivedStatus['window'] {
  if (window === undefined) return { open: false, name: null, closesAt: null, nextOpensAt: null };
  return {
    open: window.open,
    name: window.name ?? null,
    closesAt: timeOrNull(window.closesAt),
    nextOpensAt: timeOrNull(window.nextOpensAt),
  };
}

function rolloutOf({ source, policy, progress }: StatusInput): DerivedStatus['rollout'] {
  const { counts, targets } = progress;
  const before = source.status?.rollout;
  const startedAtMs = parseRfc3339(before?.startedAt);
  const done =
    startedAtMs === undefined || policy.windows === undefined || policy.blocks.halted !== undefined
      ? undefined
      : estimateCompletion(policy.windows, {
          now: policy.now,
          startedAtMs,
          updated: before?.updated ?? 0,
          pending: counts.pending + counts.updating,
        });
  return {
    ...before,
    targetVersion: newestTarget(targets) ?? null,
    targets,
    estimatedCompletion: timeOrNull(done),
  };
}
