/**
 * A whole cluster in memory, on virtual time, from one seed: machines with simulated hosts, workloads, and the real
 * code of controller, API server and agents. Nothing in it opens a socket or reads a real clock.
 */
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { KINDS } from '../../api/definitions.ts';
import { refusalText, validateObject } from '../../api/validation/validate.ts';
import { AgentApi } from '../../apiserver/agentapi.ts';
import { Feeds } from '../../apiserver/feeds.ts';
import { NAMESPACE } from '../../api/names.ts';
import { silentLogger } from '../../runtime/log.ts';
import type { Logger } from '../../runtime/log.ts';
import { noMetrics } from '../../runtime/metrics.ts';
import type { KubeObject } from '../../runtime/kubernetes.ts';
import type { Call, Fault } from '../../sim/cluster/call.ts';
import { SimCluster } from '../../sim/cluster/cluster.ts';
import type { SimClient } from '../../sim/cluster/client.ts';
import type { Admission } from '../../sim/cluster/definition.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { UpdateRepository } from '../../sim/host/versions.ts';
import type { Durations } from '../../sim/host/durations.ts';
import { InvariantMonitor } from '../../sim/invariants/monitor.ts';
import { RebootMonitor } from '../../sim/invariants/reboots.ts';
import { seededRandom } from '../../sim/random.ts';
import { startWorkloads } from '../../sim/workloads/world.ts';
import { ApiBalancer } from './balancer.ts';
import { Machine } from './machine.ts';
import { installOperator, installShop } from './workloads.ts';
import { runControllerReplica } from './controllerreplica.ts';

/** A node of the world. */
export interface NodePlan {
  name: string;
  labels: Record<string, string>;
}

export interface WorldOptions {
  seed: number | string;
  nodes: readonly NodePlan[];
  /** What the hosts run at the start. */
  version: string;
  /** What they are offered, `version` included. */
  releases: readonly string[];
  /** Wall clock at the start. */
  startMs: number;
  logger?: Logger;
  durations?: Partial<Durations>;
  /** Told of every line of the world's log. */
  sink?: (line: string) => void;
  /** Asked about every call of the operator's processes and of the kubelets. @default no faults */
  faults?: (call: Call) => Fault | undefined;
}

const VARIANT = 'aws-k8s-1.36';
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
  readonly machines: readonly Machine[];
  readonly monitor: InvariantMonitor;
  readonly reboots: RebootMonitor;
  readonly #options: WorldOptions;
  readonly #stop = new AbortController();
  readonly #balancer = new ApiBalancer();
  #running: Promise<unknown>[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    const random = seededRandom(options.seed);
    this.clock = new VirtualClock({ startMs: options.startMs });
    this.cluster = new SimCluster({
      clock: this.clock,
      seed: options.seed,
      ...(options.sink === undefined ? {} : { log: { sink: options.sink } }),
    });
    this.cluster.install(UpdatePolicies, admissionOf('UpdatePolicy'));
    this.cluster.install(BottlerocketShadows, admissionOf('BottlerocketShadow'));
    this.monitor = new InvariantMonitor({ cluster: this.cluster });
    this.reboots = new RebootMonitor(this.cluster, this.monitor);
    const repository = new UpdateRepository();
    for (const version of options.releases) {
      repository.publish({ arch: 'x86_64', variant: VARIANT, version, waves: {} });
    }
    this.machines = options.nodes.map(({ name, labels }, index) => {
      const machine = new Machine({
        cluster: this.cluster,
        kubeletPort: this.#client(`kubelet-${name}`),
        balancer: this.#balancer,
        repository,
        random: random.fork(`machine-${name}`),
        logger: this.#logger,
        name,
        labels,
        variant: VARIANT,
        version: options.version,
        updateSeed: (index * 167) % 2048,
        ...(options.durations === undefined ? {} : { durations: options.durations }),
      });
      machine.host.onPower((event) => this.reboots.onPower(name, event));
      return machine;
    });
  }

  get #logger(): Logger {
    return this.#options.logger ?? silentLogger;
  }

  /** Starts everything; time stands still until `clock` is moved. */
  start(): void {
    const { signal } = this.#stop;
    installOperator(this.cluster);
    this.monitor.start(signal);
    startWorkloads(this.cluster, signal);
    this.#running = this.machines.map((machine) => machine.run(signal));
    installShop(this.cluster, this.machines.length);
    for (let i = 0; i < API_REPLICAS; i++) this.#running.push(this.#runApiServer(i, signal));
    for (let i = 0; i < CONTROLLER_REPLICAS; i++) {
      const identity = `controller-${i}`;
      const random = seededRandom(`${this.#options.seed}/${identity}`);
      const logger = this.#logger.child({ component: 'controller', replica: i });
      this.#running.push(
        runControllerReplica(
          { clock: this.clock, port: this.#client(identity), identity, random, logger },
          signal,
        ),
      );
    }
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the world ends'));
    await this.clock.advance(60_000);
    await Promise.allSettled(this.#running);
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

  #client(name: string): SimClient {
    const { faults } = this.#options;
    return this.cluster.client({ name, ...(faults === undefined ? {} : { faults }) });
  }

  async #runApiServer(index: number, signal: AbortSignal): Promise<void> {
    const name = `apiserver-${index}`;
    const options = {
      kubernetes: this.#client(name),
      clock: this.clock,
      random: seededRandom(`${this.#options.seed}/${name}`),
      log: this.#logger.child({ component: 'apiserver', replica: index }),
      metrics: noMetrics,
      namespace: NAMESPACE,
    };
    const api = new AgentApi(options);
    const feeds = new Feeds({ ...options, api });
    this.#balancer.add(api);
    try {
      await Promise.all([feeds.run(signal), api.run(signal)]);
    } finally {
      this.#balancer.remove(api);
    }
  }
}

/** The schema of a kind as admission: the very rules that the CRD carries. */
function admissionOf(kind: keyof typeof KINDS): Admission {
  return {
    prepare: (object) => validateObject(kind, object as KubeObject).object as typeof object,
    validate: (object, old) =>
      validateObject(kind, object as KubeObject, old as KubeObject | undefined).errors.map(
        ({ path, message, reason }) => ({ field: path, message, reason }),
      ),
  };
}
