/** What a cluster has from the beginning: rights of its parts, and the Service of its DNS. */
import { ask, type Endpoint } from '../../controlplane/request.ts';
import { NETWORK } from '../layout.ts';

/** The name in the client certificate that kube-apiserver shows to kubelets. */
export const KUBELET_CLIENT = 'kube-apiserver-kubelet-client';
export const DNS_USER = 'system:coredns';

const RBAC = 'rbac.authorization.k8s.io';

interface Creation {
  /** Of the collection. */
  path: string;
  body: object;
}

const binding = (name: string, role: string, user: string): Creation => ({
  path: `/apis/${RBAC}/v1/clusterrolebindings`,
  body: {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: RBAC, kind: 'User', name: user }],
  },
});

const list = ['list', 'watch'];
const dnsRole: Creation = {
  path: `/apis/${RBAC}/v1/clusterroles`,
  body: {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRole',
    metadata: { name: DNS_USER },
    rules: [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces', 'endpoints'], verbs: list },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: list },
    ],
  },
};

const DNS_PORTS = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
];
const DNS = { name: 'kube-dns', namespace: 'kube-system' };

/** Without a selector, since CoreDNS is no pod. */
const dnsService: Creation = {
  path: '/api/v1/namespaces/kube-system/services',
  body: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...DNS, labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' } },
    spec: { clusterIP: NETWORK.dnsAddress, ports: DNS_PORTS },
  },
};

const dnsEndpoints: Creation = {
  path: '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices',
  body: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...DNS, labels: { 'kubernetes.io/service-name': DNS.name } },
    addressType: 'IPv4',
    ports: DNS_PORTS,
    endpoints: [{ addresses: [NETWORK.gateway], conditions: { ready: true } }],
  },
};

const OBJECTS = [
  binding('kubelet-api-of-kube-apiserver', 'system:kubelet-api-admin', KUBELET_CLIENT),
  dnsRole,
  binding(DNS_USER, DNS_USER, DNS_USER),
  dnsService,
  dnsEndpoints,
];

/** @throws Error with the server's message */
export async function createObjects(endpoint: Endpoint): Promise<void> {
  for (const { path, body } of OBJECTS) {
    const answer = await ask(endpoint, { method: 'POST', path, body });
    if (answer.status !== 201) throw new Error(`POST ${path} was answered ${answer.status}: ${answer.body}`);
  }
}
