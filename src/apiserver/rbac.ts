/** What the API server needs from Kubernetes. config/rbac is generated from here. */
import { GROUP } from '../api/names.ts';
import type { PolicyRule } from '../api/rbac.ts';

/** Cluster-wide rules of the API server. */
export const rules: readonly PolicyRule[] = [
  {
    apiGroups: ['authentication.k8s.io'],
    resources: ['tokenreviews'],
    verbs: ['create'],
    why: 'Learns from Kubernetes which agent a token stands for.',
  },
];

/** Rules of the API server in the operator's namespace. */
export const namespaceRules: readonly PolicyRule[] = [
  {
    apiGroups: [GROUP],
    resources: ['bottlerocketshadows'],
    verbs: ['get', 'list', 'watch'],
    why: 'Streams to each agent its own shadow and judges reports against it.',
  },
  {
    apiGroups: [GROUP],
    resources: ['bottlerocketshadows/status'],
    verbs: ['patch'],
    why: "Records the agents' reports.",
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['get', 'list', 'watch'],
    why: 'Knows which agent pods exist and where, so that a token dies with its pod.',
  },
];
