/** The controllers that a cluster in memory needs so that drains and reboots mean something. */
import type { SimCluster } from '../cluster/cluster.ts';
import { DaemonsDouble } from './daemons.ts';
import { type LifecycleOptions, NodeLifecycleDouble } from './lifecycle.ts';
import { ReplicasDouble } from './replicas.ts';
import { SchedulerDouble, type SchedulerOptions } from './scheduler.ts';

export interface WorkloadOptions {
  lifecycle?: LifecycleOptions;
  scheduler?: SchedulerOptions;
}

/** Starts the doubles of node lifecycle, scheduler, Deployments, ReplicaSets and DaemonSets; they end with the signal. */
export function startWorkloads(
  cluster: SimCluster,
  signal: AbortSignal,
  options: WorkloadOptions = {},
): void {
  new NodeLifecycleDouble(cluster, options.lifecycle).start(signal);
  new SchedulerDouble(cluster, options.scheduler).start(signal);
  new ReplicasDouble(cluster).start(signal);
  new DaemonsDouble(cluster).start(signal);
}
