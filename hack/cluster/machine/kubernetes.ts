/** Configuration of kubelet and kube-proxy. */
import { stringify } from 'yaml';
import type { MachineConfig } from './config.ts';
import { CONTAINERD_SOCKET } from './containerd.ts';

/** Where everything of Kubernetes is configured on a machine. */
const DIR = '/etc/kubernetes';
export const KUBELET_CONFIG = `${DIR}/kubelet.yaml`;
export const KUBELET_KUBECONFIG = `${DIR}/kubelet.kubeconfig`;
export const KUBELET_CLIENT_CA = `${DIR}/kubelet-client-ca.crt`;
export const KUBE_PROXY_CONFIG = `${DIR}/kube-proxy.yaml`;
export const KUBE_PROXY_KUBECONFIG = `${DIR}/kube-proxy.kubeconfig`;
export const CA_FILE = `${DIR}/ca.crt`;

/** Kernel settings that a kubelet would otherwise change, and with them those of the machine it really runs on. */
export const KERNEL_SETTINGS: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

function access(config: MachineConfig): Record<string, unknown> {
  if (config.kubeletClientCaFile === undefined)
    return {
      authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
    };
  return {
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: KUBELET_CLIENT_CA },
    },
    authorization: { mode: 'Webhook' },
  };
}

/** @param cgroupRoot the cgroup, made beforehand, below which pods get theirs */
export const kubeletConfig = (config: MachineConfig, cgroupRoot: string): string =>
  stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    ...access(config),
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    clusterDNS: [config.dns.address],
    clusterDomain: config.dns.domain,
    resolvConf: '/etc/resolv.conf',
    providerID: config.providerID ?? `cluster:///${config.cluster}/${config.name}`,
    ...(config.taints === undefined ? {} : { registerWithTaints: config.taints }),
    // Whatever the machine has on which the cluster runs.
    failSwapOn: false,
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    enforceNodeAllocatable: [],
    oomScoreAdj: 0,
    // Several machines share one disk and one memory: only an empty one is a reason to evict.
    evictionHard: { 'memory.available': '64Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    volumePluginDir: '/var/lib/kubelet/plugins-exec',
    // Ready is reported as soon as it is so, and changes are noticed quickly.
    nodeStatusUpdateFrequency: '2s',
    nodeStatusReportFrequency: '10s',
    syncFrequency: '10s',
    // What was killed again and again to see what becomes of it is back each time before one has to wait for it.
    crashLoopBackOff: { maxContainerRestartPeriod: '2s' },
    volumeStatsAggPeriod: '10s',
    serializeImagePulls: false,
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    // As on Bottlerocket, where it is off unless somebody sets it.
    shutdownGracePeriod: '0s',
    shutdownGracePeriodCriticalPods: '0s',
  });

export const kubeletArgs = ({ name, network, labels }: MachineConfig): string[] => [
  `--config=${KUBELET_CONFIG}`,
  `--kubeconfig=${KUBELET_KUBECONFIG}`,
  '--root-dir=/var/lib/kubelet',
  '--cert-dir=/var/lib/kubelet/pki',
  `--hostname-override=${name}`,
  `--node-ip=${network.address}`,
  `--node-labels=${Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')}`,
];

export const kubeProxyConfig = ({ name, network }: MachineConfig): string =>
  stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clientConnection: { kubeconfig: KUBE_PROXY_KUBECONFIG },
    hostnameOverride: name,
    clusterCIDR: network.clusterCidr,
    // The kernel's connection table belongs to the machine on which the cluster runs.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  });

export const kubeProxyArgs = (): string[] => [`--config=${KUBE_PROXY_CONFIG}`];

/** A kubeconfig that carries a token. */
export const machineKubeconfig = (server: string, user: string, token: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'cluster',
    clusters: [{ name: 'cluster', cluster: { server, 'certificate-authority': CA_FILE } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'cluster', context: { cluster: 'cluster', user } }],
  });
