/** Breadth-first search through all histories of a scenario; the first violation found is a shortest one. */
import { Transitions } from './events.ts';
import type { Transition } from './events.ts';
import { Numbers } from './intern.ts';
import { checkQuiet, checkState } from './invariants.ts';
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import { newWorld } from './world.ts';
import type { World } from './world.ts';

export interface Exploration {
  states: number;
  /** States in which nothing but trouble can happen any more. */
  quiet: number;
  /** False when the bound was reached first. */
  complete: boolean;
  violation?: { message: string; invariant: number; trace: string[] };
}

export interface Bounds {
  /** For scenarios that are expected to break early. */
  maxStates?: number;
  /** Also shows that from every state one comes to rest without further trouble; costs memory. */
  mustRest?: boolean;
}

/** Explores every history of a scenario. */
export const explore = (scenario: Scenario, bounds: Bounds = {}): Exploration =>
  new Search(scenario, bounds).run();

/** Which state a state was first reached from, and how. */
interface Origin {
  from: number;
  label: string;
  n: number;
  leader: number;
}

class Search {
  readonly #scenario: Scenario;
  readonly #maxStates: number;
  readonly #numbers: Numbers;
  readonly #transitions: Transitions;
  readonly #seen = new Map<number, number>();
  readonly #from: number[] = [];
  readonly #by: Pick<Transition, 'label' | 'n' | 'leader'>[] = [];
  readonly #rest: Rest | undefined;
  #next: [World, number][] = [];
  #quiet = 0;

  constructor(scenario: Scenario, { maxStates = 8_000_000, mustRest = false }: Bounds) {
    this.#scenario = scenario;
    this.#maxStates = maxStates;
    this.#numbers = new Numbers(scenario.rules);
    this.#transitions = new Transitions(scenario, this.#numbers);
    this.#rest = mustRest ? new Rest() : undefined;
  }

  run(): Exploration {
    this.#reach(newWorld(this.#scenario), { from: -1, label: 'start', n: 0, leader: 0 });
    while (this.#next.length > 0) {
      const level = this.#next;
      this.#next = [];
      for (const [world, index] of level) {
        const violation = this.#expand(world, index);
        if (violation !== undefined) return this.#result(false, violation);
        if (this.#seen.size > this.#maxStates) return this.#result(false);
      }
    }
    const restless = this.#rest?.restless(this.#seen.size);
    if (restless === undefined) return this.#result(true);
    const message = 'invariant 11: from here one never comes to rest';
    return this.#result(false, { message, invariant: 11, trace: this.#trace(restless) });
  }

  #expand(world: World, index: number): Exploration['violation'] {
    let under: Pick<Transition, 'label' | 'n' | 'leader'> | undefined = DECIDING;
    try {
      const possible = this.#transitions.of(world);
      if (possible.every(({ isFault }) => isFault)) this.#atRest(world, index);
      for (const t of possible) {
        under = t;
        const after = t.next();
        under = undefined;
        const reached = this.#reach(after, { from: index, label: t.label, n: t.n, leader: t.leader });
        if (!t.isFault) this.#rest?.edge(index, reached);
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      const { message, invariant } = error;
      const trace = under === undefined ? [] : [storyLine(under)];
      const to = under === undefined ? this.#from.length - 1 : index;
      return { message, invariant, trace: [...this.#trace(to), ...trace] };
    }
  }

  #atRest(world: World, index: number): void {
    this.#quiet++;
    this.#rest?.atRest(index);
    checkQuiet(world, this.#scenario);
  }

  #reach(world: World, { from, label, n, leader }: Origin): number {
    const key = this.#numbers.world(world);
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const index = this.#from.length;
    this.#seen.set(key, index);
    this.#from.push(from);
    this.#by.push({ label, n, leader });
    checkState(world, this.#scenario);
    this.#next.push([world, index]);
    return index;
  }

  #trace(to: number): string[] {
    const trace: string[] = [];
    for (let i = to; i > 0; i = this.#from[i] ?? 0) {
      trace.unshift(storyLine(this.#by[i]!));
    }
    return trace;
  }

  #result(complete: boolean, violation?: Exploration['violation']): Exploration {
    return {
      states: this.#seen.size,
      quiet: this.#quiet,
      complete,
      ...(violation === undefined ? {} : { violation }),
    };
  }
}

const DECIDING = { label: 'what is decided here', n: 0, leader: 0 };

const storyLine = ({ label, n, leader }: Pick<Transition, 'label' | 'n' | 'leader'>): string =>
  label.replace('#', String(n)).replace('@', String(leader));

/** Which states lead, without further trouble, to one in which all is done. */
class Rest {
  readonly #froms: number[] = [];
  readonly #tos: number[] = [];
  readonly #resting = new Set<number>();

  edge(from: number, to: number): void {
    if (from === to) return;
    this.#froms.push(from);
    this.#tos.push(to);
  }

  atRest(index: number): void {
    this.#resting.add(index);
  }

  /** A state from which no way leads to rest. */
  restless(states: number): number | undefined {
    const before: number[][] = Array.from({ length: states }, () => []);
    this.#tos.forEach((to, i) => before[to]!.push(this.#froms[i]!));
    const reached = new Set(this.#resting);
    const open = [...reached];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      for (const from of before[state]!) {
        if (reached.has(from)) continue;
        reached.add(from);
        open.push(from);
      }
    }
    for (let state = 0; state < states; state++) if (!reached.has(state)) return state;
    return undefined;
  }
}
