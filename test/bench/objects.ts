/** Bottlerocket nodes, their shadows and agents' pods as a cluster would hold them. */
import type { Node, Pod } from '../../src/api/core.ts';
import {
  AGENT_SERVICE_ACCOUNT,
  INTERFACE_VERSION,
  INTERFACE_VERSION_LABEL,
  NAMESPACE,
  shadowName,
} from '../../src/api/names.ts';
import type { BottlerocketShadow, HostReport } from '../../src/api/v2/bottlerocketshadow.ts';

export const OLD = '1.42.0';
export const NEW = '1.43.0';
const VARIANT = 'aws-k8s-1.36';
const ZONES = ['a', 'b', 'c'];

export const nodeName = (index: number): string =>
  `ip-10-${index >> 16}-${(index >> 8) & 255}-${index & 255}.eu-west-1.compute.internal`;

export const nodeOf = (index: number, labels: Record<string, string> = {}): Node => ({
  metadata: {
    name: nodeName(index),
    labels: {
      'kubernetes.io/os': 'linux',
      'topology.kubernetes.io/zone': `eu-west-1${ZONES[index % ZONES.length] ?? ''}`,
      [INTERFACE_VERSION_LABEL]: INTERFACE_VERSION,
      ...labels,
    },
  },
  spec: { providerID: `aws:///eu-west-1/i-${index}` },
  status: {
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
    nodeInfo: { bootID: `boot-${index}`, osImage: `Bottlerocket OS ${OLD} (${VARIANT})` },
  },
});

/** Its status is in it, but kube-apiserver takes that by a second request. */
export const agentPodOf = (index: number): Pod => ({
  metadata: { name: `brupop-agent-${index}`, namespace: NAMESPACE },
  spec: {
    nodeName: nodeName(index),
    serviceAccountName: AGENT_SERVICE_ACCOUNT,
    containers: [{ name: 'brupop', image: 'brupop' }],
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});

/** What an agent reports of a host at rest that is offered `offered`. */
export const reportOf = (
  shadow: BottlerocketShadow,
  index: number,
  offered: string,
): NonNullable<BottlerocketShadow['status']> => ({
  current_state: 'Idle',
  current_version: OLD,
  target_version: offered,
  host: hostReport(shadow, index, offered),
});

const hostReport = (shadow: BottlerocketShadow, index: number, offered: string): HostReport => ({
  uid: shadow.metadata.uid ?? '',
  seq: (shadow.status?.host?.seq ?? 0) + 1,
  generation: shadow.metadata.generation ?? 1,
  bootId: `boot-${index}`,
  agentVersion: '0.1.0',
  variant: VARIANT,
  arch: 'x86_64',
  updateState: offered === OLD ? 'Idle' : 'Available',
  available: [offered],
  checkedAt: '2026-01-10T01:00:00Z',
});

export const shadowOf = (node: Node): BottlerocketShadow => ({
  metadata: {
    name: shadowName(node.metadata.name),
    namespace: NAMESPACE,
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid ?? '' },
    ],
  },
  spec: { state: 'Idle', attempt: 0, host: { lock: 'Pin', waves: 'Respect' } },
});
