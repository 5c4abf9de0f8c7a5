/** Where the time of a rollout went, one node at a time. */
import type { EventKind } from './events.ts';
import { attemptsOf, type Attempt } from './attempts.ts';
import type { Timeline } from './timeline.ts';

/** Milliseconds of an average node. */
export interface RolloutCosts {
  /** From the beginning of the rollout, or the end of the node before, to its own end. */
  totalMs: number;
  /** Pods that were told to go, until the last of them had gone. */
  leavingMs: number;
  /** From the request to reboot until its kubelet reported the new boot. */
  rebootMs: number;
  /** What is left: the operator's own, and what the caller knows of besides. */
  restMs: number;
}

const at = ({ marks }: Attempt, kind: EventKind): number | undefined =>
  marks.find((mark) => mark.kind === kind)?.atMs;

const lastAt = ({ marks }: Attempt, kind: EventKind): number | undefined =>
  marks.findLast((mark) => mark.kind === kind)?.atMs;

/** Nothing for what did not happen. */
const between = (from: number | undefined, to: number | undefined): number =>
  from === undefined || to === undefined ? 0 : Math.max(0, to - from);

const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of the attempts that succeeded, which were taken one at a time. @param beginMs of the rollout */
export function rolloutCosts(timeline: Timeline, beginMs: number): RolloutCosts {
  const done = attemptsOf(timeline).filter((attempt) => at(attempt, 'updated') !== undefined);
  const endMs = Math.max(beginMs, ...done.map((attempt) => at(attempt, 'updated') ?? beginMs));
  const totalMs = done.length === 0 ? 0 : (endMs - beginMs) / done.length;
  const leavingMs = average(done.map((each) => between(at(each, 'drainStarted'), lastAt(each, 'podGone'))));
  const rebootMs = average(done.map((each) => between(at(each, 'rebootRequested'), at(each, 'booted'))));
  return { totalMs, leavingMs, rebootMs, restMs: totalMs - leavingMs - rebootMs };
}
