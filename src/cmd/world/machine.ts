/**
 * One machine of a world in memory: a simulated Bottlerocket host, the double of its kubelet, and whatever container
 * of the agent that kubelet runs. They share their power: a reboot of the host ends the pods and silences the kubelet.
 */
import type { Pod } from '../../api/core.ts';
import { AGENT_SERVICE_ACCOUNT } from '../../api/names.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import type { SimCluster } from '../../sim/cluster/cluster.ts';
import type { ClockView } from '../../sim/clock.ts';
import { behaviourOf } from '../../sim/workloads/behaviour.ts';
import { areVolumesAttached } from '../../sim/workloads/volumes.ts';
import type { Durations } from '../../sim/host/durations.ts';
import { SimulatedHost } from '../../sim/host/host.ts';
import type { Network } from '../../sim/process/network.ts';
import type { SimProcess } from '../../sim/process/simprocess.ts';
import type { SeededRandom } from '../../sim/random.ts';
import type { UpdateRepository } from '../../sim/host/versions.ts';
import { KubeletDouble } from '../../sim/workloads/kubelet.ts';
import { AgentContainer } from './agentcontainer.ts';
import type { ApiBalancer } from './balancer.ts';

export interface MachineOptions {
  cluster: SimCluster;
  kubeletPort: KubernetesPort;
  network: Network;
  /** The machine's own, for all that runs on it. */
  clock: ClockView;
  balancer: ApiBalancer;
  repository: UpdateRepository;
  random: SeededRandom;
  logger: Logger;
  name: string;
  labels: Record<string, string>;
  variant: string;
  /** As Bottlerocket writes it: x86_64 or aarch64. */
  arch: string;
  version: string;
  durations?: Partial<Durations>;
  /** Wave position of the host. */
  updateSeed: number;
  /** Told when a process of ours ends in an error that it should not end in. */
  onCrash: (error: unknown) => void;
}

/**
 * What others do to a machine: its power goes and comes back, goes and stays away, or somebody reboots it in order. `reset`:
 * its kubelet begins anew, as after a restart of the service.
 */
export type Interruption = 'powerCycle' | 'off' | 'on' | 'reboot' | 'reset';

/** `status.nodeInfo.osImage` of a host that runs a version. */
export const osImageOf = (version: string, variant: string): string =>
  `Bottlerocket OS ${version} (${variant})`;

/** See the head of this file. */
export class Machine {
  readonly name: string;
  readonly host: SimulatedHost;
  readonly kubelet: KubeletDouble;
  readonly #options: MachineOptions;
  #agent: AgentContainer | undefined;
  #lives = 0;
  #isInterrupted = false;

  constructor(options: MachineOptions) {
    const { cluster, name, variant, arch, version, random } = options;
    this.#options = options;
    this.name = name;
    this.host = new SimulatedHost({
      clock: cluster.clock,
      random: random.fork('host'),
      image: { arch, variant, version },
      repository: options.repository,
      updates: { seed: options.updateSeed },
      ...(options.durations === undefined ? {} : { durations: options.durations }),
    });
    this.kubelet = new KubeletDouble({
      port: options.kubeletPort,
      clock: options.clock,
      nodeName: name,
      labels: options.labels,
      bootId: this.host.bootId,
      osImage: osImageOf(version, variant),
      readyMs: 8_000,
      podStartMs: 3_000,
      podStopMs: 2_000,
      podTimes: behaviourOf,
      mayStart: (pod) => areVolumesAttached(cluster, pod),
      architecture: arch === 'aarch64' ? 'arm64' : 'amd64',
      onPodStarted: (pod) => this.#podStarted(pod),
      onPodStopping: (pod) => this.#podStopping(pod),
      onPodStopped: (pod) => this.#podStopped(pod),
    });
    this.host.onPower((event) => {
      if (event.type === 'down') this.kubelet.powerOff();
      if (event.type === 'up') this.#isInterrupted = false;
      if (event.type === 'up' && !this.kubelet.isOn) {
        this.kubelet.powerOn({ bootId: event.bootId, osImage: osImageOf(event.version, variant) });
      }
    });
  }

  /** The wall clock of the machine. */
  get clock(): ClockView {
    return this.#options.clock;
  }

  /** The agent, while there is one. */
  get agent(): SimProcess | undefined {
    return this.#agent?.process;
  }

  /** Whether others are why the power goes: true while they do something about it. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Somebody else than the operator does something to the machine. */
  interrupt(how: Interruption): void {
    const { host, kubelet } = this;
    // A reboot in order takes its time; it is theirs when it begins.
    if (how === 'reboot' && host.power === 'on') {
      this.#isInterrupted = true;
      host.shutDown();
      return;
    }
    if (how === 'reset' && kubelet.isOn) {
      kubelet.powerOff();
      kubelet.powerOn({ bootId: host.bootId, osImage: osImageOf(host.image.version, this.#options.variant) });
    }
    const wasInterrupted = this.#isInterrupted;
    this.#isInterrupted = true;
    if (how === 'powerCycle') host.powerCycle();
    if (how === 'off') host.powerOff();
    if (how === 'on') host.powerOn();
    // The power has gone at once, or nothing has happened.
    this.#isInterrupted = wasInterrupted && host.power === 'shuttingDown';
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.kubelet.run(signal);
    this.#agent?.kill();
  }

  #podStarted(pod: Pod): void {
    if (pod.spec?.serviceAccountName !== AGENT_SERVICE_ACCOUNT) return;
    this.#agent?.kill();
    const { cluster, network, clock, balancer, logger, random, onCrash } = this.#options;
    this.#lives += 1;
    const life = `agent-${this.#lives}`;
    this.#agent = new AgentContainer({
      node: this.name,
      cluster,
      network,
      clock,
      balancer,
      host: this.host,
      pod,
      onCrash,
      random: random.fork(life),
      logger: logger.child({ component: 'agent', node: this.name }),
    });
    this.#agent.start();
  }

  #podStopping(pod: Pod): Promise<void> {
    if (this.#agent?.podUid === pod.metadata.uid) this.#agent?.terminate();
    return Promise.resolve();
  }

  #podStopped(pod: Pod): void {
    if (this.#agent?.podUid !== pod.metadata.uid) return;
    this.#agent?.kill();
    this.#agent = undefined;
  }
}
