/**
 * Plans one policy: completes its ledger, takes every attempt one step further, and admits what may start. Pure.
 * Everything that changes the ledger goes into one patch, which is written before anything that depends on it.
 */
import { POLICY_FINALIZER, RESUME_ANNOTATION } from '../../api/names.ts';
import { END_COUNTS, WAIT_REASONS } from '../../api/reasons.ts';
import type { LedgerEntry, UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { budgetBlock, selectionBlock } from '../../policy/admission.ts';
import { policyControls } from '../../policy/annotations.ts';
import type { Block } from '../../policy/block.ts';
import { Budget, resolveLimit, unavailableNodes } from '../../policy/budget.ts';
import { continueBlock, endOf } from '../../policy/continue.ts';
import { policyState } from '../../policy/facts.ts';
import type { PolicyState } from '../../policy/facts.ts';
import { targetOf, windowOf } from '../../policy/gates.ts';
import { notAfter } from '../../policy/nodewindow.ts';
import { byName, candidateGroups } from '../../policy/order.ts';
import type { Gate } from '../../protocol/attempt.ts';
import { isHalted } from '../../protocol/ledger.ts';
import type { Reservation } from '../../protocol/ledger.ts';
import { cordonMarkOf } from '../../protocol/marks.ts';
import { attemptOf, isSettled, reportedState } from '../../protocol/states.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import type { Action, NodeReason } from './actions.ts';
import { advance } from './advance.ts';
import type { Advance, EntryContext, LedgerChange } from './advance.ts';
import { entryContext } from './entrycontext.ts';
import { LedgerDraft } from './ledgerdraft.ts';
import type { Fleet } from './fleet.ts';
import { nodeBlocks } from './nodeblocks.ts';
import type { NodeReasons } from './nodereasons.ts';
import { domainOf, policyNode } from './nodefacts.ts';
import type { PolicyNode, PolicyView } from './nodefacts.ts';
import type { AttemptFacts, Holder, PolicyFacts, Snapshot } from './snapshot.ts';

/** What was decided for one policy. */
export interface PolicyPlan {
  source: UpdatePolicy;
  state: PolicyState;
  draft: LedgerDraft;
  actions: Action[];
  /** Why nodes are where they are; a node on its way from one step to the next has none. */
  reasons: Pick<NodeReasons, 'get'>;
  /** By reason that is shown on nodes in general words: the words that name what keeps them now. */
  exact: ReadonlyMap<string, Block>;
  selected: readonly PolicyNode[];
  budget: Budget;
  usedByOthers: string[];
  wakeAtMs: number | undefined;
}

/** Reasons whose message names other nodes: it would change on every node whenever one of those does. */
const SHARED = new Set(['NoSlot', 'MaxUnavailable', 'TopologyLimit']);

export class PolicyPlanner {
  readonly #snapshot: Snapshot;
  readonly #facts: PolicyFacts;
  readonly #attempts: readonly AttemptFacts[];
  readonly #draft: LedgerDraft;
  readonly #state: PolicyState;
  readonly #view: PolicyView;
  readonly #selected: PolicyNode[];
  readonly #usedByOthers: string[];
  readonly #actions: Action[] = [];
  readonly #reasons: NodeReasons;
  readonly #holders: Fleet['holders'];
  readonly #exact = new Map<string, Block>();
  readonly #sharedBlocks = new Map<string, Block>();
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(
    snapshot: Snapshot,
    facts: PolicyFacts,
    { fleet, reasons }: { fleet: Fleet; reasons: NodeReasons },
  ) {
    this.#reasons = reasons;
    this.#holders = fleet.holders;
    const { now, isClockWrong } = snapshot;
    const { compiled } = facts;
    const { source } = compiled;
    this.#view = { now, policy: compiled, lastPodsOf: snapshot.lastPodsOf };
    const controls = policyControls(source.metadata.annotations, now);
    this.#snapshot = snapshot;
    this.#facts = facts;
    this.#attempts = snapshot.attempts.get(compiled.uid) ?? [];
    this.#draft = new LedgerDraft(source.status, now);
    const { halt } = this.#draft.status;
    this.#state = policyState(
      {
        ...compiled,
        errors: [...compiled.errors, ...controls.errors],
        halt: this.#isHalted() ? (halt ?? undefined) : undefined,
        clockWrong: isClockWrong,
      },
      now,
    );
    this.#selected = (fleet.won.get(compiled.uid) ?? []).map((node) => policyNode(node, this.#view));
    this.#usedByOthers = nodesOfOthers(compiled.uid, fleet);
    this.#wakeForWindow();
  }

  plan(): PolicyPlan {
    if (this.#facts.isFresh) {
      if (!this.#isHalted()) this.#draft.resume();
      const missing = this.#attempts.filter(({ isInLedger }) => !isInLedger);
      this.#draft.adopt(missing.map(({ entry }) => entry));
      this.#advanceAll();
    }
    const budget = this.#budget(this.#draft.entries);
    this.#admit(budget);
    return {
      source: this.#facts.compiled.source,
      state: this.#state,
      draft: this.#draft,
      actions: this.#actions,
      reasons: this.#reasons,
      exact: this.#exact,
      selected: this.#selected,
      budget,
      usedByOthers: this.#usedByOthers,
      wakeAtMs: Number.isFinite(this.#wakeAtMs) ? this.#wakeAtMs : undefined,
    };
  }

  #isHalted(): boolean {
    const { annotations } = this.#facts.compiled.source.metadata;
    const resume = annotations?.[RESUME_ANNOTATION];
    return isHalted(this.#draft.status.halt, resume, this.#snapshot.now);
  }

  #wake(atMs: number | undefined): void {
    if (atMs !== undefined && atMs > this.#snapshot.now) this.#wakeAtMs = Math.min(this.#wakeAtMs, atMs);
  }

  #wakeForWindow(): void {
    const { window, effective } = this.#state;
    if (window === undefined) return;
    this.#wake(window.nextChange);
    if (window.closesAt !== undefined) this.#wake(window.closesAt - effective.minRemainingMs);
  }

  #budget(ledger: readonly LedgerEntry[]): Budget {
    const { effective, errors } = this.#state;
    const isReadable = errors.length === 0;
    const total = this.#selected.length;
    const { maxUnavailable, topology } = effective;
    const isLimited = isReadable && maxUnavailable !== null;
    return new Budget({
      limit: isReadable ? resolveLimit(effective.maxConcurrentUpdates, total) : 0,
      maxUnavailable: isLimited ? resolveLimit(maxUnavailable, total) : Number.POSITIVE_INFINITY,
      topology,
      ledger,
      usedByOthers: this.#usedByOthers,
      unavailable: isLimited ? unavailableNodes(this.#selected) : new Set(),
      domainOf: (name) => {
        const facts = this.#snapshot.nodes.get(name);
        return facts === undefined ? undefined : domainOf(facts.node, topology?.key);
      },
    });
  }

  // ---- attempts under way --------------------------------------------------------------------------------

  #advanceAll(): void {
    if (this.#attempts.length === 0) return;
    const budget = this.#budget(this.#draft.entries);
    for (const attempt of this.#attempts) {
      if (attempt.isInLedger) this.#advance(attempt, budget);
    }
  }

  #advance(attempt: AttemptFacts, budget: Budget): void {
    const { entry, lookups, isFresh } = attempt;
    if (!isFresh) return;
    if (lookups.length > 0) {
      this.#actions.push(...lookups.map((lookup) => ({ do: 'lookUp', lookup }) as const));
      this.#wake(this.#snapshot.now + LOOKUP_AGAIN_MS);
      return;
    }
    const held = this.#waitsForList(attempt);
    if (held) return;
    const context = this.#context(attempt, budget);
    if (context.view.gate !== undefined) budget.putBack(entry.node, attempt.facts?.isReady !== true);
    this.#take(attempt, advance(context));
  }

  #take(attempt: AttemptFacts, { action, ledger, reason, wakeAtMs }: Advance): void {
    const { entry, facts } = attempt;
    if (action !== undefined) this.#actions.push(action);
    const success = this.#successWithin(attempt, ledger);
    if (ledger !== undefined && success !== 'soon') this.#draft.apply(entry, ledger);
    if (success === 'over') this.#draft.apply(entry, REMOVE);
    if (reason !== undefined && facts !== undefined) this.#reasons.set(facts, reason);
    this.#wake(wakeAtMs);
  }

  /**
   * A success is counted and its slot freed in one write, once nothing is left to be put back; that takes moments, for
   * which the count waits. One that rests, or that something keeps, is counted by itself.
   */
  #successWithin(
    { shadow, facts }: AttemptFacts,
    ledger: LedgerChange | undefined,
  ): 'over' | 'soon' | undefined {
    if (ledger?.do !== 'count' || END_COUNTS[ledger.step.end] !== 'success') return undefined;
    if (this.#state.effective.intervalMs > 0 || shadow === undefined) return undefined;
    if (isSettled(shadow) && facts?.hasAttemptMarks === false) return 'over';
    const endedMs = parseRfc3339(shadow.spec.state_transition_timestamp) ?? 0;
    if (this.#snapshot.now >= endedMs + SETTLING_MS) return undefined;
    this.#wake(endedMs + SETTLING_MS);
    return 'soon';
  }

  /** Before the cordon the pods of `waitForPods` are looked for again, live. */
  #waitsForList({ entry, shadow, node }: AttemptFacts): boolean {
    const { waitForPods } = this.#facts.compiled;
    if (waitForPods === undefined || shadow === undefined || node === undefined) return false;
    const isBeforeCordon =
      entry.phase === 'Reserved' &&
      shadow.spec.state === 'StagedAndPerformedUpdate' &&
      reportedState(shadow) === 'StagedAndPerformedUpdate' &&
      cordonMarkOf(node, entry) === undefined;
    return isBeforeCordon && !this.#hasPods(entry.node);
  }

  /** Whether the pods of a node are known; orders a list when they are not. */
  #hasPods(node: string): boolean {
    if (this.#snapshot.podsOf(node) !== undefined) return true;
    const dueMs = this.#snapshot.podsDueMs(node);
    if (dueMs <= this.#snapshot.now) this.#actions.push({ do: 'lookForPods', node });
    else if (Number.isFinite(dueMs)) this.#wake(dueMs);
    return false;
  }

  #context(attempt: AttemptFacts, budget: Budget): EntryContext {
    const { facts } = attempt;
    const subject = facts === undefined ? undefined : policyNode(facts, this.#view);
    return entryContext(attempt, this.#snapshot, {
      policy: this.#facts.compiled,
      // Without its node nothing is begun any more.
      notAfterMs: subject === undefined ? this.#snapshot.now : this.#notAfterMs(subject),
      gate: subject === undefined ? undefined : this.#gate(attempt, subject, budget),
    });
  }

  #notAfterMs(node: PolicyNode): number | undefined {
    return notAfter(windowOf(this.#state, node), this.#state.effective.onClose);
  }

  #gate({ entry, shadow }: AttemptFacts, node: PolicyNode, budget: Budget): Gate | undefined {
    if (entry.phase !== 'Reserved') return undefined;
    const hasStarted = shadow !== undefined && attemptOf(shadow) >= entry.attempt;
    const found = continueBlock({ policy: this.#state, node, budget, target: entry.version, hasStarted });
    return found === undefined ? undefined : { reason: endOf(found.reason), message: found.message };
  }

  // ---- admission -----------------------------------------------------------------------------------------

  #admit(budget: Budget): void {
    const candidates: PolicyNode[] = [];
    const blockOf = nodeBlocks(this.#state, budget);
    for (const node of this.#selected) {
      const holder = this.#holders.get(node.source);
      if (holder?.policyUid === this.#state.uid) continue;
      const found = ownerBlock(node, holder) ?? blockOf(node);
      if (found === undefined) candidates.push(node);
      else this.#blocked(node, found);
      // Whether such a pod still runs is asked again only when the node could start.
      if (found?.reason === 'WaitForPods' && budget.slot() === undefined) this.#hasPods(node.name);
    }
    if (candidates.length > 0) this.#start(candidates, budget);
  }

  #blocked(node: PolicyNode, found: Block): void {
    const { source } = node;
    // What the policy that owns the node says of its attempt stands before this.
    if (found.reason === 'OwnedByOther' && this.#reasons.get(source) !== undefined) return;
    this.#reasons.set(source, SHARED.has(found.reason) ? this.#shared(found) : found);
    if (found.reason === 'Backoff') this.#wake(node.shadow?.backoff?.untilMs);
    this.#wake(node.controls.runNowUntilMs);
  }

  /** A text that is the same for every node for as long as the reason is. */
  #shared(found: Block): Block {
    const { reason } = found;
    this.#exact.set(reason, found);
    let block = this.#sharedBlocks.get(reason);
    if (block === undefined) {
      const { means, remedy } = WAIT_REASONS[reason];
      const policy = this.#state.name;
      block = { reason, message: `${means} The status of UpdatePolicy ${policy} says which. ${remedy}` };
      this.#sharedBlocks.set(reason, block);
    }
    return block;
  }

  #start(candidates: readonly PolicyNode[], budget: Budget): void {
    const mayReserve = this.#mayReserve();
    const isFull = (): boolean => budget.slot() !== undefined;
    const reservations: Reservation[] = [];
    // Which of the candidates comes first does not matter once none can start.
    for (const group of isFull() ? [candidates] : candidateGroups(candidates)) {
      for (const node of isFull() ? group : byName(group)) {
        const reservation = this.#reservation(node, budget, mayReserve);
        if (reservation === undefined) continue;
        reservations.push(reservation);
        budget.take(node.name);
      }
    }
    this.#reserve(reservations);
  }

  /** The slot a candidate gets; when it gets none for a reason that is shown, that is noted. */
  #reservation(node: PolicyNode, budget: Budget, mayReserve: boolean): Reservation | undefined {
    const found = budget.slot() ?? budgetBlock({ policy: this.#state, node, budget });
    if (found !== undefined) {
      this.#blocked(node, found);
      return undefined;
    }
    const { shadow, node: source } = node.source;
    if (this.#snapshot.sightSinceMs === undefined) {
      this.#reasons.set(node.source, BLIND);
      return undefined;
    }
    const version = targetOf(this.#state, node);
    if (shadow === undefined || version === undefined) return undefined;
    if (!mayReserve || !this.#mayStart(node.name, shadow)) return undefined;
    return { node: node.name, uid: source.metadata.uid ?? '', shadow, version };
  }

  /** What is no matter of single nodes: that all we know of the policy is newer than what we wrote, and no halt. */
  #mayReserve(): boolean {
    const isComplete = this.#attempts.every(({ isInLedger }) => isInLedger);
    return isComplete && this.#facts.isFresh && !this.#isHalted();
  }

  /** The same for a node. */
  #mayStart(name: string, shadow: BottlerocketShadow): boolean {
    return (
      this.#snapshot.isFresh(name) &&
      shadow.metadata.deletionTimestamp === undefined &&
      isSettled(shadow) &&
      (this.#facts.compiled.waitForPods === undefined || this.#hasPods(name))
    );
  }

  /** The policy's finalizer is written before its first slot. */
  #reserve(reservations: readonly Reservation[]): void {
    if (reservations.length === 0) return;
    const { source } = this.#facts.compiled;
    const finalizers = source.metadata.finalizers ?? [];
    if (finalizers.includes(POLICY_FINALIZER)) {
      this.#draft.reserve(reservations);
      return;
    }
    const { resourceVersion } = source.metadata;
    const patch = { metadata: { resourceVersion, finalizers: [...finalizers, POLICY_FINALIZER] } };
    this.#actions.push({ do: 'patchPolicy', policy: source, patch, why: 'Holding a policy' });
  }
}

/** Nodes that a policy wins and another one is still updating. */
function nodesOfOthers(policyUid: string, { holders }: Fleet): string[] {
  const names: string[] = [];
  for (const [{ name, selection }, holder] of holders) {
    const isWon = selection.kind === 'won' && selection.policy.uid === policyUid;
    if (isWon && holder.policyUid !== policyUid) names.push(name);
  }
  return names;
}

/** The node is this policy's, but perhaps another one is still at it. */
const ownerBlock = ({ source }: PolicyNode, holder: Holder | undefined): Block | undefined =>
  holder === undefined
    ? undefined
    : selectionBlock(source.selection, { uid: holder.policyUid, name: holder.policyName });

const BLIND: NodeReason = {
  reason: 'AgentNotReporting',
  message: 'No API server that agents could report to is Ready, or the cluster cannot be seen.',
};

const REMOVE = { do: 'remove' } as const;
/** So long a host takes at most to report Idle after a success. */
const SETTLING_MS = 30_000;

/** A look-up that failed is made again after so long. */
const LOOKUP_AGAIN_MS = 2_000;
