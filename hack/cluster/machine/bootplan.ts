/** What a machine finds when it boots, as plain data: its files, what is mounted from outside, what pid 1 runs. */
import { join } from 'node:path';
import type { Image } from '../../../src/sim/host/versions.ts';
import { BOOT_ID_FILE, type MachineConfig, type Service } from './config.ts';
import { CNI_BIN_DIR, CNI_CONF_DIR, containerdConfig, networkConfig } from './containerd.ts';
import * as kubernetes from './kubernetes.ts';
import * as system from './system.ts';

/** Facts of one boot. */
export interface Boot {
  bootId: string;
  /** Undefined: an ordinary Linux machine keeps the os-release of the one it runs on. */
  image?: Image;
  /** Of pods. */
  cgroupRoot: string;
  /** Image of pod sandboxes. */
  sandboxImage: string;
  /** The texts of the certificate authorities. */
  ca: string;
  kubeletClientCa?: string;
}

export interface BootFile {
  /** On the machine. */
  path: string;
  text: string;
  /** @default 0o644 */
  mode?: number;
}

export interface BootPlan {
  files: readonly BootFile[];
  /** Paths of the outside, and where the machine has them. */
  mounts: readonly { from: string; to: string }[];
  /** Files over those below /proc/sys. */
  kernel: Readonly<Record<string, string>>;
  services: Readonly<Record<Service, readonly string[]>>;
}

const BIN_DIR = '/opt/bin';
const SECRET = 0o600;
/** Directories of a machine that outlive a power cut, by their name in its directory. */
export const KEPT = { kubelet: '/var/lib/kubelet', containerd: '/var/lib/containerd', log: '/var/log' };

const programs = (config: MachineConfig): Record<string, string> => ({
  containerd: config.programs.containerd,
  'containerd-shim-runc-v2': config.programs.shim,
  ctr: config.programs.ctr,
  kubelet: config.programs.kubelet,
  'kube-proxy': config.programs.kubeProxy,
  runc: config.programs.runc,
});

function filesOf(config: MachineConfig, boot: Boot): BootFile[] {
  const { server, tokens } = config;
  return [
    ...(boot.image === undefined ? [] : [{ path: '/etc/os-release', text: system.osRelease(boot.image) }]),
    { path: '/etc/hostname', text: `${config.name}\n` },
    { path: '/etc/machine-id', text: system.machineId(config) },
    { path: '/etc/hosts', text: system.hosts(config) },
    { path: '/etc/resolv.conf', text: system.resolvConf(config) },
    { path: BOOT_ID_FILE, text: `${boot.bootId}\n` },
    {
      path: '/etc/containerd/config.toml',
      text: containerdConfig({ sandboxImage: boot.sandboxImage, runc: `${BIN_DIR}/runc` }),
    },
    { path: `${CNI_CONF_DIR}/10-pods.conflist`, text: networkConfig(config.network.podCidr) },
    { path: kubernetes.CA_FILE, text: boot.ca },
    ...(boot.kubeletClientCa === undefined
      ? []
      : [{ path: kubernetes.KUBELET_CLIENT_CA, text: boot.kubeletClientCa }]),
    { path: kubernetes.KUBELET_CONFIG, text: kubernetes.kubeletConfig(config, boot.cgroupRoot) },
    {
      path: kubernetes.KUBELET_KUBECONFIG,
      text: kubernetes.machineKubeconfig(server, `system:node:${config.name}`, tokens.kubelet),
      mode: SECRET,
    },
    { path: kubernetes.KUBE_PROXY_CONFIG, text: kubernetes.kubeProxyConfig(config) },
    {
      path: kubernetes.KUBE_PROXY_KUBECONFIG,
      text: kubernetes.machineKubeconfig(server, 'system:kube-proxy', tokens.kubeProxy),
      mode: SECRET,
    },
  ];
}

/** See the head of this file. */
export const bootPlan = (config: MachineConfig, boot: Boot): BootPlan => ({
  files: filesOf(config, boot),
  mounts: [
    ...Object.entries(programs(config)).map(([name, from]) => ({ from, to: `${BIN_DIR}/${name}` })),
    { from: config.programs.cniDir, to: CNI_BIN_DIR },
    ...Object.entries(KEPT).map(([name, to]) => ({ from: join(config.dir, name), to })),
  ],
  kernel: { ...kubernetes.KERNEL_SETTINGS, 'kernel/random/boot_id': boot.bootId },
  services: {
    containerd: [`${BIN_DIR}/containerd`],
    kubelet: [`${BIN_DIR}/kubelet`, ...kubernetes.kubeletArgs(config)],
    'kube-proxy': [`${BIN_DIR}/kube-proxy`, ...kubernetes.kubeProxyArgs()],
  },
});
