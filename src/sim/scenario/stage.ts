/** What the events of a scenario can touch. The world of the simulation is one; nothing here knows what is in it. */
import type { SimCluster } from '../cluster/cluster.ts';
import type { Call, Fault } from '../cluster/call.ts';
import type { VirtualClock } from '../clock.ts';
import type { SimulatedHost } from '../host/host.ts';
import type { SeededRandom } from '../random.ts';
import type { KubeletDouble } from '../workloads/kubelet.ts';

/** A machine as events see it. */
export interface StagedMachine {
  readonly name: string;
  readonly host: SimulatedHost;
  readonly kubelet: KubeletDouble;
}

/** Answers what goes wrong with a call; undefined = nothing. */
export type FaultSource = (call: Call) => Fault | undefined;

/** See the head of this file. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly cluster: SimCluster;
  readonly machines: readonly StagedMachine[];
  /** Of this event alone. */
  readonly random: SeededRandom;
  /** Adds a source of faults of the Kubernetes API. @returns takes it away */
  addFaults(source: FaultSource): () => void;
  /** Called when faults stop: whatever an event has broken for good is mended here. */
  onCalm(mend: () => void): void;
}
