/** What the status of a policy says after a plan: its ledger, what is counted, and what is shown. Pure. */
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import type { UpdatePolicy, UpdatePolicyStatus } from '../../api/v1/updatepolicy.ts';
import { policyControls } from '../../policy/annotations.ts';
import { Progress } from '../../policy/progress.ts';
import { deriveStatus } from '../../policy/status.ts';
import type { DerivedStatus } from '../../policy/status.ts';
import { parseRfc3339, rfc3339 } from '../../runtime/clock.ts';
import { subjectOf } from '../events/recorder.ts';
import type { NewEvent } from '../events/recorder.ts';
import { mergePatch, sameJson } from '../kube/mergepatch.ts';
import type { PolicyPlan } from './planpolicy.ts';
import type { Snapshot } from './snapshot.ts';

/** What is only shown is written no more often than this. */
const SHOW_EVERY_MS = 30_000;
/** With several nodes in flight, what can wait is written together: ends that are no failure, and slots set free. */
const GATHER_MS = 2_000;
const MAX_HISTORY = 5;

type Rollout = NonNullable<UpdatePolicyStatus['rollout']>;
type History = NonNullable<UpdatePolicyStatus['history']>;

/** The status to be written as a merge patch, or when to look again; neither when nothing differs. */
export interface StatusChange {
  patch: Record<string, unknown> | undefined;
  wakeAtMs: number | undefined;
  /** What is said once it is written. */
  events: NewEvent[];
}

export function policyStatus(plan: PolicyPlan, snapshot: Snapshot): StatusChange {
  const { source, draft } = plan;
  const before = source.status ?? {};
  const derived = derive(plan, snapshot);
  const counted = { ...before, ...draft.status, ...derived };
  const status = { ...counted, ...rolloutAndHistory(counted, plan, snapshot.now) };
  const patch = mergePatch(before, status);
  if (patch === undefined || isEstimate(patch)) return { patch: undefined, wakeAtMs: undefined, events: [] };
  const written = snapshot.policyWritten(plan.state.uid) ?? Number.NEGATIVE_INFINITY;
  const dueMs = written + pauseMs(plan, isCondition(before, derived));
  if (dueMs > snapshot.now) return { patch: undefined, wakeAtMs: dueMs, events: [] };
  return { patch, wakeAtMs: undefined, events: turnedEvents(source, derived) };
}

/** Conditions whose turns are said by an Event of the policy, with the status that needs a person. */
const SAID: Readonly<Record<string, string | undefined>> = {
  Valid: 'False',
  Halted: 'True',
  UpToDate: undefined,
};

/** What turned, as Events: on the first look only what needs a person. */
function turnedEvents(source: UpdatePolicy, { conditions }: DerivedStatus): NewEvent[] {
  const regarding = subjectOf(UpdatePolicies, source);
  return conditions.flatMap(({ type, status, reason, message }) => {
    if (!Object.hasOwn(SAID, type)) return [];
    const before = source.status?.conditions?.find((condition) => condition.type === type)?.status;
    const isBad = status === SAID[type];
    if (before === status || (before === undefined && !isBad)) return [];
    return [{ regarding, type: isBad ? 'Warning' : 'Normal', reason, action: 'Observe', note: message }];
  });
}

/** The estimate moves with the time; it is written together with something that happened. */
function isEstimate(patch: Record<string, unknown>): boolean {
  const { rollout, ...rest } = patch;
  if (Object.keys(rest).length > 0 || typeof rollout !== 'object' || rollout === null) return false;
  return Object.keys(rollout).every((key) => key === 'estimatedCompletion');
}

/** How long after the last write the next one may come. */
function pauseMs({ draft, source }: PolicyPlan, isTurned: boolean): number {
  if (draft.isUrgent || isTurned) return 0;
  if (!draft.isChanged) return SHOW_EVERY_MS;
  return (source.status?.updating?.length ?? 0) > 1 ? GATHER_MS : 0;
}

/** A new generation and a condition that turns are written at once. */
function isCondition(before: UpdatePolicyStatus, derived: DerivedStatus): boolean {
  if (before.observedGeneration !== derived.observedGeneration) return true;
  return !sameJson(statuses(before.conditions), statuses(derived.conditions));
}

const statuses = (conditions: UpdatePolicyStatus['conditions']): unknown =>
  conditions?.map(({ type, status }) => [type, status]);

function derive(plan: PolicyPlan, { now, nodeOfShadow }: Snapshot): DerivedStatus {
  const { source, state, selected, budget, usedByOthers, draft, reasons, exact } = plan;
  const phases = new Map(draft.entries.map(({ shadowUid, phase }) => [nodeOfShadow(shadowUid), phase]));
  const progress = new Progress(policyControls(source.metadata.annotations, now).resumeAtMs);
  for (const node of selected) {
    const why = reasons.get(node.source);
    const words = why === undefined ? undefined : (exact.get(why.reason) ?? why);
    progress.add(node.shown, phases.get(node.source), words);
  }
  return deriveStatus({
    // What the plan has just counted stands before what was read.
    source: { ...source, status: { ...source.status, ...draft.status } },
    policy: state,
    progress,
    budget,
    usedByOthers,
  });
}

/** A rollout begins with its first slot and ends when nothing is left to be updated, or with another target. */
function rolloutAndHistory(
  status: UpdatePolicyStatus & DerivedStatus,
  { source, draft }: PolicyPlan,
  now: number,
): Pick<UpdatePolicyStatus, 'rollout' | 'history'> {
  const { rollout, nodes } = status;
  const history = status.history ?? [];
  const isUnderWay = draft.entries.length > 0;
  if (parseRfc3339(rollout.startedAt) === undefined)
    return { rollout: isUnderWay ? begin(rollout, now) : rollout, history };
  const targetBefore = source.status?.rollout?.targetVersion ?? undefined;
  if (isAnother(targetBefore, rollout.targetVersion ?? undefined)) {
    const result = isSet(status.halt) ? 'Halted' : 'Superseded';
    return {
      rollout: begin(rollout, isUnderWay ? now : undefined),
      history: record(history, { ...rollout, targetVersion: targetBefore ?? '' }, { result, now }),
    };
  }
  if (isUnderWay || nodes.pending + nodes.failed + nodes.undrainable > 0) return { rollout, history };
  return {
    rollout: begin(rollout, undefined),
    history: record(history, rollout, { result: 'Completed', now }),
  };
}

const isSet = (value: unknown): boolean => value !== null && value !== undefined;

const isAnother = (before: string | undefined, after: string | undefined): boolean =>
  before !== undefined && after !== undefined && before !== after;

const begin = (rollout: Rollout, atMs: number | undefined): Rollout => ({
  ...rollout,
  startedAt: atMs === undefined ? null : rfc3339(atMs),
  estimatedCompletion: null,
  failures: 0,
  updated: 0,
});

function record(
  history: History,
  rollout: Rollout,
  { result, now }: { result: History[number]['result']; now: number },
): History {
  const ended = {
    targetVersion: rollout.targetVersion ?? '',
    startedAt: rollout.startedAt ?? rfc3339(now),
    completedAt: rfc3339(now),
    result,
    updated: rollout.updated ?? 0,
    failed: rollout.failures ?? 0,
  };
  return [ended, ...history].slice(0, MAX_HISTORY);
}
