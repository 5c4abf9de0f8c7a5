/** How the built-in kinds that this operator meets are created, checked and defaulted. */
import {
  ClusterRoleBindings,
  ClusterRoles,
  ConfigMaps,
  CustomResourceDefinitions,
  DaemonSets,
  Events,
  Leases,
  Namespaces,
  Nodes,
  PodDisruptionBudgets,
  Pods,
  Secrets,
  ServiceAccounts,
} from '../../api/core.ts';
import { define, type ResourceDefinition } from './definition.ts';
import { type Cause, forbiddenField, invalidField, requiredField } from './errors.ts';
import { eventDecodeProblem, eventProblems, leaseDecodeProblem, leaseProblems } from './records.ts';
import { isJsonObject, type JsonObject, sameJson } from './json.ts';
import {
  Deployments,
  Jobs,
  ReplicaSets,
  RoleBindings,
  Roles,
  StatefulSets,
  VolumeAttachments,
} from './kinds.ts';
import type { ApiObject } from './object.ts';

const part = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

const POD_DEFAULTS = {
  terminationGracePeriodSeconds: 30,
  restartPolicy: 'Always',
  serviceAccountName: 'default',
};

const beginPod = (pod: ApiObject): ApiObject => ({
  ...pod,
  spec: { ...POD_DEFAULTS, ...part(pod.spec) },
  status: { phase: 'Pending' },
});

function fixedPart(pod: ApiObject): JsonObject {
  const { containers, tolerations, activeDeadlineSeconds, ...rest } = part(pod.spec);
  void [tolerations, activeDeadlineSeconds];
  const names = (Array.isArray(containers) ? containers : []).map((item) => part(item)['name']);
  return { ...rest, names };
}

/** Of a pod's spec, an update may change images and little else. */
function podProblems(pod: ApiObject, old?: ApiObject): Cause[] {
  if (old === undefined) return [];
  return sameJson(fixedPart(pod), fixedPart(old))
    ? []
    : [
        forbiddenField(
          'spec',
          'pod updates may not change fields other than images, tolerations and deadline',
        ),
      ];
}

/** A new node is not ready until the node lifecycle controller has seen it so. */
function beginNode(node: ApiObject): ApiObject {
  const spec = part(node.spec);
  const taints = Array.isArray(spec['taints']) ? (spec['taints'] as unknown[]) : [];
  const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
  return { ...node, spec: { ...spec, taints: [...taints, notReady] } };
}

/** `unschedulable: false` and no taints are left out on the wire. */
function prepareNode(node: ApiObject): ApiObject {
  const spec = { ...part(node.spec) };
  if (spec['unschedulable'] === false) delete spec['unschedulable'];
  if (Array.isArray(spec['taints']) && spec['taints'].length === 0) delete spec['taints'];
  return { ...node, spec };
}

function nodeProblems(node: ApiObject): Cause[] {
  const taints = part(node.spec)['taints'];
  const seen = new Set<string>();
  return (Array.isArray(taints) ? taints : []).flatMap((item: unknown, index) => {
    const { key, effect } = part(item);
    const id = `${String(key)}:${String(effect)}`;
    const field = `spec.taints[${index}]`;
    if (typeof key !== 'string' || key === '') return [requiredField(`${field}.key`)];
    if (seen.has(id))
      return [{ field, reason: 'FieldValueDuplicate', message: `Duplicate value: ${JSON.stringify(item)}` }];
    seen.add(id);
    return ['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(String(effect))
      ? []
      : [invalidField(`${field}.effect`, effect, 'not a taint effect')];
  });
}

const beginNamespace = (namespace: ApiObject): ApiObject => ({
  ...namespace,
  metadata: {
    ...namespace.metadata,
    labels: { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name },
  },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Active' },
});

const beginBudget = (budget: ApiObject): ApiObject => ({
  ...budget,
  status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
});

function budgetProblems(budget: ApiObject): Cause[] {
  const { minAvailable, maxUnavailable } = part(budget.spec);
  return minAvailable !== undefined && maxUnavailable !== undefined
    ? [invalidField('spec', budget.spec, 'minAvailable and maxUnavailable cannot be both set')]
    : [];
}

const prepareWorkload = (workload: ApiObject): ApiObject => ({
  ...workload,
  spec: { replicas: 1, ...part(workload.spec) },
});

/** Status has its own endpoint: a create cannot set it. */
export const withoutStatus = (object: ApiObject): ApiObject => {
  const { status, ...rest } = object;
  void status;
  return rest;
};

/** Values of `data` are texts. */
const dataDecodeProblem = (object: ApiObject): string | undefined => {
  const { data } = object;
  if (data === undefined) return undefined;
  const isTexts = isJsonObject(data) && Object.values(data).every((value) => typeof value === 'string');
  return isTexts ? undefined : 'data must be a map of texts';
};

const workload = { status: true, generation: true, begin: withoutStatus };

/** Every built-in kind of the simulated cluster. */
export const BUILTIN: readonly ResourceDefinition[] = [
  define(Nodes, {
    status: true,
    fields: ['spec.unschedulable'],
    begin: beginNode,
    prepare: prepareNode,
    validate: nodeProblems,
  }),
  define(Pods, {
    status: true,
    generation: true,
    graceful: true,
    fields: ['spec.nodeName', 'status.phase', 'spec.serviceAccountName', 'spec.restartPolicy'],
    indexed: ['spec.nodeName', 'metadata.namespace'],
    begin: beginPod,
    validate: podProblems,
  }),
  define(Namespaces, { status: true, fields: ['status.phase'], begin: beginNamespace }),
  define(Secrets, {
    fields: ['type'],
    decode: dataDecodeProblem,
    prepare: (secret) => ({ type: 'Opaque', ...secret }),
  }),
  define(ConfigMaps, { decode: dataDecodeProblem }),
  define(ServiceAccounts),
  define(Leases, { decode: leaseDecodeProblem, validate: leaseProblems }),
  define(Events, { decode: eventDecodeProblem, validate: eventProblems }),
  define(PodDisruptionBudgets, {
    status: true,
    generation: true,
    indexed: ['metadata.namespace'],
    begin: beginBudget,
    validate: budgetProblems,
  }),
  define(DaemonSets, workload),
  define(Deployments, { ...workload, prepare: prepareWorkload }),
  define(ReplicaSets, { ...workload, prepare: prepareWorkload }),
  define(StatefulSets, { ...workload, prepare: prepareWorkload }),
  define(Jobs, workload),
  define(VolumeAttachments, { status: true }),
  define(Roles),
  define(RoleBindings),
  define(ClusterRoles),
  define(ClusterRoleBindings),
  define(CustomResourceDefinitions, { status: true, generation: true }),
];
