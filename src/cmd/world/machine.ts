/**
 * One machine of a world in memory: a simulated Bottlerocket host, the double of its kubelet, and whatever container
 * of the agent that kubelet runs. They share their power: a reboot of the host ends the pods and silences the kubelet.
 */
import type { Pod } from '../../api/core.ts';
import { AGENT_SERVICE_ACCOUNT } from '../../api/names.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import type { SimCluster } from '../../sim/cluster/cluster.ts';
import type { Random } from '../../runtime/clock.ts';
import type { Durations } from '../../sim/host/durations.ts';
import { SimulatedHost } from '../../sim/host/host.ts';
import type { UpdateRepository } from '../../sim/host/versions.ts';
import { KubeletDouble } from '../../sim/workloads/kubelet.ts';
import { AgentContainer } from './agentcontainer.ts';
import type { ApiBalancer } from './balancer.ts';

export interface MachineOptions {
  cluster: SimCluster;
  kubeletPort: KubernetesPort;
  balancer: ApiBalancer;
  repository: UpdateRepository;
  random: Random & { fork(name: string): Random };
  logger: Logger;
  name: string;
  labels: Record<string, string>;
  variant: string;
  version: string;
  durations?: Partial<Durations>;
  /** Wave position of the host. */
  updateSeed: number;
}

const ARCH = 'x86_64';

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

  constructor(options: MachineOptions) {
    const { cluster, name, variant, version, random } = options;
    this.#options = options;
    this.name = name;
    this.host = new SimulatedHost({
      clock: cluster.clock,
      random: random.fork('host'),
      image: { arch: ARCH, variant, version },
      repository: options.repository,
      updates: { seed: options.updateSeed },
      ...(options.durations === undefined ? {} : { durations: options.durations }),
    });
    this.kubelet = new KubeletDouble({
      port: options.kubeletPort,
      clock: cluster.clock,
      nodeName: name,
      labels: options.labels,
      bootId: this.host.bootId,
      osImage: osImageOf(version, variant),
      readyMs: 8_000,
      podStartMs: 3_000,
      podStopMs: 2_000,
      onPodStarted: (pod) => this.#podStarted(pod),
      onPodStopped: (pod) => this.#podStopped(pod),
    });
    this.host.onPower((event) => {
      if (event.type === 'down') this.kubelet.powerOff();
      if (event.type === 'up' && !this.kubelet.isOn) {
        this.kubelet.powerOn({ bootId: event.bootId, osImage: osImageOf(event.version, variant) });
      }
    });
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.kubelet.run(signal);
    this.#agent?.kill();
  }

  #podStarted(pod: Pod): void {
    if (pod.spec?.serviceAccountName !== AGENT_SERVICE_ACCOUNT) return;
    this.#agent?.kill();
    const { cluster, balancer, logger, random } = this.#options;
    this.#lives += 1;
    const life = `agent-${this.#lives}`;
    this.#agent = new AgentContainer({
      cluster,
      balancer,
      host: this.host,
      pod,
      random: random.fork(life),
      logger: logger.child({ component: 'agent', node: this.name }),
    });
    this.#agent.start();
  }

  #podStopped(pod: Pod): void {
    if (this.#agent?.podUid !== pod.metadata.uid) return;
    this.#agent?.kill();
    this.#agent = undefined;
  }
}
