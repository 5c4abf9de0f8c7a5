/** A write that a controller had decided reaches kube-apiserver; its precondition still holds. */
import { END_COUNTS } from '../../src/api/reasons.ts';
import type { EndReason } from '../../src/api/reasons.ts';
import { countEnd } from '../../src/protocol/ledger.ts';
import {
  isAttemptMark,
  releaseCordon,
  setMark,
  undoMarks,
  undoStrayMarks,
} from '../../src/protocol/marks.ts';
import type { MarkOwner, NodePatch } from '../../src/protocol/marks.ts';
import { rfc3339 } from '../../src/runtime/clock.ts';
import { NOW, entryObject, nodeObject, patched, shadowObject } from './objects.ts';
import { Violation } from './rules.ts';
import {
  editShadow,
  entryOn,
  newShadow,
  noteEntry,
  withEffect,
  withHost,
  withNode,
  withPolicy,
} from './world.ts';
import type { Effect, Entry, Member, Pending, Shadow, World } from './world.ts';

/** Carries out a pending write. */
export function deliver(before: World, index: number): World {
  const p = before.leaders[index];
  if (p === null || p === undefined) return before;
  const leaders = before.leaders.slice();
  leaders[index] = null;
  const w = { ...before, leaders };
  if (p.target === 'policy') return deliverPolicy(w, p);
  const m = w.members[p.node]!;
  if (p.target === 'node') return withEffect(w, p.node, deliverNode(m, p));
  return m.shadow === null ? w : deliverShadow(w, p, m.shadow);
}

// ---- the policy's status: its ledger ---------------------------------------------------------------------

function deliverPolicy(w: World, p: Pending): World {
  const policy = w.policies[p.policy]!;
  const entry = entryOn(policy, p.node, p.uid);
  switch (p.step) {
    case 'reserve':
    case 'adopt':
      return withPolicy(w, p.policy, { entries: sorted([...policy.entries, newEntry(w, p)]) });
    case 'count':
      return entry === undefined || p.end === null ? w : count(w, p, { entry, end: p.end });
    case 'conclude': {
      if (entry === undefined || p.end === null) return w;
      const counted = count(w, p, { entry, end: p.end });
      const { entries } = counted.policies[p.policy]!;
      return withPolicy(counted, p.policy, {
        entries: entries.filter((e) => e.node !== p.node || e.shadowUid !== p.uid),
      });
    }
    case 'extendEntry':
      return entry === undefined
        ? w
        : withPolicy(w, p.policy, { entries: replaced(w, p, { extended: 'entry' }) });
    default:
      return withPolicy(w, p.policy, { entries: policy.entries.filter((e) => e !== entry) });
  }
}

/** The order of entries has no meaning. */
const sorted = (entries: Entry[]): Entry[] =>
  entries.toSorted((a, b) => a.node - b.node || a.shadowUid - b.shadowUid);

const replaced = (w: World, p: Pending, change: Partial<Entry>): Entry[] =>
  w.policies[p.policy]!.entries.map((e) =>
    e.node === p.node && e.shadowUid === p.uid ? { ...e, ...change } : e,
  );

function newEntry(w: World, p: Pending): Entry {
  const policy = w.policies[p.policy]!;
  if (p.step === 'reserve' && policy.halted) throw new Violation(6, 'reserved after the halt');
  return {
    node: p.node,
    nodeUid: w.members[p.node]!.node.uid,
    shadowUid: p.uid,
    attempt: p.attempt,
    phase: 'Reserved',
    reason: null,
    extended: 'no',
    overdue: false,
  };
}

function count(w: World, p: Pending, { entry, end }: { entry: Entry; end: EndReason }): World {
  const shadow = w.members[p.node]!.shadow;
  const before = entryObject(entry, shadow);
  const status = countEnd(
    { updating: [before], rollout: {}, halt: null },
    { entry: before, reason: end, untilMs: NOW, lost: p.lost },
    NOW,
  );
  const phase = status.updating?.[0]?.phase ?? entry.phase;
  const policy = w.policies[p.policy]!;
  const counts = END_COUNTS[end];
  const name = `${p.node}/${p.uid}/${p.attempt}`;
  if (counts !== 'nothing' && phase !== entry.phase) {
    if (w.policies.some(({ counted }) => counted.includes(name)))
      throw new Violation(6, `${name} is counted twice`);
    checkCounted(shadow, entry, end);
  }
  return withPolicy(w, p.policy, {
    entries: replaced(w, p, { phase, reason: end }),
    counted: counts === 'nothing' ? policy.counted : [...policy.counted, name].toSorted(),
    halted: policy.halted || (status.halt !== null && status.halt !== undefined),
  });
}

/** What is counted against a node or a release must be true of this attempt. */
function checkCounted(s: Shadow | null, entry: Entry, end: EndReason): void {
  if (s === null || s.uid !== entry.shadowUid) return;
  if (end === 'RebootTimeout' && s.deadline !== 'missed' && s.intent !== null)
    throw new Violation(6, 'a reboot is counted as missed while its intent may still act');
  const isReported = s.reported === 'E' && s.error === end;
  if (isReported && s.errorAttempt !== entry.attempt)
    throw new Violation(6, 'an old ErrorReset is counted again');
}

// ---- the Node: its marks ---------------------------------------------------------------------------------

function deliverNode(m: Member, p: Pending): Effect {
  if (m.node.gone) return { m };
  const patch = nodePatch(m, p);
  if (patch === undefined) return { m };
  const node = patched(m.node, patch);
  const isOpen = m.shadow?.intent?.boot === m.host.boot;
  if (isOpen && m.node.unschedulable && !node.unschedulable)
    throw new Violation(10, 'uncordoned with an open intent');
  return { m: { ...m, node }, node: true };
}

function nodePatch(m: Member, p: Pending): NodePatch | undefined {
  const node = nodeObject(m.node);
  const owner: MarkOwner = { shadowUid: `s${p.uid}`, attempt: p.attempt };
  if (p.step === 'cordon') return setMark(node, 'cordon', { value: true, at: rfc3339(NOW), owner });
  if (p.step === 'release') return releaseCordon(node);
  if (p.step === 'undo') return undoMarks(node, isAttemptMark, owner);
  if (p.step === 'undoAll') return undoMarks(node, isAttemptMark);
  const shadow = p.uid === 0 ? undefined : shadowObject({ ...newShadow(p.uid), attempt: p.attempt });
  return undoStrayMarks(node, { shadow, hasEntry: false });
}

// ---- the shadow's spec -----------------------------------------------------------------------------------

function deliverShadow(w: World, p: Pending, s: Shadow): World {
  const m = w.members[p.node]!;
  if (p.step === 'finalize') {
    const { agent } = m;
    return withEffect(w, p.node, {
      m: { ...m, shadow: null, agent: { ...agent, cache: agent.cache ?? s } },
      shadow: true,
    });
  }
  const uncordonSeen = m.node.uncordonSeen || p.end === 'Interfered';
  const known = uncordonSeen === m.node.uncordonSeen ? m : withNode(m, { uncordonSeen });
  const edited = editShadow(known, p.step === 'backoff' ? 'meta' : 'spec', change(p, s, m));
  const after = withEffect(w, p.node, {
    ...edited,
    m: p.step === 'start' ? forgetReboots(edited.m) : edited.m,
  });
  const extended = EXTENDED[p.step];
  const entry = entryOn(w.policies[p.policy]!, p.node, p.uid);
  if (extended === undefined || entry === undefined || entry.extended === 'no') return after;
  return noteEntry(after, { policy: p.policy, node: p.node, uid: p.uid }, { extended });
}

/** Reboots of older attempts matter no more, but for one that is still under way. */
const forgetReboots = (m: Member): Member =>
  withHost(m, { asked: m.host.asked.filter((each) => m.host.going && each === m.host.goingFor) });

/** What a new deadline in `spec` makes of one that was moved. */
const EXTENDED: Partial<Record<string, Entry['extended']>> = {
  extendSpec: 'spec',
  reboot: 'past',
  monitor: 'past',
};

const AHEAD = { deadline: 'ahead', unseen: false } as const;

function change(p: Pending, s: Shadow, m: Member): Partial<Shadow> {
  switch (p.step) {
    case 'start':
      return { ...AHEAD, state: 1, attempt: p.attempt, owner: p.policy, outcome: null, notAfter: p.notAfter };
    case 'reboot':
      // What an admin does to the cordon between the list and this write is beyond any precondition.
      if (m.node.pods > 0 && s.version !== 'new' && !p.touched)
        throw new Violation(3, 'told to reboot with pods left');
      return { ...AHEAD, state: 2, notAfter: p.notAfter };
    case 'monitor':
      return { ...AHEAD, state: 3 };
    case 'fence':
      return {
        state: 0,
        // A rollback names whose attempt it takes back.
        ...(s.attempt < p.attempt ? { owner: p.policy } : {}),
        attempt: Math.max(s.attempt, p.attempt),
        outcome: p.end,
        outcomeAttempt: p.attempt,
        deadline: 'none',
        unseen: false,
        notAfter: 'none',
      };
    case 'extendSpec':
      return AHEAD;
    default:
      return { backoff: p.attempt };
  }
}
