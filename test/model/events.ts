/** Everything that can happen next in a world of the model. */
import { agentActs, agentDecides, age, isYoung, boot, deliverReport, goDown, powerOff } from './agent.ts';
import { decisions, deliver } from './leader.ts';
import { MONOTONIC, shadowObject } from './objects.ts';
import type { Fault, Scenario } from './rules.ts';
import { clone, editShadow, newShadow, nodeChanged, policyChanged, refresh } from './world.ts';
import type { Member, World } from './world.ts';

export interface Transition {
  label: string;
  /** Trouble, of which a history has only so much. */
  isFault?: true;
  /** Changes a copy of the world. */
  apply(w: World): void;
}

const INTENT_REFUSALS = new Set(['IntentTooLate', 'ShadowDeleted', 'IllegalIntent']);

/** All transitions that are possible; faults only while the history has any left. */
export function transitions(w: World, scenario: Scenario): Transition[] {
  const found: Transition[] = [];
  leaderTransitions(w, scenario, found);
  for (const [n, m] of w.members.entries()) {
    agentTransitions({ w, n, m, scenario }, found);
    hostTransitions({ w, n, m, scenario }, found);
  }
  // When all wait, time goes on by itself.
  if (found.length === 0) timeTransitions(w, found);
  if (w.faults > 0) faultTransitions(w, scenario, found);
  return found;
}

const TIMES: readonly Fault[] = ['deadlinePasses', 'intentAges', 'drainLate'];

function timeTransitions(w: World, found: Transition[]): void {
  for (const [n, m] of w.members.entries()) {
    for (const fault of TIMES) {
      const effect = NODE_FAULTS[fault]?.(w, n, m);
      if (effect !== undefined)
        found.push({ label: `time: ${fault} n${n}`, apply: (x) => effect(x, x.members[n]!) });
    }
  }
  for (const entry of w.entries) {
    if (entry.phase === 'Reserved' || entry.overdue) continue;
    const { node } = entry;
    found.push({ label: `time: n${node} is overdue`, apply: (x) => setOverdue(x, node) });
  }
}

function setOverdue(x: World, n: number): void {
  for (const entry of x.entries) if (entry.node === n) entry.overdue = true;
}

function leaderTransitions(w: World, scenario: Scenario, found: Transition[]): void {
  const free = w.leaders.indexOf(null);
  w.leaders.forEach((p, i) => {
    if (p === null) return;
    found.push({ label: `L${i} delivers ${p.step} n${p.node}`, apply: (x) => deliver(x, i) });
  });
  if (free < 0) return;
  for (const d of decisions(w, scenario)) {
    if (d.evict !== undefined) {
      const n = d.evict;
      found.push({ label: d.label, apply: (x) => void (x.members[n]!.node.pods = 0) });
    }
    const { pending } = d;
    if (pending === undefined) continue;
    const isKnown = w.leaders.some(
      (p) => p !== null && p.node === pending.node && p.step === pending.step && p.end === pending.end,
    );
    if (isKnown && w.leaders.length === 1) continue;
    found.push({
      label: `L${free} decides ${d.label}`,
      apply: (x) => void (x.leaders[free] = { ...pending }),
    });
  }
}

interface At {
  w: World;
  n: number;
  m: Member;
  scenario: Scenario;
}

function agentTransitions({ w, n, m, scenario }: At, found: Transition[]): void {
  const { agent } = m;
  const decision = agentDecides(m, scenario);
  if (decision !== undefined) {
    const { action } = decision;
    const what = action.do === 'command' ? action.type : action.do;
    found.push({ label: `A${n} ${what}`, apply: (x) => agentActs(x, n, decision, false) });
    if (isAllowed(w, scenario, 'stageFails') && action.do === 'command') {
      found.push({
        label: `A${n} ${what} fails`,
        apply: (x) => {
          x.faults--;
          agentActs(x, n, { ...decision, memory: { ...decision.memory, tries: 5 } }, true);
        },
      });
    }
    if (isAllowed(w, scenario, 'rebootRefused') && action.do === 'reboot') {
      found.push({
        label: `H${n} refuses to reboot`,
        apply: (x) => (x.faults--, agentActs(x, n, decision, true)),
      });
    }
  }
  if (agent.cache !== null && m.host.up)
    found.push({ label: `A${n} sees the shadow`, apply: (x) => refresh(x.members[n]!) });
  if (agent.put !== null) putTransitions({ w, n, m, scenario }, found);
  if (agent.echo !== null) {
    found.push({
      label: `late report n${n}`,
      apply: (x) => {
        const y = x.members[n]!.agent;
        const echo = y.echo!;
        y.echo = null;
        deliverReport(x, n, echo, scenario);
      },
    });
  }
}

function putTransitions({ w, n, scenario }: At, found: Transition[]): void {
  const arrives = (x: World, answer: 'heard' | 'lost'): void => {
    const { agent } = x.members[n]!;
    const put = agent.put!;
    agent.put = null;
    const { accepted, refusal } = deliverReport(x, n, put, scenario);
    refresh(x.members[n]!);
    if (put.intent === null || answer === 'lost') return;
    if (accepted) {
      const at = shadowObject(x.members[n]!.shadow!).status!.host!.rebootIntent!.at;
      agent.memory = { ...agent.memory, intentAccepted: { at, monotonicMs: MONOTONIC } };
    } else if (refusal !== undefined && INTENT_REFUSALS.has(refusal)) {
      agent.memory = { ...agent.memory, intentRefused: true };
    }
  };
  found.push({ label: `report n${n}`, apply: (x) => arrives(x, 'heard') });
  if (isAllowed(w, scenario, 'answerLost')) {
    found.push({ label: `report n${n}, answer lost`, apply: (x) => (x.faults--, arrives(x, 'lost')) });
  }
  if (isAllowed(w, scenario, 'echo')) {
    found.push({
      label: `report n${n}, repeated later`,
      apply: (x) => {
        x.faults--;
        x.members[n]!.agent.echo = { ...x.members[n]!.agent.put! };
        arrives(x, 'heard');
      },
    });
  }
}

function hostTransitions({ w, n, m, scenario }: At, found: Transition[]): void {
  if (m.node.gone) return;
  if (m.host.going) found.push({ label: `H${n} goes down`, apply: (x) => goDown(x, n) });
  if (!m.host.up) {
    found.push({ label: `H${n} boots`, apply: (x) => boot(x.members[n]!, false) });
    if (isAllowed(w, scenario, 'bootFallback')) {
      found.push({ label: `H${n} falls back`, apply: (x) => (x.faults--, boot(x.members[n]!, true)) });
    }
  }
  if (m.host.up && m.node.boot !== m.host.boot) {
    found.push({
      label: `kubelet n${n} registers`,
      apply: (x) => {
        x.members[n]!.node.boot = x.members[n]!.host.boot;
        nodeChanged(x, n);
      },
    });
  }
  const mayBind = !m.node.unschedulable || m.node.mark?.at === 'fresh';
  if (m.node.pods === 0 && mayBind && m.shadow?.state === 1) {
    found.push({ label: `a pod is bound to n${n}`, apply: (x) => void (x.members[n]!.node.pods = 1) });
  }
  if (m.node.mark?.at === 'fresh') {
    found.push({
      label: `the cordon of n${n} settles`,
      apply: (x) => void (x.members[n]!.node.mark!.at = 'settled'),
    });
  }
  if (m.shadow?.deadline === 'grace' && !m.shadow.unseen) {
    found.push({
      label: `the grace of n${n} ends`,
      apply: (x) => void (x.members[n]!.shadow!.deadline = 'missed'),
    });
  }
}

const isAllowed = (w: World, scenario: Scenario, fault: Fault): boolean =>
  w.faults > 0 && scenario.allowed.has(fault);

type FaultRule = (w: World, n: number, m: Member) => ((x: World, y: Member) => void) | undefined;

/** Faults of one node: undefined where it makes no sense. */
const NODE_FAULTS: Partial<Record<Fault, FaultRule>> = {
  agentCrash: (_w, _n, m) =>
    m.host.up && (m.agent.put !== null || Object.keys(m.agent.memory).length > 2)
      ? (_x, y) => {
          y.agent.echo ??= y.agent.put;
          y.agent.put = null;
          y.agent.memory = { attempt: 0, tries: 0 };
          refresh(y);
        }
      : undefined,
  spontaneousReboot: (_w, _n, m) => (m.host.up && !m.host.going ? (_x, y) => powerOff(y) : undefined),
  shadowDeleted: (_w, n, m) =>
    m.shadow !== null && !m.shadow.deleting
      ? (x) => editShadow(x, n, 'meta', (s) => void (s.deleting = true))
      : undefined,
  deadlinePasses: (_w, _n, m) =>
    m.shadow?.deadline === 'ahead' ? (_x, y) => void (y.shadow!.deadline = 'grace') : undefined,
  deadlineUnseen: (_w, _n, m) =>
    m.shadow?.deadline === 'ahead'
      ? (_x, y) => {
          y.shadow!.deadline = 'grace';
          y.shadow!.unseen = true;
        }
      : undefined,
  drainLate: (_w, _n, m) =>
    m.node.mark?.at === 'settled' ? (_x, y) => void (y.node.mark!.at = 'late') : undefined,
  intentAges: (_w, _n, m) =>
    m.shadow?.intent?.old === false || isYoung(m.agent.memory)
      ? (_x, y) => {
          if (y.shadow?.intent) y.shadow.intent.old = true;
          // A shutdown that was delayed (5 minutes at most, bottlerocket-api 6) has happened by then, or never will.
          y.host.going = false;
          if (y.agent.cache?.intent) y.agent.cache.intent.old = true;
          y.agent.memory = age(y.agent.memory);
        }
      : undefined,
  adminCordon: (_w, n, m) =>
    m.node.gone
      ? undefined
      : (x, y) => {
          // Over a cordon of ours whose removal nobody has seen it changes nothing that can be told.
          const isOverOurs = y.node.mark !== null && !y.node.mark.released && !y.node.mark.was;
          if (!y.node.unschedulable && !isOverOurs) y.node.adminCordon = true;
          y.node.unschedulable = true;
          nodeChanged(x, n);
        },
  adminUncordon: (_w, n, m) =>
    m.node.gone || !m.node.unschedulable
      ? undefined
      : (x, y) => {
          y.node.unschedulable = false;
          y.node.adminCordon = false;
          nodeChanged(x, n);
        },
  nodeDeleted: (_w, n, m) =>
    m.node.gone || m.shadow === null
      ? undefined
      : (x, y) => {
          y.node = { ...y.node, gone: true, mark: null, unschedulable: false, adminCordon: false };
          y.host.up = false;
          y.host.going = false;
          nodeChanged(x, n);
          editShadow(x, n, 'meta', (s) => void (s.deleting = true));
        },
};

function faultTransitions(w: World, scenario: Scenario, found: Transition[]): void {
  const add = (fault: Fault, label: string, apply: (x: World) => void): void => {
    if (scenario.allowed.has(fault))
      found.push({ label, isFault: true, apply: (x) => (x.faults--, apply(x)) });
  };
  if (w.windowOpen) {
    add('windowCloses', 'the window closes', (x) => {
      x.windowOpen = false;
      for (const m of x.members) if (m.shadow?.notAfter === 'ahead') m.shadow.notAfter = 'passed';
    });
  }
  if (w.entries.length > 0)
    add('ledgerLost', 'the ledger is lost', (x) => ((x.entries = []), policyChanged(x)));
  if (!w.paused) add('pause', 'the policy is paused', (x) => ((x.paused = true), policyChanged(x)));
  if (!w.policyDeleting)
    add('policyDeleted', 'the policy is deleted', (x) => ((x.policyDeleting = true), policyChanged(x)));
  for (const [n, m] of w.members.entries()) {
    for (const [fault, rule] of Object.entries(NODE_FAULTS) as [Fault, FaultRule][]) {
      const effect = rule(w, n, m);
      if (effect !== undefined) add(fault, `${fault} n${n}`, (x) => effect(x, x.members[n]!));
    }
    if (m.node.gone && m.shadow === null)
      add('nodeRecreated', `n${n} is created again`, (x) => recreate(x, n));
  }
  for (const entry of w.entries) {
    if (entry.phase === 'Reserved' || entry.overdue) continue;
    add('overdue', `n${entry.node} is overdue`, (x) => setOverdue(x, entry.node));
  }
}

/** A new machine registers under the old name. */
function recreate(x: World, n: number): void {
  const y = x.members[n]!;
  const bootId = y.host.boot + 1;
  y.node = { gone: false, unschedulable: false, mark: null, boot: bootId, pods: 1, adminCordon: false };
  y.host = {
    ...y.host,
    boot: bootId,
    up: true,
    running: 'old',
    update: 'Idle',
    locked: false,
    last: null,
    going: false,
  };
  y.shadow = newShadow(x.entries.some((e) => e.node === n) ? 2 : 2, bootId, 'old', 0);
  y.agent = {
    memory: { attempt: 0, tries: 0 },
    cache: null,
    staleSpec: false,
    staleSeq: false,
    put: null,
    echo: y.agent.echo,
  };
  if (y.agent.echo !== null) y.agent.echo.sameUid = false;
}

/** A copy of the world after a transition. */
export function after(w: World, t: Transition): World {
  const copy = clone(w);
  t.apply(copy);
  return copy;
}
