/** The nodes that the measurement of the API server knows: their tokens, pods and shadows, as Kubernetes has them. */
import type { Pod } from '../../../src/api/core.ts';
import { AGENT_SERVICE_ACCOUNT, NAMESPACE, shadowName } from '../../../src/api/names.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';

export const nodeName = (index: number): string => `ip-10-${index >> 8}-${index & 255}.ec2.internal`;

const uuid = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;

export const nodeUid = (index: number): string => uuid(index);
export const podUid = (index: number): string => uuid(index + 1_000_000);
export const shadowUid = (index: number): string => uuid(index + 2_000_000);
export const podName = (index: number): string => `brupop-agent-${index}`;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As Kubernetes makes it, in length too; the subject says which node. */
export function tokenOf(index: number, expiresAtSeconds: number): string {
  const claims = { sub: String(index), exp: expiresAtSeconds, pad: 'x'.repeat(500) };
  return `${part({ alg: 'RS256' })}.${part(claims)}.${'s'.repeat(342)}`;
}

/** The node that a token of `tokenOf` stands for. */
export function indexOf(token: string): number {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    sub: string;
  };
  return Number(claims.sub);
}

/** Who wrote which field, as long as Kubernetes writes it: nobody keeps it, but everybody has to read it. */
const managedFields = (manager: string, ...fields: string[]): object[] => [
  {
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: Object.fromEntries(
      fields.map((field) => [`f:${field}`, { '.': {}, [`k:{"name":"${field}"}`]: {} }]),
    ),
  },
];

const POD_FIELDS = [
  'metadata',
  'labels',
  'ownerReferences',
  'affinity',
  'containers',
  'env',
  'ports',
  'resources',
];
const SHADOW_FIELDS = [
  'state',
  'version',
  'attempt',
  'policy',
  'host',
  'current_state',
  'current_version',
  'seq',
];

export const podOf = (index: number): Pod => {
  const pod = {
    metadata: {
      name: podName(index),
      namespace: NAMESPACE,
      uid: podUid(index),
      resourceVersion: '1',
      labels: { 'app.kubernetes.io/name': 'brupop', 'app.kubernetes.io/component': 'agent' },
      managedFields: managedFields('kube-controller-manager', ...POD_FIELDS),
    },
    spec: {
      nodeName: nodeName(index),
      serviceAccountName: AGENT_SERVICE_ACCOUNT,
      containers: [
        { name: 'brupop', image: 'brupop', env: POD_FIELDS.map((name) => ({ name, value: name })) },
      ],
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  return pod;
};

/** Of usual size. */
export const shadowOf = (index: number): BottlerocketShadow =>
  ({
    apiVersion: 'brupop.bottlerocket.aws/v2',
    kind: 'BottlerocketShadow',
    metadata: {
      name: shadowName(nodeName(index)),
      namespace: NAMESPACE,
      uid: shadowUid(index),
      resourceVersion: '1',
      generation: 1,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName(index), uid: nodeUid(index) }],
      managedFields: managedFields('brupop-controller', ...SHADOW_FIELDS),
    },
    spec: {
      state: 'Idle',
      version: null,
      attempt: 3,
      state_transition_timestamp: '2026-01-01T00:00:00Z',
      policy: { name: 'default', uid: uuid(0) },
      host: { lock: 'Pin', waves: 'Respect' },
    },
    status: {
      current_state: 'Idle',
      current_version: '1.50.0',
      target_version: '1.51.0',
      host: { uid: shadowUid(index), generation: 1, seq: 0, ...hostOf() },
    },
  }) as BottlerocketShadow;

/** What a report says of the host. */
export const hostOf = () => ({
  bootId: uuid(0),
  agentVersion: '0.1.0',
  variant: 'aws-k8s-1.36',
  arch: 'x86_64',
  updateState: 'Available',
  available: ['1.51.0', '1.50.1'],
  checkedAt: '2026-01-01T00:00:00Z',
});
