/** Breadth-first search through all histories of a scenario; the first violation found is a shortest one. */
import { after, transitions } from './events.ts';
import type { Transition } from './events.ts';
import { checkState, isDone } from './invariants.ts';
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import { hash, keyOf, newWorld } from './world.ts';
import type { World } from './world.ts';

export interface Exploration {
  states: number;
  /** False when the bound was reached first. */
  complete: boolean;
  violation?: { message: string; invariant: number; trace: string[] };
}

/** Explores every history of a scenario. @param maxStates bound, for scenarios that are expected to break early. */
export function explore(scenario: Scenario, maxStates = 5_000_000): Exploration {
  const parents: number[] = [-1];
  const labels: string[] = ['start'];
  const first = newWorld(scenario.nodes, scenario.leaders, scenario.faults);
  const seen = new Set<number>([hash(keyOf(first))]);
  let level: [World, number][] = [[first, 0]];
  const failed = (error: unknown, from: number, label: string): Exploration => {
    if (!(error instanceof Violation)) throw error;
    const trace = [label];
    for (let i = from; i > 0; i = parents[i] ?? -1) trace.unshift(labels[i] ?? '');
    return {
      states: seen.size,
      complete: false,
      violation: { message: error.message, invariant: error.invariant, trace },
    };
  };
  while (level.length > 0) {
    const next: [World, number][] = [];
    for (const [world, index] of level) {
      let possible: Transition[];
      try {
        possible = transitions(world, scenario);
        if (!isProgress(possible)) checkQuiet(world, scenario);
      } catch (error) {
        return failed(error, index, 'what is decided here');
      }
      for (const t of possible) {
        let world2: World;
        try {
          world2 = after(world, t);
          checkState(world2, scenario);
        } catch (error) {
          return failed(error, index, t.label);
        }
        const key = hash(keyOf(world2));
        if (seen.has(key)) continue;
        if (seen.size >= maxStates) return { states: seen.size, complete: false };
        seen.add(key);
        parents.push(index);
        labels.push(t.label);
        next.push([world2, labels.length - 1]);
      }
    }
    level = next;
  }
  return { states: seen.size, complete: true };
}

/** Something other than a fault can happen: whatever costs nothing. */
const isProgress = (possible: readonly { label: string; isFault?: boolean }[]): boolean =>
  possible.some((t) => t.isFault !== true);

function checkQuiet(world: World, scenario: Scenario): void {
  const why = isDone(world, scenario);
  if (why !== undefined) throw new Violation(why.invariant, why.message);
}
