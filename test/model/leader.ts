/**
 * A controller in the model: it reads everything, asks `nextStep`, and delivers the write at some later moment. The
 * write is refused when the object it is for has changed since; everything else it was decided on may have changed.
 */
import { END_COUNTS } from '../../src/api/reasons.ts';
import type { EndReason } from '../../src/api/reasons.ts';
import type { BottlerocketShadow } from '../../src/api/v2/bottlerocketshadow.ts';
import { nextStep } from '../../src/protocol/attempt.ts';
import type { AttemptStep, AttemptView, Gate } from '../../src/protocol/attempt.ts';
import { mayReleaseShadow } from '../../src/protocol/ledger.ts';
import { isAttemptMark, undoMarks, undoStrayMarks } from '../../src/protocol/marks.ts';
import { orphanStep } from '../../src/protocol/orphan.ts';
import { isSettled } from '../../src/protocol/states.ts';
import { LIMITS, NOW, entryObject, nodeObject, policyRef, shadowObject } from './objects.ts';
import { Violation } from './rules.ts';
import type { Rules, Scenario } from './rules.ts';
import { withNode } from './world.ts';
import type { Effect, Entry, KubeNode, Member, Pending, Policy, Shadow, World } from './world.ts';

/** Something a leader may decide: a write that becomes pending, or (evictions) something that happens at once. */
export interface Decision {
  /** "#" stands for the number of the node. */
  label: string;
  pending?: Pending;
  effect?: Effect;
}

/** One policy and one of its nodes, and the window: what the steps of an entry are decided on. */
export interface Case {
  scenario: Scenario;
  window: World['window'];
  policy: Policy;
  index: number;
  n: number;
  m: Member;
}

/** Nothing may be taken from a node: a blackout, or the window is closed and `onClose` does not let it finish. */
export const isClosed = (window: World['window'], { onClose }: Scenario): boolean =>
  window === 'blackout' || (window === 'closed' && onClose !== 'Finish');

/** The Node as controllers see it. */
const seen = (m: Member): KubeNode => m.stale ?? m.node;

/** The chain of admission, as far as the model has it: what is evaluated again before each step. */
function gateOf(c: Case, entry: Entry, shadow: Shadow | null): Gate | undefined {
  const { scenario, policy, m } = c;
  const hasStarted = shadow !== null && shadow.attempt >= entry.attempt;
  if (hasStarted && !scenario.rules.gateAgain) return undefined;
  const mayFinish = scenario.onClose === 'Finish' && (hasStarted || !scenario.rules.startInWindow);
  const closed = windowGate(c, mayFinish);
  if (closed !== undefined) return closed;
  if (policy.halted) return { reason: 'Superseded', message: 'halted' };
  return isCordonedByOthers(seen(m), entry) ? { reason: 'Superseded', message: 'cordoned' } : undefined;
}

function windowGate({ policy, window }: Case, mayFinish: boolean): Gate | undefined {
  if (policy.paused && !mayFinish) return { reason: 'Paused', message: '' };
  if (window === 'blackout') return { reason: 'Blackout', message: '' };
  return window === 'closed' && !mayFinish ? { reason: 'WindowClosed', message: '' } : undefined;
}

const isCordonedByOthers = ({ mark, unschedulable }: KubeNode, entry: Entry): boolean =>
  unschedulable && (mark?.attempt !== entry.attempt || mark.uid !== entry.shadowUid);

function viewOf(c: Case, entry: Entry): AttemptView {
  const { scenario, policy, index, m } = c;
  const { rules } = scenario;
  const shadow = m.shadow?.uid === entry.shadowUid ? m.shadow : null;
  const node = seen(m);
  const isWell = m.host.up && m.node.boot === m.host.boot && shadow?.reported === 'M';
  const isNodeThere = !node.gone && node.uid === entry.nodeUid;
  return {
    now: NOW + (rules.deadlineGrace ? 0 : 120_000),
    entry: entryObject(entry, shadow),
    policy: { ...LIMITS, ...policyRef(index), ending: policy.deleting || policy.gone },
    shadow: shadow === null ? undefined : shadowObject(asOwned(shadow, index, scenario)),
    node: isNodeThere ? nodeObject(rules.markOwner ? node : asMarked(node, entry)) : undefined,
    gate: gateOf(c, entry, shadow),
    drain: { listedAtMs: NOW, evictable: m.node.pods },
    health: isWell ? { healthySinceMs: NOW - 3_600_000, message: '' } : { message: 'not well' },
    sightSinceMs: shadow?.unseen ? NOW - 10_000 : 0,
  };
}

/** Without the rule a cordon of ours is taken for this attempt's, whoever set it. */
const asMarked = (node: KubeNode, entry: Entry): KubeNode =>
  node.mark === null
    ? node
    : { ...node, mark: { ...node.mark, uid: entry.shadowUid, attempt: entry.attempt } };

/** Without the rule a shadow is taken for this policy's, whichever started it. */
const asOwned = (shadow: Shadow, index: number, { rules }: Scenario): Shadow =>
  rules.ownShadow || shadow.owner === null ? shadow : { ...shadow, owner: index };

const TARGETS: Partial<Record<AttemptStep['do'], Pending['target']>> = {
  start: 'shadow',
  reboot: 'shadow',
  monitor: 'shadow',
  fence: 'shadow',
  extendSpec: 'shadow',
  backoff: 'shadow',
  cordon: 'node',
  undo: 'node',
  release: 'node',
  count: 'policy',
  extendEntry: 'policy',
  remove: 'policy',
};

/** What is decided for the entries of one policy on one node. */
export function entryDecisions(c: Case): Decision[] {
  const found: Decision[] = [];
  for (const entry of c.policy.entries) {
    if (entry.node === c.n) found.push(...decided(c, entry, stepOf(c, entry)));
  }
  const { shadow } = c.m;
  if (c.policy.gone && shadow !== null && shadow.state !== 0 && shadow.owner === c.index) {
    const entry = entryFor(c, shadow, shadow.attempt);
    found.push(...decided(c, entry, orphanStep(viewOf(c, entry))));
  }
  return found;
}

const entryFor = ({ n, m }: Pick<Case, 'n' | 'm'>, shadow: Shadow, attempt: number): Entry => ({
  node: n,
  nodeUid: m.node.uid,
  shadowUid: shadow.uid,
  attempt,
  phase: 'Reserved',
  reason: null,
  extended: 'no',
  overdue: false,
});

function decided(c: Case, entry: Entry, step: AttemptStep): Decision[] {
  checkDecision(c, step);
  if (step.do === 'evict') return [{ label: 'evict n#', effect: { m: withNode(c.m, { pods: 0 }) } }];
  const target = TARGETS[step.do];
  if (target === undefined || (target === 'node' && !isWritten(c, entry, step.do))) return [];
  const end = 'end' in step ? step.end : null;
  const pending = pendingOf(c, {
    node: c.n,
    target,
    step: step.do === 'undo' && !c.scenario.rules.markOwner ? 'undoAll' : step.do,
    uid: entry.shadowUid,
    attempt: entry.attempt,
    end,
    lost: step.do === 'count' && step.lost === true,
  });
  const decision = { label: `decides ${step.do}${end === null ? '' : ` ${end}`} n#`, pending };
  if (step.do !== 'count' || end !== 'Updated' || !isPutBack(c.m)) return [decision];
  return [decision, { label: 'decides to conclude n#', pending: { ...pending, step: 'conclude' } }];
}

/** Nothing of a success is left to be put back: it may be counted and its slot freed in one write. */
const isPutBack = ({ shadow, node, stale }: Member): boolean =>
  shadow !== null && isSettled(shadowObject(shadow)) && (stale ?? node).mark === null;

/** A Node that has changed since it was read is not written; what is not there to undo is not written either. */
const isWritten = ({ m, scenario }: Case, entry: Entry, step: AttemptStep['do']): boolean =>
  m.stale === null && (step !== 'undo' || !scenario.rules.markOwner || !isNothingToUndo(m.node, entry));

function checkDecision({ window, scenario, m }: Case, step: AttemptStep): void {
  const isTaking = step.do === 'evict' || step.do === 'cordon';
  if (isTaking && isClosed(window, scenario)) throw new Violation(2, `${step.do} outside the window`);
  if (step.do === 'start' && window !== 'open') throw new Violation(2, 'started outside the window');
  checkBlame(m, step);
}

/** A window that closed is no fault of the node. */
function checkBlame({ shadow }: Member, step: AttemptStep): void {
  const isBlamed = step.do === 'fence' && step.end === 'NotArmed' && shadow?.reported !== 'E';
  if (isBlamed && shadow?.state === 2 && shadow.notAfter === 'passed')
    throw new Violation(6, 'a closed window is counted against the node');
}

const isNothingToUndo = (node: KubeNode, entry: Entry): boolean =>
  undoMarks(nodeObject(node), isAttemptMark, {
    shadowUid: `s${entry.shadowUid}`,
    attempt: entry.attempt,
  }) === undefined;

const pendingOf = (
  { index, window, scenario, m }: Case,
  write: Pick<Pending, 'node' | 'target' | 'step' | 'uid' | 'attempt'> & Partial<Pending>,
): Pending => ({
  policy: index,
  node: write.node,
  target: write.target,
  step: write.step,
  uid: write.uid,
  attempt: write.attempt,
  end: write.end ?? null,
  lost: write.lost ?? false,
  notAfter: isClosed(window, scenario) ? 'passed' : 'ahead',
  touched: m.stale !== null,
});

/** `nextStep`, with the sentence under test left out. */
function stepOf(c: Case, entry: Entry): AttemptStep {
  const view = viewOf(c, entry);
  const step = nextStep(view);
  return withoutRule(c.scenario, { entry, view, step }) ?? step;
}

function withoutRule({ rules }: Scenario, left: Left): AttemptStep | undefined {
  for (const [rule, other] of Object.entries(LEFT_OUT) as [keyof Rules, LeaveOut][]) {
    const step = rules[rule] ? undefined : other(left);
    if (step !== undefined) return step;
  }
  return undefined;
}

interface Left {
  entry: Entry;
  view: AttemptView;
  step: AttemptStep;
}
type LeaveOut = (left: Left) => AttemptStep | undefined;

/** What is done instead when a rule is left out. */
const LEFT_OUT: Partial<Record<keyof Rules, LeaveOut>> = {
  // Seen, but not written down; with an open intent nothing could be put back anyway.
  release: ({ view, step }) =>
    step.do === 'release' && view.shadow?.status?.host?.rebootIntent === null
      ? fence('Interfered')
      : undefined,
  raiseAttempt: ({ entry, view, step }) =>
    step.do === 'fence' && (view.shadow?.spec.attempt ?? 0) < entry.attempt ? { do: 'remove' } : undefined,
  lostKeepsSpec: ({ step }) =>
    step.do === 'wait' && step.reason === 'RebootLost' ? fence('RebootTimeout') : undefined,
  failureFirst: ({ view, step }) =>
    step.do === 'count' && view.shadow?.spec.state !== 'Idle' && END_COUNTS[step.end] === 'failure'
      ? fence(step.end)
      : undefined,
};

const fence = (end: EndReason): AttemptStep => ({ do: 'fence', end, message: '', deadlineMs: 0 });

/** What admission and the keepers of Nodes and shadows ask of a member alone. */
export interface Fitness {
  /** Not Idle: which policy has to have it in its ledger. */
  flies: number | undefined;
  isIdle: boolean;
  isFit: boolean;
}

export function fitnessOf(m: Member, { rules, maxAttempts }: Scenario): Fitness {
  const { shadow: s, node } = m;
  if (s === null) return { flies: undefined, isIdle: false, isFit: false };
  const isFresh = s.version === 'old' && s.attempt < maxAttempts;
  return {
    flies: s.state === 0 || s.owner === null ? undefined : s.owner,
    isIdle: rules.settledOnly ? isSettled(shadowObject(s)) : s.state === 0 && s.reported !== null,
    isFit: isFresh && !s.deleting && !node.gone && isFree(m, rules),
  };
}

/** Nobody else has cordoned the node, or has an update ready on its host. */
function isFree(m: Member, rules: Rules): boolean {
  const { unschedulable, mark } = seen(m);
  const isClean = !unschedulable || (!rules.cleanNode && mark?.was === false);
  return isClean && (m.shadow?.update !== 'Ready' || !rules.armedByOthers);
}

/** Ledgers, as admission sees them. */
const hasEntry = (w: World, n: number, uid: number | undefined): boolean =>
  w.policies.some((p) => p.entries.some((e) => e.node === n && (uid === undefined || e.shadowUid === uid)));

/** Admission: what may be added to a ledger. */
export function admissions(w: World, c: Case, fitness: (n: number) => Fitness): Decision[] {
  const { scenario, policy, index, n, m } = c;
  const s = m.shadow;
  if (s === null || policy.gone || policy.entries.some((e) => e.node === n && e.shadowUid === s.uid))
    return [];
  const write = { node: n, target: 'policy', uid: s.uid } as const;
  if (fitness(n).flies === index) {
    const pending = pendingOf(c, { ...write, step: 'adopt', attempt: s.attempt });
    return scenario.rules.completion ? [{ label: 'decides adopt n#', pending }] : [];
  }
  if (!maySlot(w, c) || !mayStart(w, c, fitness)) return [];
  const pending = pendingOf(c, { ...write, step: 'reserve', attempt: s.attempt + 1 });
  return [{ label: 'decides reserve n#', pending }];
}

/** The policy may start something. */
function maySlot(w: World, { policy, scenario }: Case): boolean {
  const used = policy.entries.reduce((sum, e) => sum + (e.phase === 'Lost' ? 0 : 1), 0);
  const isActive = !policy.paused && !policy.halted && !policy.deleting;
  return w.window === 'open' && isActive && used < scenario.limit;
}

/** This node may be started by this policy. */
function mayStart(w: World, { index, n, m, scenario }: Case, fitness: (n: number) => Fitness): boolean {
  const { isIdle, isFit } = fitness(n);
  const isWinner = seen(m).winner === index && !hasEntry(w, n, m.shadow?.uid);
  return isIdle && isFit && isWinner && (!scenario.rules.completion || isComplete(w, index, fitness));
}

const isComplete = (w: World, index: number, fitness: (n: number) => Fitness): boolean =>
  w.members.every(
    (_, n) => fitness(n).flies !== index || w.policies[index]!.entries.some((e) => e.node === n),
  );

/** Stray marks are undone, and the finalizer of a shadow goes. */
export function keeping(w: World, c: Case): Decision[] {
  const { n, m } = c;
  if (m.node.mark === null && m.shadow?.deleting !== true) return [];
  const shadow = m.shadow === null ? undefined : shadowObject(m.shadow);
  const facts = { shadow, hasEntry: hasEntry(w, n, m.shadow?.uid) };
  return [...sweep(c, facts), ...release(c, facts)];
}

interface Kept {
  shadow: BottlerocketShadow | undefined;
  hasEntry: boolean;
}

function sweep(c: Case, facts: Kept): Decision[] {
  if (!isStray(c, facts)) return [];
  const { shadow: s } = c.m;
  const limit = { uid: s?.uid ?? 0, attempt: s?.attempt ?? 0 };
  const pending = pendingOf(c, { node: c.n, target: 'node', step: 'sweep', ...limit });
  return [{ label: 'decides to sweep n#', pending }];
}

function release(c: Case, { shadow, hasEntry: isHeld }: Kept): Decision[] {
  const { shadow: s, node } = c.m;
  const facts = { hasEntry: isHeld, isNodeGone: node.gone || node.uid !== 1 };
  if (s?.deleting !== true || shadow === undefined || !mayReleaseShadow(shadow, facts)) return [];
  const pending = pendingOf(c, { node: c.n, target: 'shadow', step: 'finalize', uid: s.uid, attempt: 0 });
  return [{ label: 'decides to release the shadow of n#', pending }];
}

const isStray = ({ m, scenario }: Case, facts: Kept): boolean =>
  scenario.rules.sweep &&
  !m.node.gone &&
  m.stale === null &&
  undoStrayMarks(nodeObject(m.node), facts) !== undefined;
