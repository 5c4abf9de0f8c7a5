/**
 * One unlucky story as plain data: a world, what is applied to it, and what goes wrong when. A seed makes one, the
 * shrinker makes it smaller, a file holds one that once failed. What it does not say is decided by its seed.
 */
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { SimEvent } from './events/registry.ts';

/** Format of the files; a reader of another one refuses. */
export const SCENARIO_FORMAT = 1;

/** One machine of a world. */
export interface NodePlan {
  name: string;
  labels: Record<string, string>;
}

/** See the head of this file. */
export interface Scenario {
  format: typeof SCENARIO_FORMAT;
  seed: string;
  /** Wall clock at the start, RFC 3339. */
  startsAt: string;
  nodes: NodePlan[];
  /** What the hosts run at the start. */
  version: string;
  /** What they are offered from the start, `version` included. */
  releases: string[];
  /** Applied at the start. */
  policies: UpdatePolicy[];
  /** In the order of their time. */
  events: SimEvent[];
  /** When faults stop, in milliseconds after the start; then all that can be updated has to be, within its bound. */
  calmAfterMs: number;
}
