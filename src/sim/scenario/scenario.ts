/**
 * One unlucky story as plain data: a world, what is applied to it, and what goes wrong when. A seed makes one, the
 * shrinker makes it smaller, a file holds one that once failed. What it does not say is decided by its seed.
 */
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { WorkloadPlan } from '../workloads/plan.ts';
import type { SimEvent } from './events/registry.ts';

/** Format of the files; a reader of another one refuses. */
export const SCENARIO_FORMAT = 1;

/** What machines are made of; the first is the usual one. Every release is published for all of them. */
export const HARDWARE = [
  { variant: 'aws-k8s-1.36', arch: 'x86_64' },
  { variant: 'aws-k8s-1.36', arch: 'aarch64' },
  { variant: 'aws-k8s-1.36-nvidia', arch: 'x86_64' },
] as const;

/** One machine of a world. */
export interface NodePlan {
  name: string;
  labels: Record<string, string>;
  /** @default the usual hardware */
  variant?: string;
  arch?: string;
  /** What it runs when it joins. @default the story's version */
  version?: string;
  /** Its place in Bottlerocket's waves, 0 to 2047. @default by its number */
  waveSeed?: number;
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
  /** What runs in the cluster besides the operator. @default a shop */
  workloads?: WorkloadPlan[];
  /** Applied at the start. */
  policies: UpdatePolicy[];
  /** In the order of their time. */
  events: SimEvent[];
  /** When faults stop, in milliseconds after the start; then all that can be updated has to be, within its bound. */
  calmAfterMs: number;
}
