/** What the controller needs from Kubernetes. config/rbac is generated from here; envtest runs the controllers under it. */
import { CONTROLLER_SERVICE_ACCOUNT, GROUP, NAMESPACE } from '../api/names.ts';
import type { PolicyRule } from '../api/rbac.ts';
import { certificateRules } from './certificates/rbac.ts';

/** Name of the controller's ClusterRole and ClusterRoleBinding; it puts its uninstall finalizer on both. */
export const CONTROLLER_ROLE = CONTROLLER_SERVICE_ACCOUNT;

/**
 * Cluster-wide rules of the controller. The shadows and its own account are among them although they live in its
 * namespace: what is needed for cleaning up must outlive the roles in there (design 5).
 */
export const rules: readonly PolicyRule[] = [
  {
    apiGroups: [''],
    resources: ['nodes'],
    verbs: ['get', 'list', 'watch', 'patch'],
    why: 'Reads every node; cordons, labels and marks the ones it updates.',
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['list'],
    why: 'Lists the pods of a node that is being drained or verified, or that waitForPods asks about.',
  },
  {
    apiGroups: [''],
    resources: ['pods/eviction'],
    verbs: ['create'],
    why: 'Drains nodes through the eviction API, so that PodDisruptionBudgets hold.',
  },
  {
    apiGroups: ['policy'],
    resources: ['poddisruptionbudgets'],
    verbs: ['list'],
    why: 'Names the PodDisruptionBudget, with its numbers, that keeps a pod from being evicted.',
  },
  {
    apiGroups: [GROUP],
    resources: ['updatepolicies'],
    verbs: ['get', 'list', 'watch', 'patch'],
    why: 'Reads policies and sets their finalizer before the first slot.',
  },
  {
    apiGroups: [GROUP],
    resources: ['updatepolicies/status'],
    verbs: ['patch'],
    why: 'Writes the slot ledger and what became of the policy.',
  },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create', 'patch'],
    why: 'Says what happens and why, on nodes and policies. Their Events live in the default namespace.',
  },
  {
    apiGroups: [''],
    resources: ['namespaces'],
    verbs: ['get'],
    resourceNames: [NAMESPACE],
    why: 'Sees that the operator is being uninstalled.',
  },
  {
    apiGroups: ['apiextensions.k8s.io'],
    resources: ['customresourcedefinitions'],
    verbs: ['get'],
    resourceNames: [`bottlerocketshadows.${GROUP}`, `updatepolicies.${GROUP}`],
    why: 'Sees that the operator is being uninstalled.',
  },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['clusterroles', 'clusterrolebindings'],
    verbs: ['get', 'patch'],
    resourceNames: [CONTROLLER_ROLE],
    why: 'Holds its own role with a finalizer while it undoes its marks on uninstalling; changes no rule.',
  },
  {
    apiGroups: [GROUP],
    resources: ['bottlerocketshadows'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    why: 'Keeps one shadow per Bottlerocket node and writes what it wants of the host.',
  },
  {
    apiGroups: [GROUP],
    resources: ['bottlerocketshadows/status'],
    verbs: ['patch'],
    why: 'Says in the shadow why its node is where it is.',
  },
  {
    apiGroups: [''],
    resources: ['serviceaccounts'],
    verbs: ['get', 'patch'],
    resourceNames: [CONTROLLER_SERVICE_ACCOUNT],
    why: 'Holds its own ServiceAccount with a finalizer while it undoes its marks on uninstalling.',
  },
];

/** Rules of the controller in the operator's namespace. */
export const namespaceRules: readonly PolicyRule[] = [
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['get', 'list', 'watch', 'delete'],
    why: 'Sees which agents report and where its own pods run; deletes agent pods that are older than their Node.',
  },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'list', 'watch', 'create', 'patch'],
    why: 'Elects the one replica that acts.',
  },
  ...certificateRules,
];
