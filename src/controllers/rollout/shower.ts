/** Decides which reasons are shown on shadows now: on change only, brief steps left out, a bounded number a pass. */
import { IN_FLIGHT_FINALIZER } from '../../api/names.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { mayReleaseShadow } from '../../protocol/ledger.ts';
import { WRITES_AT_A_TIME } from '../kube/pool.ts';
import type { Action, NodeReason } from './actions.ts';
import { lastsMs, showReason } from './display.ts';
import type { RolloutPlan } from './plan.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';

/** Shadows written a pass for show alone, so that steps never wait long for it. */
const SHOWN_A_PASS = 200;
/** With so many steps to be written, nothing is for show alone: what kube-apiserver can take is theirs. */
const MANY_STEPS = WRITES_AT_A_TIME;

interface Subject {
  facts: NodeFacts;
  shadow: BottlerocketShadow;
  reason: NodeReason;
}

export class Shower {
  /** What is not shown yet, by UID of the shadow, and since when it holds. */
  readonly #pending = new Map<string, { text: string; sinceMs: number }>();

  /** The writes that show what a plan found out; those of shadows that are written anyway wait for the next pass. */
  show(snapshot: Snapshot, plan: RolloutPlan): { actions: Action[]; wakeAtMs: number | undefined } {
    const written = new Set<string>();
    for (const action of plan.actions)
      if (action.do === 'patchShadow') written.add(action.shadow.metadata.name);
    // Every one of them is seen in the copies a moment later, and that makes the next pass.
    if (written.size >= MANY_STEPS) return { actions: [], wakeAtMs: undefined };
    const actions: Action[] = [];
    let wakeAtMs: number | undefined;
    for (const facts of snapshot.nodes.values()) {
      const subject = this.#subject(facts, plan.reasons.get(facts));
      if (subject === undefined || !isWritable(subject, snapshot, written)) continue;
      const dueMs = this.#dueMs(subject, snapshot.now);
      if (dueMs > snapshot.now) wakeAtMs = Math.min(wakeAtMs ?? dueMs, dueMs);
      else if (actions.length >= SHOWN_A_PASS) return { actions, wakeAtMs: snapshot.now };
      else actions.push(...this.#write(subject, snapshot.now));
    }
    return { actions, wakeAtMs };
  }

  /** What is to be shown; undefined when it is, or nothing is. */
  #subject(facts: NodeFacts, reason: NodeReason | undefined): Subject | undefined {
    const { shadow } = facts;
    if (reason !== undefined && shadow !== undefined && !isShown(shadow, reason))
      return { facts, shadow, reason };
    if (this.#pending.size > 0) this.#pending.delete(shadow?.metadata.uid ?? '');
    return undefined;
  }

  /** When what holds now has lasted long enough to be shown. */
  #dueMs({ shadow, reason }: Subject, now: number): number {
    const uid = shadow.metadata.uid ?? '';
    const isSame = shadow.status?.update?.reason === reason.reason;
    const text = isSame ? `${reason.reason}: ${reason.message}` : reason.reason;
    let pending = this.#pending.get(uid);
    if (pending?.text !== text) {
      pending = { text, sinceMs: now };
      this.#pending.set(uid, pending);
    }
    return pending.sinceMs + lastsMs(shadow, reason);
  }

  #write({ facts, shadow, reason }: Subject, now: number): Action[] {
    this.#pending.delete(shadow.metadata.uid ?? '');
    const action = showReason({ node: facts.node, shadow }, reason, now);
    return action === undefined ? [] : [action];
  }
}

const isShown = ({ status }: BottlerocketShadow, { reason, message, phase }: NodeReason): boolean =>
  status?.update?.reason === reason &&
  status.update.message === message &&
  (status.update.phase ?? undefined) === phase;

const isWritable = ({ facts, shadow }: Subject, snapshot: Snapshot, written: ReadonlySet<string>): boolean =>
  snapshot.isFresh(facts.name) && !written.has(shadow.metadata.name) && !isReleased(shadow, snapshot);

/** Its finalizer is about to go: another write at the same moment would only make one of them fail. */
const isReleased = (shadow: BottlerocketShadow, { ledger }: Snapshot): boolean =>
  shadow.metadata.finalizers?.includes(IN_FLIGHT_FINALIZER) === true &&
  mayReleaseShadow(shadow, { hasEntry: ledger.has(shadow.metadata.uid ?? ''), isNodeGone: false });
