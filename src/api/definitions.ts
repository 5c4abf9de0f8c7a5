/**
 * The two kinds as CustomResourceDefinitions describe them: schema, names, printer columns. config/crd, schemas/,
 * docs/reference and the validation of the in-memory API are all made from these values.
 */
import type { TSchema } from 'typebox';
import type { Resource } from '../runtime/kubernetes.ts';
import { UpdatePolicies, UpdatePolicySpec, UpdatePolicyStatus } from './v1/updatepolicy.ts';
import { BottlerocketShadows, ShadowSpec, ShadowStatus } from './v2/bottlerocketshadow.ts';

/** One column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  /** A simple JSONPath: no filters. */
  jsonPath: string;
  description: string;
  /** 0 = always shown, the default; more = with `-o wide` only. */
  priority?: number;
}

export interface KindDefinition {
  resource: Resource;
  singular: string;
  shortNames: readonly string[];
  /** What the kind is, for `kubectl explain`. */
  description: string;
  spec: TSchema;
  status: TSchema;
  /** What `status` is in a new object; undefined = absent. */
  statusDefault?: object;
  /** Whether `status: null` is stored as such. */
  statusNullable: boolean;
  columns: readonly PrinterColumn[];
  /** Versions that are listed, so that objects stored in them stay legal, and no longer served. */
  retiredVersions: readonly string[];
}

/** `kubectl get bottlerocket` lists all kinds of this category. */
export const CATEGORIES = ['bottlerocket', 'brupop'] as const;

export const UpdatePolicyKind: KindDefinition = {
  resource: UpdatePolicies,
  singular: 'updatepolicy',
  shortNames: ['upol'],
  description:
    'UpdatePolicy says which Bottlerocket nodes may be updated, to which versions, when, and how many at a time.',
  spec: UpdatePolicySpec,
  status: UpdatePolicyStatus,
  // Without it Flux calls a policy healthy that no controller has looked at.
  statusDefault: { observedGeneration: -1 },
  statusNullable: false,
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode', description: 'Enabled, Paused or DryRun.' },
    {
      name: 'Window',
      type: 'string',
      jsonPath: '.status.summary.window',
      description: 'Where the clock stands in the maintenance windows.',
    },
    {
      name: 'Updated',
      type: 'string',
      jsonPath: '.status.summary.updated',
      description: 'Nodes with nothing to do, of the nodes selected.',
    },
    {
      name: 'Updating',
      type: 'integer',
      jsonPath: '.status.nodes.updating',
      description: 'Nodes that hold a slot.',
    },
    {
      name: 'Failed',
      type: 'integer',
      jsonPath: '.status.nodes.failed',
      description: 'Nodes whose last attempt failed.',
    },
    {
      name: 'Target',
      type: 'string',
      jsonPath: '.status.rollout.targetVersion',
      description: 'The newest target of any selected node.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.summary.reason',
      description: 'The most frequent reason for nodes that wait.',
    },
    {
      name: 'Age',
      type: 'date',
      jsonPath: '.metadata.creationTimestamp',
      description: 'Since its creation.',
    },
  ],
  retiredVersions: [],
};

export const BottlerocketShadowKind: KindDefinition = {
  resource: BottlerocketShadows,
  singular: 'bottlerocketshadow',
  shortNames: ['brs'],
  description:
    'BottlerocketShadow is what the operator wants of one Bottlerocket node, and what that node reported. The operator makes one for every Bottlerocket node; there is nothing in it for people to edit.',
  spec: ShadowSpec,
  status: ShadowStatus,
  statusNullable: true,
  // Brupop's five columns come first, in its order.
  columns: [
    {
      name: 'State',
      type: 'string',
      jsonPath: '.status.current_state',
      description: 'The state the agent reported.',
    },
    {
      name: 'Version',
      type: 'string',
      jsonPath: '.status.current_version',
      description: 'The version that is running.',
    },
    {
      name: 'Target State',
      type: 'string',
      jsonPath: '.spec.state',
      description: 'The state that is asked for.',
    },
    {
      name: 'Target Version',
      type: 'string',
      jsonPath: '.spec.version',
      description: 'The version that is asked for.',
    },
    {
      name: 'Crash Count',
      type: 'string',
      jsonPath: '.status.crash_count',
      description: 'Attempts that ended badly since the last success.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.update.reason',
      description: 'Why the node is where it is.',
    },
    {
      name: 'Policy',
      type: 'string',
      jsonPath: '.spec.policy.name',
      description: 'The policy that owns the node while it is being updated.',
      priority: 1,
    },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.update.message',
      description: 'The reason in words, with what blocks and the remedy.',
      priority: 1,
    },
  ],
  retiredVersions: ['v1'],
};

/** All kinds of this operator, by kind. */
export const KINDS = {
  UpdatePolicy: UpdatePolicyKind,
  BottlerocketShadow: BottlerocketShadowKind,
} as const;

export type KindName = keyof typeof KINDS;
