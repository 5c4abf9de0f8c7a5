/** A kind of thing that can happen in a scenario: how one is drawn, done and told. */
import type { SeededRandom } from '../random.ts';
import type { Stage } from './stage.ts';

/** What a draw knows of the world it is for. */
export interface EventContext {
  nodes: readonly string[];
  policies: readonly string[];
  releases: readonly string[];
  /** Names of the PodDisruptionBudgets, as namespace/name. */
  budgets: readonly string[];
  /** When faults stop. */
  calmAfterMs: number;
}

/** What all events have in common. */
export interface EventBase {
  type: string;
  /** Milliseconds after the start. */
  atMs: number;
}

/** See the head of this file. */
export interface EventKind<E extends EventBase> {
  type: E['type'];
  /** How often it is drawn, beside the others. */
  weight: number;
  /** Its facts, from this random stream; undefined when it has no place in this world. */
  draw(random: SeededRandom, context: EventContext): Omit<E, 'type' | 'atMs'> | undefined;
  /** Does it. What lasts ends by itself or at the calm. */
  apply(event: E, stage: Stage): void;
  /** How much later than it was decided, or by how wrong a clock, something may happen under it. @default not at all */
  toleranceMs?: number;
  /** One sentence for a person, without its time. */
  tell(event: E): string;
}
