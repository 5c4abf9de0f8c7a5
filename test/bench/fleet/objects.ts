/** Nodes and pods as large as kubelets make them: what is left out by the copies has to be read first. */
import type { Node, Pod } from '../../../src/api/core.ts';
import { APISERVER_SERVICE_ACCOUNT, NAMESPACE } from '../../../src/api/names.ts';
import { rfc3339 } from '../../../src/runtime/clock.ts';
import { podTemplate } from '../manifest.ts';
import { agentPodOf, nodeName, nodeOf } from '../objects.ts';

const IMAGES = 25;
const CONDITIONS = {
  MemoryPressure: ['False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  DiskPressure: ['False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  PIDPressure: ['False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  Ready: ['True', 'KubeletReady', 'kubelet is posting ready status'],
} as const;
const POD_CONDITIONS = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
];
const RESOURCES = {
  cpu: '3920m',
  'ephemeral-storage': '18242267924',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  memory: '14640892Ki',
  pods: '58',
};

const hex = (length: number, seed: number): string =>
  Array.from({ length }, (_, at) => (((seed + 1) * 2_654_435_761 * (at + 7)) >>> 9) % 16)
    .map((digit) => digit.toString(16))
    .join('');

const addressOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;

/** What a kubelet writes every five minutes, though nothing has changed. */
export const conditionsAt = (nowMs: number, sinceMs: number): object[] =>
  Object.entries(CONDITIONS).map(([type, [status, reason, message]]) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: rfc3339(nowMs),
    lastTransitionTime: rfc3339(sinceMs),
  }));

/** A node of a cloud. */
export function fullNode(index: number, nowMs: number): Node {
  const node = nodeOf(index, {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/instance-type': 'm7i.xlarge',
    'beta.kubernetes.io/os': 'linux',
    'failure-domain.beta.kubernetes.io/region': 'eu-west-1',
    'k8s.io/cloud-provider-aws': hex(32, index),
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': nodeName(index),
    'node.kubernetes.io/instance-type': 'm7i.xlarge',
    'topology.k8s.aws/zone-id': 'euw1-az1',
    'topology.kubernetes.io/region': 'eu-west-1',
  });
  const annotations = {
    'alpha.kubernetes.io/provided-node-ip': addressOf(index),
    'csi.volume.kubernetes.io/nodeid': `{"ebs.csi.aws.com":"i-${hex(17, index)}"}`,
    'node.alpha.kubernetes.io/ttl': '0',
    'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
  };
  const status = {
    ...node.status,
    addresses: ['InternalIP', 'InternalDNS', 'Hostname'].map((type) => ({
      type,
      address: type === 'InternalIP' ? addressOf(index) : nodeName(index),
    })),
    allocatable: RESOURCES,
    capacity: RESOURCES,
    conditions: conditionsAt(nowMs, nowMs),
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    images: Array.from({ length: IMAGES }, (_, at) => ({
      names: [
        `registry.example.com/platform/service-${at}@sha256:${hex(64, at)}`,
        `registry.example.com/platform/service-${at}:v1.${at}.0`,
      ],
      sizeBytes: 100_000_000 + at,
    })),
    nodeInfo: {
      architecture: 'amd64',
      bootID: `boot-${index}`,
      containerRuntimeVersion: 'containerd://2.1.4+bottlerocket',
      kernelVersion: '6.12.37',
      kubeProxyVersion: '',
      kubeletVersion: 'v1.36.1',
      machineID: hex(32, index),
      operatingSystem: 'linux',
      osImage: node.status?.nodeInfo?.osImage ?? '',
      systemUUID: hex(36, index),
    },
  };
  return { ...node, metadata: { ...node.metadata, annotations }, status: status as Node['status'] & object };
}

const template = podTemplate('agent.yaml');

/** The agent's pod on a node, as its DaemonSet makes it. */
export function agentPod(index: number): Pod {
  const { metadata, spec } = agentPodOf(index);
  const ownerReferences = [
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      name: 'brupop-agent',
      uid: 'b3a1d1f2-7c0e-4ad8-9f5e-0f1f6a1c2d3e',
      controller: true,
      blockOwnerDeletion: true,
    },
  ];
  const labels = {
    ...template.metadata.labels,
    'controller-revision-hash': '6f7d9c8b5',
    'pod-template-generation': '1',
  };
  return {
    metadata: { ...metadata, labels, ownerReferences },
    spec: { ...template.spec, nodeName: spec?.nodeName ?? '' } as Pod['spec'] & object,
  };
}

/** A pod of the operator's API server: while none is Ready, nobody can report. */
export const apiserverPod: Pod = {
  metadata: { name: 'brupop-apiserver-0', namespace: NAMESPACE },
  spec: {
    nodeName: 'elsewhere',
    serviceAccountName: APISERVER_SERVICE_ACCOUNT,
    containers: [{ name: 'brupop', image: 'brupop' }],
  },
};

/** The status of a pod that runs and is Ready. */
export const readyPodStatus = (index: number, nowMs: number): object => ({
  phase: 'Running',
  startTime: rfc3339(nowMs),
  hostIP: addressOf(index),
  podIP: addressOf(index + 100_000),
  podIPs: [{ ip: addressOf(index + 100_000) }],
  conditions: POD_CONDITIONS.map((type) => ({ type, status: 'True', lastTransitionTime: rfc3339(nowMs) })),
  containerStatuses: [
    {
      name: 'brupop',
      image: 'brupop',
      imageID: `registry.example.com/brupop@sha256:${hex(64, 0)}`,
      containerID: `containerd://${hex(64, index)}`,
      ready: true,
      restartCount: 0,
      started: true,
      state: { running: { startedAt: rfc3339(nowMs) } },
    },
  ],
});
