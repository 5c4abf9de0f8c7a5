/** Everything that can happen next in a world of the model. */
import { agentEvents } from './agent.ts';
import { deliver } from './deliver.ts';
import type { At, MemberEvent } from './event.ts';
import { faultEvents, timeEvents } from './faults.ts';
import { hostEvents } from './host.ts';
import { idOf } from './intern.ts';
import type { Numbers } from './intern.ts';
import { admissions, entryDecisions, fitnessOf, isClosed, keeping } from './leader.ts';
import type { Case, Decision, Fitness } from './leader.ts';
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import { noteEntry, withEffect, withPolicy } from './world.ts';
import type { Effect, Pending, Policy, World } from './world.ts';

export interface Transition {
  /** "#" stands for the number of the node, "@" for that of the leader. */
  label: string;
  n: number;
  leader: number;
  /** Trouble that comes from outside, of which a history has only so much. */
  isFault: boolean;
  /** The world afterwards. @throws Violation */
  next(): World;
}

/** What came of an event when it was first looked at. */
interface Outcome {
  label: string;
  cost: 0 | 1;
  effect: Effect | Violation;
}

const WINDOWS = ['open', 'closed', 'blackout'] as const;

/** The transitions of one scenario; what is decided on equal parts is decided once. */
export class Transitions {
  readonly #scenario: Scenario;
  readonly #numbers: Numbers;
  readonly #usual = new Map<number, Outcome[]>();
  readonly #faults = new Map<number, Outcome[]>();
  readonly #times = new Map<number, Outcome[]>();
  readonly #steps = new Map<number, Decision[]>();
  readonly #fitness = new Map<number, Fitness>();

  constructor(scenario: Scenario, numbers: Numbers) {
    this.#scenario = scenario;
    this.#numbers = numbers;
  }

  /** All transitions that are possible; faults only while the history has any left. */
  of(w: World): Transition[] {
    const found: Transition[] = [];
    this.#leaders(w, found);
    w.members.forEach((_, n) => {
      this.#member(w, { n, known: this.#usual, events: usualEvents, isFault: false }, found);
    });
    // When all wait, time goes on by itself.
    if (found.length === 0) this.#time(w, found);
    if (w.faults > 0) {
      worldFaults(w, this.#scenario, found);
      w.members.forEach((_, n) => {
        this.#member(w, { n, known: this.#faults, events: faultEvents, isFault: true }, found);
      });
    }
    return found;
  }

  #member(
    w: World,
    what: { n: number; known: Map<number, Outcome[]>; events: (at: At) => MemberEvent[]; isFault: boolean },
    found: Transition[],
  ): void {
    const { n, known, events, isFault } = what;
    for (const { label, cost, effect } of this.#outcomes(w, n, { known, events })) {
      if (cost > w.faults) continue;
      const next = (): World => {
        if (effect instanceof Violation) throw effect;
        const after = withEffect(w, n, effect);
        return cost === 0 ? after : { ...after, faults: w.faults - cost };
      };
      found.push({ label, n, leader: 0, isFault, next });
    }
  }

  #outcomes(
    w: World,
    n: number,
    { known, events }: { known: Map<number, Outcome[]>; events: (at: At) => MemberEvent[] },
  ): Outcome[] {
    const m = w.members[n]!;
    const closed = isClosed(w.window, this.#scenario);
    const key = idOf(m) * 2 + (closed ? 1 : 0);
    let outcomes = known.get(key);
    if (outcomes === undefined) {
      outcomes = events({ m, scenario: this.#scenario, isClosed: closed }).map((e) => this.#outcome(e));
      known.set(key, outcomes);
    }
    return outcomes;
  }

  #outcome({ label, kind, effect }: MemberEvent): Outcome {
    const cost = kind === 'cost' ? 1 : 0;
    try {
      const found = effect();
      return { label, cost, effect: { ...found, m: this.#numbers.member(found.m) } };
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return { label, cost, effect: error };
    }
  }

  #time(w: World, found: Transition[]): void {
    w.members.forEach((_, n) => {
      this.#member(w, { n, known: this.#times, events: timeEvents, isFault: false }, found);
    });
    w.policies.forEach((policy, index) => {
      for (const { phase, overdue, node: n, shadowUid: uid } of policy.entries) {
        if (phase === 'Reserved' || overdue) continue;
        const next = (): World => noteEntry(w, { policy: index, node: n, uid }, { overdue: true });
        found.push({ label: 'time: n# is overdue', n, leader: 0, isFault: false, next });
      }
    });
  }

  // ---- leaders -------------------------------------------------------------------------------------------

  #leaders(w: World, found: Transition[]): void {
    w.leaders.forEach((p, leader) => {
      if (p === null) return;
      const next = (): World => deliver(w, leader);
      found.push({ label: `L@ delivers ${p.step} n#`, n: p.node, leader, isFault: false, next });
    });
    const free = w.leaders.indexOf(null);
    if (free < 0) return;
    for (const { n, decision } of this.#decisions(w)) {
      const { effect, pending } = decision;
      if (effect !== undefined)
        found.push({
          label: decision.label,
          n,
          leader: free,
          isFault: false,
          next: () => withEffect(w, n, effect),
        });
      // With one leader the same write is not decided twice.
      if (pending === undefined || isUnderWay(w, pending, this.#scenario)) continue;
      const next = (): World => {
        const leaders = w.leaders.slice();
        leaders[free] = pending;
        return { ...w, leaders };
      };
      found.push({ label: `L@ ${decision.label}`, n, leader: free, isFault: false, next });
    }
  }

  #decisions(w: World): { n: number; decision: Decision }[] {
    const found: { n: number; decision: Decision }[] = [];
    const fitness = (n: number): Fitness => this.#fitnessOf(w, n);
    w.members.forEach((m, n) => {
      w.policies.forEach((policy, index) => {
        const c = { scenario: this.#scenario, window: w.window, policy, index, n, m };
        for (const decision of this.#entrySteps(c)) found.push({ n, decision });
        for (const decision of admissions(w, c, fitness)) found.push({ n, decision });
        if (index === 0) for (const decision of keeping(w, c)) found.push({ n, decision });
      });
    });
    return found;
  }

  #entrySteps(c: Case): Decision[] {
    const { policy, index, n, m, window } = c;
    if (policy.entries.length === 0 && !policy.gone) return [];
    const place = (idOf(policy) * 2 + index) * 2 + n;
    const key = idOf(m) * 2 ** 24 + place * 4 + WINDOWS.indexOf(window);
    let decisions = this.#steps.get(key);
    if (decisions === undefined) {
      if (place * 4 >= 2 ** 24) throw new RangeError('too many policies for exact keys');
      decisions = entryDecisions(c);
      this.#steps.set(key, decisions);
    }
    return decisions;
  }

  #fitnessOf(w: World, n: number): Fitness {
    const m = w.members[n]!;
    const id = idOf(m);
    let fitness = this.#fitness.get(id);
    if (fitness === undefined) {
      fitness = fitnessOf(m, this.#scenario);
      this.#fitness.set(id, fitness);
    }
    return fitness;
  }
}

const usualEvents = (at: At): MemberEvent[] => [...agentEvents(at), ...hostEvents(at)];

const isUnderWay = (w: World, pending: Pending, { leaders }: Scenario): boolean =>
  leaders === 1 &&
  w.leaders.some(
    (p) => p !== null && p.node === pending.node && p.step === pending.step && p.end === pending.end,
  );

// ---- trouble that comes to all ---------------------------------------------------------------------------

function worldFaults(w: World, scenario: Scenario, found: Transition[]): void {
  const add = (
    fault: Scenario['allowed'] extends ReadonlySet<infer F> ? F : never,
    next: () => World,
  ): void => {
    if (!scenario.allowed.has(fault)) return;
    found.push({
      label: fault,
      n: 0,
      leader: 0,
      isFault: true,
      next: () => ({ ...next(), faults: w.faults - 1 }),
    });
  };
  if (w.window === 'open')
    add('windowCloses', () => ({ ...passed(w, scenario.onClose !== 'Finish'), window: 'closed' }));
  if (w.window !== 'blackout') add('blackout', () => ({ ...passed(w, true), window: 'blackout' }));
  if (w.window !== 'open') add('windowReopens', () => ({ ...w, window: 'open' }));
  w.policies.forEach((policy, index) => {
    const change = (to: Partial<Policy>) => (): World => withPolicy(w, index, to);
    if (policy.gone) return;
    if (policy.entries.length > 0) add('ledgerLost', change({ entries: [] }));
    if (!policy.paused) add('pause', change({ paused: true }));
    if (!policy.deleting) add('policyDeleted', change({ deleting: true }));
    if (policy.halted) add('resume', change({ halted: false }));
    add('policyGone', change({ gone: true, deleting: true, entries: [], halted: false }));
    for (const { phase, overdue, node: n, shadowUid: uid } of policy.entries) {
      if (phase === 'Reserved' || overdue) continue;
      add('overdue', () => noteEntry(w, { policy: index, node: n, uid }, { overdue: true }));
    }
  });
}

/** Instants up to which an intent may be accepted lie behind now, also in what is under way. */
function passed(w: World, isPassed: boolean): World {
  if (!isPassed) return w;
  const { leaders, members } = w;
  return {
    ...w,
    leaders: leaders.map((p) => (p === null || p.notAfter === 'passed' ? p : { ...p, notAfter: 'passed' })),
    members: members.map((m) =>
      m.shadow?.notAfter === 'ahead' ? { ...m, shadow: { ...m.shadow, notAfter: 'passed' } } : m,
    ),
  };
}
