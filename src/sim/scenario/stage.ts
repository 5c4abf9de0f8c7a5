/** What the events of a scenario can touch. The world of the simulation is one; nothing here knows what is in it. */
import type { SimCluster } from '../cluster/cluster.ts';
import type { Call, Fault } from '../cluster/call.ts';
import type { ClockView, VirtualClock } from '../clock.ts';
import type { SimulatedHost } from '../host/host.ts';
import type { KubernetesError } from '../../runtime/kubernetes.ts';
import type { Network } from '../process/network.ts';
import type { SimProcess } from '../process/simprocess.ts';
import type { SeededRandom } from '../random.ts';
import type { UpdateRepository } from '../host/versions.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { Wants } from '../actors/wants.ts';
import type { KubeletDouble } from '../workloads/kubelet.ts';
import type { NodePlan } from './scenario.ts';

/** A machine as events see it. */
export interface StagedMachine {
  readonly name: string;
  readonly host: SimulatedHost;
  readonly kubelet: KubeletDouble;
  /** Others take its power away, give it back, reboot it in order, or restart its kubelet. */
  interrupt(how: 'powerCycle' | 'off' | 'on' | 'reboot' | 'reset'): void;
}

/** Answers what goes wrong with a call; undefined = nothing. */
export type FaultSource = (call: Call) => Fault | undefined;

/** Answers by how much an event of a watch is late; undefined = not at all. */
export type DelaySource = (watch: Call) => number | undefined;

/** Stands for the controller that holds the lease at that moment, where the name of a process is asked for. */
export const LEADER = 'leader';

/** See the head of this file. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly cluster: SimCluster;
  readonly machines: readonly StagedMachine[];
  /** Of this event alone. */
  readonly random: SeededRandom;
  /** What others than the operator last wanted. */
  readonly wants: Wants;
  /** Where the hosts find their releases. */
  readonly repository: UpdateRepository;
  /** A machine joins. */
  addMachine(plan: NodePlan): void;
  /** The power of a machine goes for good. */
  retireMachine(name: string): void;
  /** As `kubectl apply` of a policy that is not there. @throws Error when the API refuses it */
  applyPolicy(policy: UpdatePolicy): void;
  /** Adds a source of faults of the Kubernetes API. @returns takes it away */
  addFaults(source: FaultSource): () => void;
  /** Adds a source of delays of watches. @returns takes it away */
  addWatchDelay(source: DelaySource): () => void;
  /** Breaks the open watches of all clients whose name this holds of, with an error or quietly. */
  cutWatches(isMeant: (client: string) => boolean, error?: KubernetesError): void;
  /** A process of the operator: `leader`, `controller-0`, `apiserver-1`, `agent-n1`; undefined while there is none. */
  process(name: string): SimProcess | undefined;
  /** The wall clock of a process of the operator, or of a machine by the name of its node. */
  wallClock(place: string): ClockView | undefined;
  readonly network: Network;
  /** Called when faults stop: whatever an event has broken for good is mended here. */
  onCalm(mend: () => void): void;
}
