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
import { isQualifiedName } from './metadata.ts';
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

/** An empty list is left out on the wire. */
function withoutEmptyConditions({ conditions, ...status }: JsonObject): JsonObject {
  return Array.isArray(conditions) && conditions.length > 0 ? { ...status, conditions } : status;
}

const withoutEmptyValue = (item: unknown): unknown => {
  const { value, ...taint } = part(item);
  return value === undefined || value === '' ? taint : item;
};

/** `unschedulable: false`, empty texts and no taints are left out on the wire. */
function prepareNode(node: ApiObject): ApiObject {
  const spec = { ...part(node.spec) };
  if (spec['unschedulable'] === false) delete spec['unschedulable'];
  if (spec['providerID'] === '') delete spec['providerID'];
  if (Array.isArray(spec['taints'])) spec['taints'] = spec['taints'].map(withoutEmptyValue);
  if (Array.isArray(spec['taints']) && spec['taints'].length === 0) delete spec['taints'];
  return { ...node, spec, status: withoutEmptyConditions(part(node.status)) };
}

function nodeProblems(node: ApiObject, old?: ApiObject): Cause[] {
  return [...taintProblems(node), ...(old === undefined ? [] : providerProblems(node, old))];
}

function providerProblems(node: ApiObject, old: ApiObject): Cause[] {
  const before = part(old.spec)['providerID'];
  return before === undefined || before === part(node.spec)['providerID']
    ? []
    : [forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid')];
}

function taintProblems(node: ApiObject): Cause[] {
  const taints = part(node.spec)['taints'];
  const seen = new Set<string>();
  return (Array.isArray(taints) ? taints : []).flatMap((item: unknown, index) => {
    const { key, effect } = part(item);
    const id = `${String(key)}:${String(effect)}`;
    const field = `metadata.taints[${index}]`;
    const isRepeated = seen.has(id);
    seen.add(id);
    return [
      ...(isQualifiedName(key) ? [] : [invalidField(`${field}.key`, key, 'not a qualified name')]),
      ...effectProblems(`${field}.effect`, effect),
      ...(isRepeated
        ? [{ field, reason: 'FieldValueDuplicate', message: `Duplicate value: ${JSON.stringify(item)}` }]
        : []),
    ];
  });
}

function effectProblems(field: string, effect: unknown): Cause[] {
  if ((effect ?? '') === '') return [requiredField(field)];
  return ['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(String(effect))
    ? []
    : [{ field, reason: 'FieldValueNotSupported', message: 'not a taint effect' }];
}

const beginNamespace = (namespace: ApiObject): ApiObject => ({
  ...namespace,
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Active' },
});

/** Nobody can take its name off its labels. */
const prepareNamespace = (namespace: ApiObject): ApiObject => ({
  ...namespace,
  metadata: {
    ...namespace.metadata,
    labels: { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name },
  },
});

const NO_BUDGET = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };

const beginBudget = (budget: ApiObject): ApiObject => ({ ...budget, status: NO_BUDGET });

/** A generation that nobody has observed is left out on the wire, and so is an empty map. */
function prepareBudget(budget: ApiObject): ApiObject {
  const status: JsonObject = { ...NO_BUDGET, ...part(budget.status) };
  if (status['observedGeneration'] === 0) delete status['observedGeneration'];
  if (Object.keys(part(status['disruptedPods'])).length === 0) delete status['disruptedPods'];
  const { selector, ...spec } = part(budget.spec);
  const terms = Object.entries(part(selector)).filter(([, value]) => Object.keys(value as object).length > 0);
  return {
    ...budget,
    spec: { ...spec, ...(selector !== undefined && { selector: Object.fromEntries(terms) }) },
    status,
  };
}

function budgetProblems(budget: ApiObject): Cause[] {
  const { minAvailable, maxUnavailable } = part(budget.spec);
  const both =
    minAvailable !== undefined && maxUnavailable !== undefined
      ? [invalidField('spec', budget.spec, 'minAvailable and maxUnavailable cannot be both set')]
      : [];
  return [
    ...both,
    ...amountProblems('spec.minAvailable', minAvailable),
    ...amountProblems('spec.maxUnavailable', maxUnavailable),
  ];
}

function amountProblems(field: string, amount: unknown): Cause[] {
  const isRight =
    amount === undefined ||
    (typeof amount === 'number' ? amount >= 0 : typeof amount === 'string' && /^\d+%$/.test(amount));
  return isRight ? [] : [invalidField(field, amount, 'neither a number from 0 nor a percentage')];
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
  if (data === undefined || data === null) return undefined;
  const isTexts = isJsonObject(data) && Object.values(data).every((value) => typeof value === 'string');
  return isTexts ? undefined : 'data must be a map of texts';
};

/** What a secret is for cannot be changed. */
const secretProblems = (secret: ApiObject, old?: ApiObject): Cause[] =>
  old === undefined || secret['type'] === old['type']
    ? []
    : [invalidField('type', secret['type'], 'field is immutable')];

/** An empty note is left out on the wire. */
function prepareEvent(event: ApiObject): ApiObject {
  const { note, ...rest } = event;
  return note === '' ? rest : event;
}

/** An empty map is left out on the wire. */
function prepareData(object: ApiObject): ApiObject {
  const { data, ...rest } = object;
  return data === undefined || Object.keys(part(data)).length === 0 ? rest : object;
}

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
    prepare: (pod) => ({ ...pod, status: withoutEmptyConditions(part(pod.status)) }),
    validate: podProblems,
  }),
  define(Namespaces, {
    status: true,
    fields: ['status.phase'],
    begin: beginNamespace,
    prepare: prepareNamespace,
  }),
  define(Secrets, {
    fields: ['type'],
    decode: dataDecodeProblem,
    prepare: (secret) => ({ type: 'Opaque', ...prepareData(secret) }),
    validate: secretProblems,
  }),
  define(ConfigMaps, { decode: dataDecodeProblem, prepare: prepareData }),
  define(ServiceAccounts),
  define(Leases, {
    unconditional: false,
    decode: leaseDecodeProblem,
    prepare: (lease) => ({ ...lease, spec: part(lease.spec) }),
    validate: leaseProblems,
  }),
  define(Events, { decode: eventDecodeProblem, prepare: prepareEvent, validate: eventProblems }),
  define(PodDisruptionBudgets, {
    unconditional: false,
    status: true,
    generation: true,
    indexed: ['metadata.namespace'],
    begin: beginBudget,
    prepare: prepareBudget,
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
