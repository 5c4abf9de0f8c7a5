/** Hands moments to one rule, in a small world made by hand. */
import { Nodes, PodDisruptionBudgets, Pods } from '../../../api/core.ts';
import type { Node, Pod, PodDisruptionBudget } from '../../../api/core.ts';
import { MARKS_ANNOTATION, NAMESPACE } from '../../../api/names.ts';
import { UpdatePolicies } from '../../../api/v1/updatepolicy.ts';
import type {
  LedgerEntry,
  UpdatePolicy,
  UpdatePolicySpec,
  UpdatePolicyStatus,
} from '../../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../../api/v2/bottlerocketshadow.ts';
import type {
  BottlerocketShadow,
  HostReport,
  ShadowSpec,
  ShadowStatus,
} from '../../../api/v2/bottlerocketshadow.ts';
import { rfc3339 } from '../../../runtime/clock.ts';
import type { KubeObject, Resource } from '../../../runtime/kubernetes.ts';
import type { Wants } from '../../actors/wants.ts';
import type { SimCluster } from '../../cluster/cluster.ts';
import type { SimulatedHost } from '../../host/host.ts';
import type { Moment, MomentKind, Moments, Setting } from '../moment.ts';
import { NodeHistory } from '../nodehistory.ts';
import { PolicyHistory } from '../policyhistory.ts';
import type { InvariantRule, Verdict } from '../rule.ts';

export const NOW = Date.parse('2026-01-12T12:00:00Z');
export const MINUTE = 60_000;
export const OLD = '1.42.0';
export const TARGET = '1.44.0';
/** An instant so many minutes from now, as text. */
export const inMinutes = (minutes: number): string => rfc3339(NOW + minutes * MINUTE);

type Json = Record<string, unknown>;

export const entry = (fields: Partial<LedgerEntry> = {}): LedgerEntry => ({
  node: 'n1',
  uid: 'node-n1',
  shadowUid: 'shadow-n1',
  version: TARGET,
  attempt: 1,
  phase: 'Reserved',
  since: inMinutes(0),
  ...fields,
});

export const policy = (
  spec: UpdatePolicySpec = {},
  status: Partial<UpdatePolicyStatus> = {},
  metadata: Json = {},
): UpdatePolicy => ({
  metadata: { name: 'all', uid: 'policy-all', generation: 1, ...metadata },
  spec: { minRemaining: '0s', ...spec },
  status,
});

export const host = (fields: Partial<HostReport> = {}): HostReport => ({
  seq: 3,
  generation: 7,
  bootId: 'boot-1',
  ...fields,
});

export function shadow(
  spec: Partial<ShadowSpec> = {},
  status: Partial<ShadowStatus> = {},
  metadata: Json = {},
): BottlerocketShadow {
  return {
    metadata: {
      name: 'brs-n1',
      namespace: NAMESPACE,
      uid: 'shadow-n1',
      generation: 7,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'node-n1' }],
      ...metadata,
    },
    spec: { state: 'Idle', attempt: 1, policy: { name: 'all', uid: 'policy-all' }, ...spec },
    status: { current_state: 'Idle', current_version: OLD, host: host(), ...status },
  };
}

/** A shadow under way. */
export const under = (
  state: ShadowSpec['state'],
  spec: Partial<ShadowSpec> = {},
  status: Partial<ShadowStatus> = {},
): BottlerocketShadow =>
  shadow({ state, version: TARGET, ...spec }, { current_state: 'StagedAndPerformedUpdate', ...status });

export const STAGED = { version: TARGET, attempt: 1, bootId: 'boot-1', timestamp: 't' };
export const INTENT = { version: TARGET, bootId: 'boot-1', generation: 7, at: inMinutes(0) };

/** The mark of a cordon of an attempt, set so many minutes from now. */
export const cordonMark = (fields: Json = {}): Json => ({
  cordon: {
    ours: true,
    was: false,
    at: inMinutes(-1),
    owner: { shadowUid: 'shadow-n1', attempt: 1 },
    ...fields,
  },
});

interface NodeFields {
  cordoned?: boolean;
  marks?: Json;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  name?: string;
  ready?: boolean;
  metadata?: Json;
}

export const node = (fields: NodeFields = {}): Node => {
  const {
    cordoned = false,
    marks,
    annotations = {},
    labels = {},
    name = 'n1',
    ready = true,
    metadata = {},
  } = fields;
  const marked = marks === undefined ? {} : { [MARKS_ANNOTATION]: JSON.stringify(marks) };
  return {
    metadata: { name, uid: `node-${name}`, labels, annotations: { ...annotations, ...marked }, ...metadata },
    spec: cordoned ? { unschedulable: true } : {},
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
  };
};

interface PodFields {
  name?: string;
  namespace?: string;
  serviceAccount?: string;
  labels?: Record<string, string>;
  owner?: string;
  phase?: string;
  ready?: boolean;
  evicted?: boolean;
  deleted?: boolean;
  createdAt?: string;
  nodeName?: string | undefined;
  annotations?: Record<string, string>;
}

const podMeta = (fields: PodFields): Pod['metadata'] => {
  const { name = 'cart-0', namespace = 'shop', owner, annotations } = fields;
  return {
    name,
    namespace,
    uid: `pod-${name}`,
    labels: fields.labels ?? { app: 'cart' },
    creationTimestamp: fields.createdAt ?? inMinutes(-60),
    ...(annotations === undefined ? {} : { annotations }),
    ...(fields.deleted === true ? { deletionTimestamp: inMinutes(0) } : {}),
    ...(owner === undefined
      ? {}
      : { ownerReferences: [{ apiVersion: 'apps/v1', kind: owner, name: 'o', uid: 'o' }] }),
  };
};

export const pod = (fields: PodFields = {}): Pod => {
  const { phase = 'Running', ready = true, serviceAccount, deleted = false, evicted = deleted } = fields;
  const { nodeName } = { nodeName: 'n1', ...fields };
  return {
    metadata: podMeta(fields),
    spec: {
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    },
    status: {
      phase,
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False' },
        ...(evicted ? [{ type: 'DisruptionTarget', status: 'True' }] : []),
      ],
    },
  };
};

export const budget = (allowed: number, disruptedPods: Record<string, string> = {}): PodDisruptionBudget =>
  ({
    metadata: { name: 'cart', namespace: 'shop', uid: 'budget-cart' },
    spec: { selector: { matchLabels: { app: 'cart' } } },
    status: { disruptionsAllowed: allowed, disruptedPods },
  }) as PodDisruptionBudget;

/** A host of which rules read what runs and what is set. */
export const machine = (
  version = OLD,
  live: Record<string, unknown> = {},
  bootId = 'boot-1',
): SimulatedHost =>
  ({
    bootId,
    image: { version },
    settings: {
      live: new Map(
        Object.entries({
          'settings.updates.version-lock': 'latest',
          'settings.updates.ignore-waves': false,
          ...live,
        }),
      ),
    },
  }) as unknown as SimulatedHost;

interface Objects {
  nodes?: Node[];
  pods?: Pod[];
  shadows?: BottlerocketShadow[];
  policies?: UpdatePolicy[];
  budgets?: PodDisruptionBudget[];
}

const inClusterOf = ({ nodes, pods, shadows, policies, budgets }: Objects): SimCluster => {
  const tables = new Map<string, readonly KubeObject[]>([
    [Nodes.plural, nodes ?? [node()]],
    [Pods.plural, pods ?? []],
    [BottlerocketShadows.plural, shadows ?? [shadow()]],
    [UpdatePolicies.plural, policies ?? [policy()]],
    [PodDisruptionBudgets.plural, budgets ?? []],
  ]);
  const all = ({ plural }: Resource): readonly KubeObject[] => tables.get(plural) ?? [];
  return {
    peek: (resource: Resource, key: { name: string }) =>
      all(resource).find(({ metadata }) => metadata.name === key.name),
    peekAll: all,
  } as unknown as SimCluster;
};

/** What is not as usual in a moment. */
export interface Circumstances extends Objects {
  by?: string;
  /** Milliseconds since the start of the first moment; by then histories are that old. @default an hour */
  atMs?: number;
  toleranceMs?: number;
  lagMs?: number;
  hadWrongClock?: boolean;
  hosts?: Record<string, SimulatedHost>;
  wants?: Wants;
}

const HOUR = 60 * MINUTE;

/** One rule, and what happens before it. */
export class Judged {
  readonly #judge: (moment: Moment) => Verdict;
  readonly #policies = new PolicyHistory();
  readonly #nodes = new NodeHistory();

  /** @param past what there was from the start, as others made it */
  constructor(rule: InvariantRule, past: Pick<Objects, 'nodes' | 'policies'> = {}) {
    this.#judge = rule.begin();
    for (const after of past.policies ?? [policy()]) this.#policies.note({ before: undefined, after }, 0);
    for (const after of past.nodes ?? [node()])
      this.#nodes.note({ before: undefined, after }, 'kubelet-n1', 0);
  }

  see<K extends MomentKind>(kind: K, what: Moments[K], circumstances: Circumstances = {}): Verdict {
    const {
      by = 'controller-0',
      atMs = HOUR,
      toleranceMs = 1000,
      lagMs = 5000,
      hadWrongClock = false,
      hosts = {},
      wants,
    } = circumstances;
    const setting: Setting = {
      cluster: inClusterOf(circumstances),
      now: NOW + atMs - HOUR,
      atMs,
      by,
      toleranceMs,
      lagMs,
      hadWrongClock,
      policies: this.#policies,
      nodes: this.#nodes,
      hosts: new Map(Object.entries(hosts)),
      wants,
    };
    const moment = { kind, ...setting, ...what } as unknown as Moment;
    if (moment.kind === 'policy') this.#policies.note(moment, atMs);
    if (moment.kind === 'node') this.#nodes.note(moment, by, atMs);
    return this.#judge(moment);
  }
}

/** One moment for one rule. */
export const judge =
  (rule: InvariantRule) =>
  <K extends MomentKind>(kind: K, what: Moments[K], circumstances: Circumstances = {}): Verdict => {
    const { nodes = [node()], policies = [policy()] } = circumstances;
    return new Judged(rule, { nodes, policies }).see(kind, what, circumstances);
  };
