/** All machines of a world: those it begins with, those that join, and those that leave for good. */
import type { Clock } from '../../runtime/clock.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { PowerEvent } from '../../sim/host/power.ts';
import type { RebootMonitor } from '../../sim/invariants/reboots.ts';
import type { SeededRandom } from '../../sim/random.ts';
import { HARDWARE } from '../../sim/scenario/scenario.ts';
import type { NodePlan } from '../../sim/scenario/scenario.ts';
import { Machine } from './machine.ts';
import type { Interruption, MachineOptions } from './machine.ts';

/** What all machines share. */
export type SharedByMachines = Pick<
  MachineOptions,
  'cluster' | 'network' | 'balancer' | 'repository' | 'logger' | 'durations' | 'onCrash'
>;

export interface MachineRoomOptions {
  shared: SharedByMachines;
  random: SeededRandom;
  reboots: RebootMonitor;
  /** The way of a kubelet to Kubernetes. */
  portOf: (client: string, clock?: Clock) => KubernetesPort;
  /** What hosts run that do not say otherwise. */
  version: string;
}

/** See the head of this file. */
export class MachineRoom {
  readonly #options: MachineRoomOptions;
  readonly #machines: Machine[] = [];
  readonly #ends = new Map<Machine, AbortController>();
  readonly #running: Promise<void>[] = [];
  readonly #listeners: ((node: string, event: PowerEvent) => void)[] = [];
  #count = 0;
  #isStarted = false;

  constructor(options: MachineRoomOptions) {
    this.#options = options;
  }

  /** Those that have not left. */
  get machines(): readonly Machine[] {
    return this.#machines;
  }

  /** Calls `listener` with every event of power of every machine, those of the future too. */
  onPower(listener: (node: string, event: PowerEvent) => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    this.#isStarted = true;
    for (const machine of this.#machines) this.#run(machine);
  }

  /** A machine joins. */
  add(plan: NodePlan): Machine {
    const { shared, random, portOf, reboots, version } = this.#options;
    const { name, labels } = plan;
    const [{ arch, variant }] = HARDWARE;
    const index = this.#count++;
    // The name may have been that of another before.
    const birth = this.#isStarted ? `machine-${name}-${index}` : `machine-${name}`;
    const clock = shared.cluster.clock.skewed(0);
    const machine = new Machine({
      ...shared,
      clock,
      kubeletPort: portOf(`kubelet-${name}`),
      random: random.fork(birth),
      name,
      labels,
      variant: plan.variant ?? variant,
      arch: plan.arch ?? arch,
      version: plan.version ?? version,
      updateSeed: plan.waveSeed ?? (index * 167) % 2048,
    });
    machine.host.onPower((event) => {
      if (event.type === 'down' && machine.isInterrupted) reboots.onOthers(name, event);
      else reboots.onPower(name, event);
      for (const listener of this.#listeners) listener(name, event);
    });
    this.#machines.push(machine);
    if (this.#isStarted) this.#run(machine);
    return machine;
  }

  /** The power of a machine goes and never comes back; whatever Kubernetes knows of it, others have to remove. */
  retire(name: string): void {
    const at = this.#machines.findIndex((machine) => machine.name === name);
    const machine = this.#machines[at];
    if (machine === undefined) return;
    this.#machines.splice(at, 1);
    machine.interrupt('off' satisfies Interruption);
    this.#ends.get(machine)?.abort();
  }

  /** Ends them all. */
  async stop(): Promise<void> {
    for (const end of this.#ends.values()) end.abort(new Error('the world ends'));
    await Promise.allSettled(this.#running);
  }

  #run(machine: Machine): void {
    const end = new AbortController();
    this.#ends.set(machine, end);
    this.#running.push(machine.run(end.signal));
  }
}
