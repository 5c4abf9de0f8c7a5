/** What the operator's pods use, as the kubelets measure it, and what they asked of kube-apiserver. */
import { Pods } from '../../../src/api/core.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import type { RealCluster } from '../../cluster/story/cluster.ts';
import { parseRequests, sum, type Requests } from '../rollout/requests.ts';

export const COMPONENTS = ['controller', 'apiserver', 'agent'] as const;
export type Component = (typeof COMPONENTS)[number];

interface Summary {
  pods: {
    podRef: { name: string; namespace: string; uid: string };
    cpu?: { time: string; usageCoreNanoSeconds?: number };
    memory?: { workingSetBytes?: number };
  }[];
}

/** One pod over the time it was looked at. */
interface PodUsage {
  component: Component;
  workingSetBytes: number;
  first: CpuSample;
  last: CpuSample;
}

interface CpuSample {
  atMs: number;
  cpuMs: number;
}

export interface ComponentUsage {
  /** Of the pod that used most. */
  workingSetBytes: number;
  /** Of the pod that used most, in thousandths of a core. */
  millicores: number;
}

const OWN = /^brupop-(controller|apiserver|agent)-/;
const componentOf = (name: string): Component | undefined => OWN.exec(name)?.[1] as Component | undefined;

/** Least stretch of time over which a rate says anything: kubelets look every 10 to 15 s. */
const LEAST_MS = 10_000;

function millicoresOf({ first, last }: PodUsage): number {
  const ms = last.atMs - first.atMs;
  return ms < LEAST_MS ? 0 : ((last.cpuMs - first.cpuMs) / ms) * 1_000;
}

/** Remembers what was seen of every pod, also of those that are gone; a new one begins anew. */
export class Usage {
  readonly #cluster: RealCluster;
  readonly #pods = new Map<string, PodUsage>();
  readonly #requests = new Map<string, Requests>();

  constructor(cluster: RealCluster) {
    this.#cluster = cluster;
  }

  /** Looks once. Machines and pods that do not answer are passed over. */
  async look(): Promise<void> {
    const machines = [...this.#cluster.nodes, 'infra-1'];
    await Promise.all([...machines.map((machine) => this.#lookAt(machine)), this.#count()]);
  }

  of(component: Component): ComponentUsage {
    const pods = [...this.#pods.values()].filter((pod) => pod.component === component);
    return {
      workingSetBytes: Math.max(0, ...pods.map(({ workingSetBytes }) => workingSetBytes)),
      millicores: Math.max(0, ...pods.map(millicoresOf)),
    };
  }

  /** All requests of controllers and API servers since they were started. */
  get requests(): Requests {
    return sum([...this.#requests.values()]);
  }

  async #lookAt(machine: string): Promise<void> {
    const path = `/api/v1/nodes/${machine}/proxy/stats/summary`;
    const text = await this.#cluster.kubectl(['get', '--raw', path]).catch(() => '');
    if (text === '') return;
    for (const { podRef, cpu, memory } of (JSON.parse(text) as Summary).pods) {
      const component = podRef.namespace === NAMESPACE ? componentOf(podRef.name) : undefined;
      if (component === undefined || cpu?.usageCoreNanoSeconds === undefined) continue;
      const sample = { atMs: Date.parse(cpu.time), cpuMs: cpu.usageCoreNanoSeconds / 1e6 };
      const known = this.#pods.get(podRef.uid);
      // Counting begins anew when its machine does.
      const first = known === undefined || sample.cpuMs < known.last.cpuMs ? sample : known.first;
      const workingSetBytes = Math.max(known?.workingSetBytes ?? 0, memory?.workingSetBytes ?? 0);
      this.#pods.set(podRef.uid, { component, workingSetBytes, first, last: sample });
    }
  }

  async #count(): Promise<void> {
    const { items } = await this.#cluster.kubernetes.list(Pods, { namespace: NAMESPACE });
    await Promise.all(
      items
        .filter(({ metadata }) => ['controller', 'apiserver'].includes(componentOf(metadata.name) ?? ''))
        .map(async ({ metadata }) => {
          const path = `/api/v1/namespaces/${NAMESPACE}/pods/${metadata.name}:8080/proxy/metrics`;
          const text = await this.#cluster.kubectl(['get', '--raw', path]).catch(() => '');
          if (text !== '') this.#requests.set(metadata.uid ?? '', parseRequests(text));
        }),
    );
  }
}
