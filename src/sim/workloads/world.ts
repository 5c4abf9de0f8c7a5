/** The controllers that a cluster in memory needs so that drains and reboots mean something. */
import type { SimCluster } from '../cluster/cluster.ts';
import { DaemonsDouble } from './daemons.ts';
import { type LifecycleOptions, NodeLifecycleDouble } from './lifecycle.ts';
import { ReplicasDouble } from './replicas.ts';
import { JobsDouble } from './jobs.ts';
import { SchedulerDouble, type SchedulerOptions } from './scheduler.ts';
import { StatefulSetsDouble } from './statefulsets.ts';
import { VolumesDouble } from './volumes.ts';

export interface WorkloadOptions {
  lifecycle?: LifecycleOptions;
  scheduler?: SchedulerOptions;
}

/** Starts the doubles of node lifecycle, scheduler, volumes and workload controllers; they end with the signal. */
export function startWorkloads(
  cluster: SimCluster,
  signal: AbortSignal,
  options: WorkloadOptions = {},
): void {
  new NodeLifecycleDouble(cluster, options.lifecycle).start(signal);
  new SchedulerDouble(cluster, options.scheduler).start(signal);
  new ReplicasDouble(cluster).start(signal);
  new DaemonsDouble(cluster).start(signal);
  new StatefulSetsDouble(cluster).start(signal);
  new JobsDouble(cluster).start(signal);
  new VolumesDouble(cluster).start(signal);
}
