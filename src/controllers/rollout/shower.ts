/** Decides which reasons are shown on shadows now: on change only, brief steps left out, a bounded number a pass. */
import { shadowName } from '../../api/names.ts';
import type { Action, NodeReason } from './actions.ts';
import { BRIEF_MS, showReason } from './display.ts';
import type { RolloutPlan } from './plan.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';

/** Shadows written a pass for show alone, so that steps never wait long for it. */
const SHOWN_A_PASS = 200;

export class Shower {
  /** Reasons that are not shown yet, by UID of the shadow, and since when they hold. */
  readonly #pending = new Map<string, { reason: string; sinceMs: number }>();

  /** The writes that show what a plan found out; those of shadows it writes anyway wait for the next pass. */
  show(snapshot: Snapshot, plan: RolloutPlan): { actions: Action[]; wakeAtMs: number | undefined } {
    const written = new Set<string>();
    for (const action of plan.actions)
      if (action.do === 'patchShadow') written.add(action.shadow.metadata.name);
    const actions: Action[] = [];
    let wakeAtMs: number | undefined;
    for (const facts of snapshot.nodes.values()) {
      const reason = plan.reasons.get(facts.name);
      const { shadow } = facts;
      if (reason === undefined || shadow === undefined || !snapshot.isFresh(facts.name)) continue;
      if (written.has(shadowName(facts.name))) continue;
      const action = this.#show(snapshot, { facts, shadow, reason });
      if (action === undefined) continue;
      if (typeof action === 'number') wakeAtMs = Math.min(wakeAtMs ?? action, action);
      else if (actions.length < SHOWN_A_PASS) actions.push(action);
      else return { actions, wakeAtMs: snapshot.now };
    }
    return { actions, wakeAtMs };
  }

  /** @returns the write, or when to look again. */
  #show(
    snapshot: Snapshot,
    {
      facts,
      shadow,
      reason,
    }: { facts: NodeFacts; shadow: NonNullable<NodeFacts['shadow']>; reason: NodeReason },
  ): Action | number | undefined {
    const uid = shadow.metadata.uid ?? '';
    const update = shadow.status?.update;
    const isShown = update?.reason === reason.reason && update.message === reason.message;
    if (isShown) {
      this.#pending.delete(uid);
      return undefined;
    }
    let pending = this.#pending.get(uid);
    if (pending?.reason !== reason.reason) {
      pending = { reason: reason.reason, sinceMs: snapshot.now };
      this.#pending.set(uid, pending);
    }
    const action = showReason({
      node: facts.node,
      shadow,
      reason,
      now: snapshot.now,
      last: snapshot.shown(uid),
      pendingSinceMs: pending.sinceMs,
    });
    if (action !== undefined) return action;
    const lastMs = snapshot.shown(uid)?.atMs ?? 0;
    return Math.max(pending.sinceMs, lastMs) + BRIEF_MS;
  }
}
