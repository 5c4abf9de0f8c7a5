/** When a rollout will be done, from its pace so far and the windows. */
import type { CompiledWindows } from './windows.ts';

export interface Pace {
  readonly now: number;
  /** When the first node of the rollout started. */
  readonly startedAtMs: number;
  /** Nodes updated since then. */
  readonly updated: number;
  /** Nodes still to be updated. */
  readonly pending: number;
}

/** A rollout that would take longer is not estimated. */
const HORIZON_MS = 2 * 366 * 86_400_000;
/** No further back than this is looked for the pace. */
const LOOK_BACK_MS = 90 * 86_400_000;
/** Estimates are rounded up to this, so that status does not change with every look. */
const STEP_MS = 600_000;

/**
 * The instant at which enough open time will have passed for the nodes that are left, each taking as much of it as
 * those before on average. Rounded up to ten minutes. Undefined when nothing is left, no node has been updated yet, or
 * the windows do not allow for it within two years.
 */
export function estimateCompletion(windows: CompiledWindows, pace: Pace): number | undefined {
  const { now, updated, pending } = pace;
  const from = Math.max(pace.startedAtMs, now - LOOK_BACK_MS);
  if (pending <= 0 || updated <= 0 || from >= now) return undefined;
  const spentMs = windows.availability(from, now).reduce((total, { start, end }) => total + end - start, 0);
  // A node may finish after the close; then the time that passed is the best there is.
  let neededMs = ((spentMs > 0 ? spentMs : now - from) / updated) * pending;
  for (const { start, end } of windows.openFrom(now)) {
    if (start > now + HORIZON_MS) return undefined;
    if (end - start >= neededMs) {
      const done = Math.ceil((start + neededMs) / STEP_MS) * STEP_MS;
      return done > now + HORIZON_MS ? undefined : done;
    }
    neededMs -= end - start;
  }
  return undefined;
}
