/** What a machine is told: plain data, and the three things that whoever holds the cluster does for it. */
import type { Durations } from '../../../src/sim/host/durations.ts';
import type { Image } from '../../../src/sim/host/versions.ts';

/** Programs that run on every machine; absolute paths. */
export interface MachinePrograms {
  containerd: string;
  /** `containerd-shim-runc-v2`; containerd looks for it on its PATH. */
  shim: string;
  ctr: string;
  kubelet: string;
  kubeProxy: string;
  /** The static program of which the image of pod sandboxes is made. */
  pause: string;
  /** Debian's. */
  runc: string;
  /** Directory of the CNI plugins `ptp`, `host-local`, `loopback` and `portmap`. */
  cniDir: string;
}

export interface Taint {
  key: string;
  value?: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** The machine in the network of its cluster. */
export interface MachineNetwork {
  /** Its own address, as the kubelet reports it. */
  address: string;
  /** Address of the bridge: the control plane and CoreDNS are there. */
  gateway: string;
  prefixLength: number;
  /** Range of the addresses of its pods. */
  podCidr: string;
  /** Range of the addresses of the pods of all machines. */
  clusterCidr: string;
}

/** What makes a machine a Bottlerocket host. */
export interface HostConfig {
  /** What it runs at first. */
  image: Image;
  /** Versions its repository offers, of the same variant and architecture. */
  releases: readonly string[];
  /** Decides its boot ids and how long things take. */
  seed: string;
  /** How long things take. @default FAST_HOST */
  durations?: Partial<Durations>;
}

export interface MachineConfig {
  /** Name of the cluster. */
  cluster: string;
  /** Name of the machine and of its Node. */
  name: string;
  /** From 1. */
  index: number;
  /** Everything of it that outlives a power cut; made when it is not there. */
  dir: string;
  network: MachineNetwork;
  /** URL of kube-apiserver. */
  server: string;
  /** Certificate authority of kube-apiserver, PEM. */
  caFile: string;
  /**
   * Certificate authority of the client certificate that kube-apiserver shows to kubelets, PEM.
   * @default kubelets answer everybody who reaches them, which nobody outside the cluster's own network does
   */
  kubeletClientCaFile?: string;
  /** Tokens of `system:node:NAME` in the group `system:nodes`, and of `system:kube-proxy`. */
  tokens: { kubelet: string; kubeProxy: string };
  dns: { address: string; domain: string };
  programs: MachinePrograms;
  /** Labels of the Node: those that a kubelet may give itself. */
  labels: Readonly<Record<string, string>>;
  /** Taints it registers with. @default none */
  taints?: readonly Taint[];
  /** @default `cluster:///CLUSTER/NAME` */
  providerID?: string;
  /** OCI archives that containerd has before the kubelet starts. */
  images: readonly string[];
  /** @default an ordinary Linux machine */
  host?: HostConfig;
}

/** What is done for a machine from outside it. */
export interface MachineSurroundings {
  /**
   * Gives the network namespace of process `pid` its interface, address and routes. Called at every power-on, before
   * anything of the machine needs the network.
   */
  attach(pid: number): Promise<void>;
  /** Makes the cgroup below which the kubelet makes those of pods, in every controller. @returns its path */
  prepareCgroup(): Promise<string>;
  /** Removes everything below that cgroup; called when the processes in it have ended. */
  emptyCgroup(): Promise<void>;
}

/** The same boot id as `/proc/sys/kernel/random/boot_id` of the machine, for pods: their own `/proc` shows the kernel's. */
export const BOOT_ID_FILE = '/run/boot-id';

/** A host that one likes to watch: down and up again in about 5 s. */
export const FAST_HOST: Partial<Durations> = {
  refreshMs: [200, 600],
  prepareMs: [1500, 3000],
  activateMs: [200, 500],
  deactivateMs: [200, 500],
  shutdownMs: [500, 1500],
  bootMs: [2000, 4000],
  panicMs: 1000,
  apiRestartMs: 1000,
};

/**
 * `off`: without power. `booting`: firmware, loader and system, until containerd answers. `on`. `stopping`: an orderly
 * shutdown. `hung`: will not go on without a power cycle.
 */
export type MachineState = 'off' | 'booting' | 'on' | 'stopping' | 'hung';

/** The programs that pid 1 keeps running, and pid 1. */
export const SERVICES = ['containerd', 'kubelet', 'kube-proxy'] as const;
export type Service = (typeof SERVICES)[number];
