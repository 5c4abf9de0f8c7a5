/**
 * A whole cluster in memory, on virtual time, from one seed: machines with simulated hosts, workloads, and the real
 * code of controller, API server and agents. Nothing in it opens a socket or reads a real clock.
 */
import { Leases } from '../../api/core.ts';
import { NAMESPACE } from '../../api/names.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import { refusalText, validateObject } from '../../api/validation/validate.ts';
import { silentLogger } from '../../runtime/log.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Clock, Random } from '../../runtime/clock.ts';
import type { KubernetesError, KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Call, Fault } from '../../sim/cluster/call.ts';
import { SimCluster } from '../../sim/cluster/cluster.ts';
import type { SimClient } from '../../sim/cluster/client.ts';
import { VirtualClock } from '../../sim/clock.ts';
import type { ClockView } from '../../sim/clock.ts';
import { UpdateRepository } from '../../sim/host/versions.ts';
import type { Durations } from '../../sim/host/durations.ts';
import { InvariantMonitor } from '../../sim/invariants/monitor.ts';
import { RebootMonitor } from '../../sim/invariants/reboots.ts';
import { seededRandom } from '../../sim/random.ts';
import { Wants } from '../../sim/actors/wants.ts';
import type { PowerEvent } from '../../sim/host/power.ts';
import { HARDWARE } from '../../sim/scenario/scenario.ts';
import type { NodePlan } from '../../sim/scenario/scenario.ts';
import { installWorkload, shopWorkloads } from '../../sim/workloads/plan.ts';
import type { WorkloadPlan } from '../../sim/workloads/plan.ts';
import { Network } from '../../sim/process/network.ts';
import { SimProcess } from '../../sim/process/simprocess.ts';
import type { Life } from '../../sim/process/life.ts';
import { startWorkloads } from '../../sim/workloads/world.ts';
import { admissionOf } from './admission.ts';
import { runApiReplica } from './apireplica.ts';
import { ApiBalancer } from './balancer.ts';
import type { Machine } from './machine.ts';
import { MachineRoom } from './machineroom.ts';
import { installOperator } from './workloads.ts';
import { LEASE, runControllerReplica } from './controllerreplica.ts';

export type { NodePlan } from '../../sim/scenario/scenario.ts';

export interface WorldOptions {
  seed: number | string;
  nodes: readonly NodePlan[];
  /** What the hosts run at the start. */
  version: string;
  /** What they are offered, `version` included. */
  releases: readonly string[];
  /** Wall clock at the start. */
  startMs: number;
  /** What runs besides the operator. @default a shop */
  workloads?: readonly WorkloadPlan[];
  logger?: Logger;
  durations?: Partial<Durations>;
  /** Told of every line of the world's log. */
  sink?: (line: string) => void;
  /** Asked about every call of the operator's processes and of the kubelets. @default no faults */
  faults?: (call: Call) => Fault | undefined;
  /** Asked about every event of every watch of theirs: how much later it arrives. @default never later */
  watchDelayMs?: (call: Call) => number;
  /** How far the clocks of the operator's processes may be off, and what they send may be late. @default 1000 */
  toleranceMs?: number;
  /** How old what they know may be. @default 150,000 */
  lagMs?: number;
}

const API_REPLICAS = 2;
const CONTROLLER_REPLICAS = 2;

/** A policy that the API would refuse. */
export class PolicyRefused extends Error {
  override readonly name = 'PolicyRefused';
}

/** See the head of this file. */
export class World {
  readonly clock: VirtualClock;
  readonly cluster: SimCluster;
  /** What others than the operator last wanted. */
  readonly wants = new Wants();
  /** Where the hosts find their releases. */
  readonly repository = new UpdateRepository();
  readonly monitor: InvariantMonitor;
  readonly reboots: RebootMonitor;
  readonly network: Network;
  /** Errors in which processes of the operator ended, though they should not have. */
  readonly crashes: unknown[] = [];
  readonly #processes: readonly SimProcess[];
  readonly #room: MachineRoom;
  readonly #clients = new Set<SimClient>();
  readonly #options: WorldOptions;
  readonly #stop = new AbortController();
  readonly #balancer: ApiBalancer;

  constructor(options: WorldOptions) {
    this.#options = options;
    const random = seededRandom(options.seed);
    this.#balancer = new ApiBalancer(random.fork('balancer'));
    this.clock = new VirtualClock({ startMs: options.startMs });
    this.cluster = new SimCluster({
      clock: this.clock,
      seed: options.seed,
      ...(options.sink === undefined ? {} : { log: { sink: options.sink } }),
    });
    this.cluster.install(UpdatePolicies, admissionOf('UpdatePolicy'));
    this.cluster.install(BottlerocketShadows, admissionOf('BottlerocketShadow'));
    const { toleranceMs, lagMs } = options;
    this.monitor = new InvariantMonitor({
      cluster: this.cluster,
      machines: () => this.machines,
      skewMs: () => Math.max(0, ...this.#processes.map(({ clock }) => Math.abs(clock.skewMs))),
      wants: this.wants,
      ...(toleranceMs === undefined ? {} : { toleranceMs }),
      ...(lagMs === undefined ? {} : { lagMs }),
    });
    this.network = new Network(this.clock);
    this.reboots = new RebootMonitor(this.monitor);
    for (const version of options.releases) {
      for (const hardware of HARDWARE) this.repository.publish({ ...hardware, version, waves: {} });
    }
    this.#room = new MachineRoom({
      shared: {
        cluster: this.cluster,
        network: this.network,
        balancer: this.#balancer,
        repository: this.repository,
        logger: this.#logger,
        ...(options.durations === undefined ? {} : { durations: options.durations }),
        onCrash: (error) => this.crashes.push(error),
      },
      random,
      reboots: this.reboots,
      portOf: (client, clock) => this.#client(client, clock),
      version: options.version,
    });
    for (const plan of options.nodes) this.#room.add(plan);
    this.#processes = [
      ...names('apiserver', API_REPLICAS).map((name) => this.#apiServer(name)),
      ...names('controller', CONTROLLER_REPLICAS).map((name) => this.#controller(name)),
    ];
  }

  get #logger(): Logger {
    return this.#options.logger ?? silentLogger;
  }

  /** Those that have not left for good. */
  get machines(): readonly Machine[] {
    return this.#room.machines;
  }

  /** A machine joins. */
  addMachine(plan: NodePlan): void {
    this.#room.add(plan);
  }

  /** The power of a machine goes for good; its Node is left to others. */
  retireMachine(name: string): void {
    this.#room.retire(name);
  }

  /** Calls `listener` with every event of power of every machine. */
  onPower(listener: (node: string, event: PowerEvent) => void): void {
    this.#room.onPower(listener);
  }

  /** Starts everything; time stands still until `clock` is moved. */
  start(): void {
    const { signal } = this.#stop;
    installOperator(this.cluster);
    this.monitor.start(signal);
    startWorkloads(this.cluster, signal);
    this.#room.start();
    const { workloads = shopWorkloads(this.machines.length) } = this.#options;
    for (const plan of workloads) installWorkload(this.cluster, plan);
    for (const each of this.#processes) each.start();
  }

  /** A process of the operator by its name, such as `controller-0`, `apiserver-1` or `agent-n1`, while there is one. */
  process(name: string): SimProcess | undefined {
    return (
      this.#processes.find((each) => each.name === name) ??
      this.machines.find((machine) => `agent-${machine.name}` === name)?.agent
    );
  }

  /** Name of the controller that holds the lease. */
  get leader(): string | undefined {
    const lease = this.cluster.peek(Leases, { name: LEASE, namespace: NAMESPACE });
    return lease?.spec?.holderIdentity?.split('_', 1)[0];
  }

  /** The wall clock of a controller or API server, or of a machine by its name. */
  wallClock(place: string): ClockView | undefined {
    const owners = [...this.#processes, ...this.machines];
    return owners.find(({ name }) => name === place)?.clock;
  }

  /** Breaks the open watches of all clients whose name this holds of. */
  cutWatches(isMeant: (client: string) => boolean, error?: KubernetesError): void {
    for (const client of this.#clients) if (isMeant(client.name)) client.cutWatches(error);
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the world ends'));
    for (const each of this.#processes) each.stop();
    const ended = this.#room.stop();
    await this.clock.advance(60_000);
    await ended;
  }

  /** As `kubectl apply`. @throws PolicyRefused with the API's words */
  applyPolicy(policy: UpdatePolicy): void {
    const { errors, object } = validateObject('UpdatePolicy', policy);
    const [first] = errors;
    if (first !== undefined) {
      throw new PolicyRefused(`UpdatePolicy ${policy.metadata.name} is invalid:\n${refusalText(errors)}`);
    }
    this.cluster.add(UpdatePolicies, object);
  }

  #client(name: string, clock?: Clock): SimClient {
    const { faults, watchDelayMs } = this.#options;
    const client = this.cluster.client({
      name,
      route: this.network.route(name, 'kubernetes'),
      ...(clock === undefined ? {} : { clock }),
      ...(faults === undefined ? {} : { faults }),
      ...(watchDelayMs === undefined ? {} : { watchDelayMs }),
    });
    this.#clients.add(client);
    return client;
  }

  /** The way of one life of a process to Kubernetes. */
  #portOf(life: Life): KubernetesPort {
    const client = this.#client(life.name, life.clock);
    life.onDeath(() => {
      client.crash();
      this.#clients.delete(client);
    });
    return life.port(client);
  }

  #apiServer(name: string): SimProcess {
    return this.#process(name, async (life, count) => {
      await runApiReplica({
        life,
        balancer: this.#balancer,
        port: this.#portOf(life),
        random: life.random(this.#randomOf(life, count)),
        logger: this.#logger.child({ component: 'apiserver', replica: name }),
      });
    });
  }

  #controller(name: string): SimProcess {
    return this.#process(name, async (life, count) => {
      await runControllerReplica({
        life,
        port: this.#portOf(life),
        identity: `${name}_${count}`,
        random: life.random(this.#randomOf(life, count)),
        logger: this.#logger.child({ component: 'controller', replica: name }),
      });
    });
  }

  #randomOf({ name }: Life, count: number): Random {
    return seededRandom(`${this.#options.seed}/${name}/${count}`);
  }

  #process(name: string, main: (life: Life, count: number) => Promise<void>): SimProcess {
    return new SimProcess({
      name,
      world: this.clock,
      clock: this.clock.skewed(0),
      main,
      onCrash: (error) => this.crashes.push(error),
    });
  }
}

const names = (of: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${of}-${index}`);
