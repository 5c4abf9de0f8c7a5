/** Builders and doubles for tests around machines. */
import type { BootOptions } from './boot.ts';
import type { HostConfig, MachineConfig, MachineSurroundings } from './config.ts';
import { Machine, type MachineChange } from './machine.ts';
import type { PoweredTree } from './processtree.ts';

/** A host that takes no time. */
export const HOST: HostConfig = {
  image: { arch: 'x86_64', variant: 'aws-k8s-1.36', version: '1.40.0' },
  releases: ['1.40.0', '1.41.0'],
  seed: 'node-1',
  durations: { refreshMs: 0, prepareMs: 0, activateMs: 0, shutdownMs: 1, bootMs: 1, panicMs: 0, answerMs: 0 },
};

export const machineConfig = (overrides: Partial<MachineConfig> = {}): MachineConfig => ({
  cluster: 'dev',
  name: 'node-1',
  index: 1,
  dir: '/state/machines/node-1',
  network: {
    address: '10.99.0.11',
    gateway: '10.99.0.1',
    prefixLength: 24,
    podCidr: '10.244.1.0/24',
    clusterCidr: '10.244.0.0/16',
  },
  server: 'https://10.99.0.1:6443',
  caFile: '/state/ca.crt',
  tokens: { kubelet: 'kubelet-token', kubeProxy: 'proxy-token' },
  dns: { address: '10.96.0.10', domain: 'cluster.local' },
  programs: {
    containerd: '/programs/containerd',
    shim: '/programs/containerd-shim-runc-v2',
    ctr: '/programs/ctr',
    kubelet: '/programs/kubelet',
    kubeProxy: '/programs/kube-proxy',
    pause: '/programs/pause',
    runc: '/usr/sbin/runc',
    cniDir: '/usr/lib/cni',
  },
  labels: { env: 'dev', 'topology.kubernetes.io/zone': 'test-1a' },
  images: [],
  ...overrides,
});

/** The processes of a machine, of which there are none. */
class TreeDouble implements PoweredTree {
  readonly pid: number;
  readonly ended: Promise<void>;
  asked = false;
  killed = false;
  /** Pid 1 ends by itself. */
  end: () => void = () => undefined;

  constructor(pid: number) {
    this.pid = pid;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  stop(): void {
    this.asked = true;
  }

  kill(): Promise<void> {
    this.killed = true;
    this.end();
    return this.ended;
  }
}

const atOnce: (options: BootOptions) => Promise<void> = () => Promise.resolve();

/** A machine whose boots are doubles, and everything that happened to it. */
export interface MachineBed {
  machine: Machine;
  changes: MachineChange[];
  /** One a boot, in order. */
  boots: { bootId: string; version: string | undefined; tree: TreeDouble }[];
  /** How often its cgroup was emptied. */
  emptied: () => number;
  /** Decides how long the next boots take, and whether they fail. */
  during: (boot: (options: BootOptions) => Promise<void>) => void;
}

export function machineBed(
  config: MachineConfig,
  surroundings: Partial<MachineSurroundings> = {},
): MachineBed {
  const boots: MachineBed['boots'] = [];
  const changes: MachineChange[] = [];
  let emptied = 0;
  let during = atOnce;
  const all: MachineSurroundings = {
    attach: () => Promise.resolve(),
    prepareCgroup: () => Promise.resolve('/brupop-dev/node-1'),
    emptyCgroup: async () => {
      emptied += 1;
      await surroundings.emptyCgroup?.();
    },
  };
  const machine = new Machine(config, all, async (options) => {
    options.signal.throwIfAborted();
    const tree = new TreeDouble(100 + boots.length);
    boots.push({ bootId: options.bootId, version: options.host?.image.version, tree });
    options.onTree(tree);
    await during(options);
    options.signal.throwIfAborted();
  });
  machine.onChange((change) => changes.push(change));
  return {
    machine,
    changes,
    boots,
    emptied: () => emptied,
    during: (next) => {
      during = next;
    },
  };
}
