/**
 * A controller in the model: it reads everything, asks `nextStep`, and delivers the write at some later moment. The
 * write is refused when the object it is for has changed since; everything else it was decided on may have changed.
 */
import { END_COUNTS } from '../../src/api/reasons.ts';
import type { EndReason } from '../../src/api/reasons.ts';
import { nextStep } from '../../src/protocol/attempt.ts';
import type { AttemptStep, AttemptView, Gate } from '../../src/protocol/attempt.ts';
import { mayReleaseShadow } from '../../src/protocol/ledger.ts';
import { undoStrayMarks } from '../../src/protocol/marks.ts';
import { isSettled } from '../../src/protocol/states.ts';
import { NOW, POLICY, entryObject, nodeObject, shadowObject } from './objects.ts';
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import { editShadow, nodeChanged, policyChanged } from './world.ts';
import type { Entry, KubeNode, Member, Pending, World } from './world.ts';

const used = (w: World): number => w.entries.filter((e) => e.phase !== 'Lost').length;

/** The chain of admission, as far as the model has it: what is evaluated again before each step. */
function gateOf(w: World, m: Member, entry: Entry): Gate | undefined {
  if (w.paused) return { reason: 'Paused', message: '' };
  if (!w.windowOpen) return { reason: 'WindowClosed', message: '' };
  if (w.halted) return { reason: 'Superseded', message: 'halted' };
  const isOurs =
    m.node.mark !== null && m.node.mark.attempt === entry.attempt && m.node.mark.uid === entry.shadowUid;
  return m.node.unschedulable && !isOurs ? { reason: 'Superseded', message: 'cordoned' } : undefined;
}

export function viewOf(w: World, entry: Entry, scenario: Scenario): AttemptView {
  const m = w.members[entry.node]!;
  const shadow = m.shadow !== null && m.shadow.uid === entry.shadowUid ? m.shadow : null;
  const isWell = m.host.up && m.node.boot === m.host.boot && shadow?.reported === 'M';
  const gate = scenario.rules.gateAgain || shadow?.state === 0 ? gateOf(w, m, entry) : undefined;
  const isNodeThere = !m.node.gone && (shadow !== null || m.shadow === null);
  const node = isNodeThere ? nodeObject(scenario.rules.markOwner ? m.node : asOwn(m.node, entry)) : undefined;
  return {
    now: NOW + (scenario.rules.deadlineGrace ? 0 : 120_000),
    entry: entryObject(entry, shadow),
    policy: { ...POLICY, ending: w.policyDeleting },
    shadow: shadow === null ? undefined : shadowObject(shadow),
    node,
    gate,
    drain: { listedAtMs: NOW, evictable: m.node.pods },
    health: isWell ? { healthySinceMs: NOW - 3_600_000, message: '' } : { message: 'not well' },
    sightSinceMs: shadow?.unseen ? NOW - 10_000 : 0,
  };
}

/** Without the rule a cordon of ours is taken for this attempt's, whoever set it. */
const asOwn = (node: KubeNode, entry: Entry): KubeNode =>
  node.mark === null
    ? node
    : { ...node, mark: { ...node.mark, uid: entry.shadowUid, attempt: entry.attempt } };

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

/** What a leader may decide now; each becomes a pending write, or (for evictions) happens at once. */
export function decisions(
  w: World,
  scenario: Scenario,
): { label: string; pending?: Pending; evict?: number }[] {
  const found: { label: string; pending?: Pending; evict?: number }[] = [];
  for (const entry of w.entries) {
    const step = applyRules(w, entry, scenario);
    if (!w.windowOpen && (step.do === 'evict' || step.do === 'cordon'))
      throw new Violation(2, `${step.do} outside the window`);
    if (step.do === 'evict') found.push({ label: `evict n${entry.node}`, evict: entry.node });
    const target = TARGETS[step.do];
    if (target === undefined) continue;
    const end = 'end' in step ? step.end : null;
    const pending = {
      node: entry.node,
      target,
      step: step.do,
      end,
      lost: step.do === 'count' && step.lost === true,
      touched: false,
    };
    found.push({ label: `${step.do}${end === null ? '' : ` ${end}`} n${entry.node}`, pending });
  }
  for (const [n, m] of w.members.entries()) admit(w, { n, m, scenario }, found);
  return found;
}

/** `nextStep`, with the sentence under test left out. */
function applyRules(w: World, entry: Entry, scenario: Scenario): AttemptStep {
  const { rules } = scenario;
  const view = viewOf(w, entry, scenario);
  const step = nextStep(view);
  if (
    !rules.failureFirst &&
    step.do === 'count' &&
    END_COUNTS[step.end] === 'failure' &&
    view.shadow?.spec.state !== 'Idle'
  ) {
    return { do: 'fence', end: step.end, message: '', deadlineMs: 0 };
  }
  if (!rules.release && step.do === 'release')
    return { do: 'fence', end: 'Interfered', message: '', deadlineMs: 0 };
  if (!rules.lostKeepsSpec && step.do === 'wait' && step.reason === 'RebootLost') {
    return { do: 'fence', end: 'RebootTimeout', message: '', deadlineMs: 0 };
  }
  const isRollback = step.do === 'fence' && (view.shadow?.spec.attempt ?? 0) < entry.attempt;
  if (!rules.raiseAttempt && isRollback) return { do: 'remove' };
  return step;
}

function admit(
  w: World,
  { n, m, scenario }: { n: number; m: Member; scenario: Scenario },
  found: { label: string; pending?: Pending }[],
): void {
  const s = m.shadow;
  const hasEntry = w.entries.some((e) => e.node === n && (s === null || e.shadowUid === s.uid));
  const shadow = s === null ? undefined : shadowObject(s);
  if (!m.node.gone && undoStrayMarks(nodeObject(m.node), { shadow, hasEntry }) !== undefined) {
    found.push({
      label: `sweep n${n}`,
      pending: { node: n, target: 'node', step: 'undo', end: null, lost: false, touched: false },
    });
  }
  if (s === null || w.entries.some((e) => e.node === n && e.shadowUid === s.uid)) return;
  const pending: Pending = {
    node: n,
    target: 'policy',
    step: 'reserve',
    end: null,
    lost: false,
    touched: false,
  };
  if (s.state !== 0 && s.owned) {
    if (scenario.rules.completion)
      found.push({ label: `adopt n${n}`, pending: { ...pending, step: 'adopt' } });
    return;
  }
  if (s.deleting && shadow !== undefined && mayReleaseShadow(shadow, { hasEntry, isNodeGone: m.node.gone })) {
    found.push({
      label: `release shadow n${n}`,
      pending: { ...pending, target: 'shadow', step: 'finalize' },
    });
  }
  const isComplete = w.members.every(
    (x, i) => x.shadow === null || x.shadow.state === 0 || w.entries.some((e) => e.node === i),
  );
  const mayStart =
    w.windowOpen && !w.paused && !w.halted && !w.policyDeleting && (isComplete || !scenario.rules.completion);
  const isIdle = scenario.rules.settledOnly ? isSettled(shadowObject(s)) : s.state === 0;
  const isClean = !m.node.unschedulable || (!scenario.rules.cleanNode && m.node.mark?.was === false);
  const isFit = isIdle && !s.deleting && !m.node.gone && isClean && s.version === 'old';
  if (mayStart && isFit && s.attempt < scenario.maxAttempts && used(w) < scenario.limit) {
    found.push({ label: `reserve n${n}`, pending });
  }
}

/** Carries out a pending write whose precondition still holds. */
export function deliver(w: World, index: number): void {
  const p = w.leaders[index];
  if (p === null || p === undefined) return;
  w.leaders[index] = null;
  const m = w.members[p.node]!;
  if (p.target === 'policy') deliverPolicy(w, p, m);
  else if (p.target === 'node') deliverNode(w, p, m);
  else deliverShadow(w, p, m);
}

function deliverPolicy(w: World, p: Pending, m: Member): void {
  const entry = w.entries.find((e) => e.node === p.node);
  switch (p.step) {
    case 'reserve':
    case 'adopt':
      if (m.shadow === null) return;
      if (p.step === 'reserve' && w.halted) throw new Violation(6, 'reserved after the halt');
      w.entries.push({
        node: p.node,
        shadowUid: m.shadow.uid,
        attempt: m.shadow.attempt + (p.step === 'reserve' ? 1 : 0),
        phase: 'Reserved',
        reason: null,
        extended: false,
        overdue: false,
      });
      break;
    case 'count':
      if (entry !== undefined && p.end !== null) count(w, entry, { end: p.end, lost: p.lost });
      break;
    case 'extendEntry':
      if (entry !== undefined) entry.extended = true;
      break;
    default:
      w.entries = w.entries.filter((e) => e !== entry);
  }
  policyChanged(w);
}

function count(w: World, entry: Entry, { end, lost }: { end: EndReason; lost: boolean }): void {
  if (entry.phase !== 'Reserved') return;
  const counts = END_COUNTS[end];
  entry.reason = end;
  entry.phase = counts === 'success' ? 'Resting' : counts !== 'failure' ? 'Ended' : lost ? 'Lost' : 'Failed';
  if (counts === 'nothing') return;
  const name = `${entry.node}/${entry.shadowUid}/${entry.attempt}`;
  if (w.counted.includes(name)) throw new Violation(6, `${name} is counted twice`);
  w.counted.push(name);
  checkCounted(w, entry, end);
  if (counts === 'failure') w.halted = true;
}

/** What is counted against a node or a release must be true of this attempt. */
function checkCounted(w: World, entry: Entry, end: EndReason): void {
  const s = w.members[entry.node]!.shadow;
  if (s === null || s.uid !== entry.shadowUid) return;
  if (end === 'RebootTimeout' && s.deadline !== 'missed' && s.intent !== null) {
    throw new Violation(6, 'a reboot is counted as missed while its intent may still act');
  }
  const isReported = s.reported === 'E' && s.error === end;
  if (isReported && s.errorAttempt !== entry.attempt)
    throw new Violation(6, 'an old ErrorReset is counted again');
}

function deliverNode(w: World, p: Pending, m: Member): void {
  if (m.node.gone) return;
  const { node } = m;
  const entry = w.entries.find((e) => e.node === p.node);
  if (p.step === 'cordon' && entry !== undefined) {
    const was =
      node.mark !== null && !node.mark.released && node.unschedulable ? node.mark.was : node.unschedulable;
    node.unschedulable = true;
    node.mark = { uid: entry.shadowUid, attempt: entry.attempt, was, released: false, at: 'fresh' };
  }
  if (p.step === 'release' && node.mark !== null) node.mark.released = true;
  if (p.step === 'undo' && node.mark !== null) {
    const isOpen =
      m.shadow?.intent !== null && m.shadow?.intent !== undefined && m.shadow.intent.boot === m.host.boot;
    if (isOpen && node.unschedulable) throw new Violation(10, 'uncordoned with an open intent');
    if (!node.mark.released && node.unschedulable) node.unschedulable = node.mark.was;
    node.mark = null;
  }
  nodeChanged(w, p.node);
}

function deliverShadow(w: World, p: Pending, m: Member): void {
  const entry = w.entries.find((e) => e.node === p.node);
  if (m.shadow === null) return;
  if (p.step === 'finalize') {
    m.shadow = null;
    w.leaders = w.leaders.map((x) => (x?.node === p.node ? null : x));
    return;
  }
  const kind = p.step === 'backoff' ? 'meta' : 'spec';
  editShadow(w, p.node, kind, (s) => {
    switch (p.step) {
      case 'start':
        s.state = 1;
        s.attempt = entry?.attempt ?? s.attempt + 1;
        s.owned = true;
        s.outcome = null;
        s.notAfter = w.windowOpen ? 'ahead' : 'passed';
        deadlineAhead(s);
        break;
      case 'reboot':
        // What an admin does to the cordon between the list and this write is beyond any precondition.
        if (m.node.pods > 0 && s.version !== 'new' && !p.touched)
          throw new Violation(3, 'told to reboot with pods left');
        s.state = 2;
        deadlineAhead(s);
        break;
      case 'monitor':
        s.state = 3;
        deadlineAhead(s);
        break;
      case 'fence':
        s.state = 0;
        s.attempt = Math.max(s.attempt, entry?.attempt ?? 0);
        s.outcome = p.end;
        s.outcomeAttempt = s.attempt;
        s.deadline = 'none';
        s.unseen = false;
        break;
      case 'extendSpec':
        deadlineAhead(s);
        break;
      default:
        s.backoff = entry?.attempt ?? s.attempt;
    }
  });
}

function deadlineAhead(s: { deadline: string; unseen: boolean }): void {
  s.deadline = 'ahead';
  s.unseen = false;
}
