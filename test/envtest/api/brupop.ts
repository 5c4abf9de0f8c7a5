/**
 * The BottlerocketShadow CRD of Brupop 1.x, rebuilt from what it says to the API server: both versions served, v2
 * stored, a conversion webhook at the API server of Brupop, four required fields under status, versions by a pattern.
 */
import type { KubeObject } from '../../../src/runtime/kubernetes.ts';

const NUMBER = '(0|[1-9]\\d*)';
const VERSION = {
  type: 'string',
  pattern: `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$`,
};
const nullable = (schema: object): object => ({ ...schema, nullable: true });

const STATES_V2 = [
  'Idle',
  'StagedAndPerformedUpdate',
  'RebootedIntoUpdate',
  'MonitoringUpdate',
  'ErrorReset',
];
const STATES_V1 = ['Idle', 'StagedUpdate', 'PerformedUpdate', 'RebootedIntoUpdate', 'MonitoringUpdate'];

const column = (name: string, jsonPath: string): object => ({ name, jsonPath, type: 'string' });
const COLUMNS = [
  column('State', '.status.current_state'),
  column('Version', '.status.current_version'),
  column('Target State', '.spec.state'),
  column('Target Version', '.spec.version'),
];

interface VersionFacts {
  name: string;
  storage: boolean;
  states: readonly string[];
  columns: readonly object[];
  /** Fields of status beside the three that both versions have. */
  status: Record<string, object>;
}

const version = ({ name, storage, states, columns, status }: VersionFacts): object => ({
  name,
  served: true,
  storage,
  additionalPrinterColumns: columns,
  subresources: { status: {} },
  schema: {
    openAPIV3Schema: {
      type: 'object',
      required: ['spec'],
      properties: {
        spec: {
          type: 'object',
          required: ['state'],
          properties: {
            state: { type: 'string', enum: states },
            state_transition_timestamp: nullable({ type: 'string' }),
            version: nullable(VERSION),
          },
        },
        status: nullable({
          type: 'object',
          required: [
            'current_state',
            'current_version',
            'target_version',
            ...('crash_count' in status ? ['crash_count'] : []),
          ],
          properties: {
            current_state: { type: 'string', enum: states },
            current_version: VERSION,
            target_version: VERSION,
            ...status,
          },
        }),
      },
    },
  },
});

/** The CRD as Brupop 1.x installs it. */
export const BRUPOP_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'bottlerocketshadows.brupop.bottlerocket.aws',
    annotations: { 'cert-manager.io/inject-ca-from': 'brupop-bottlerocket-aws/root-certificate' },
  },
  spec: {
    group: 'brupop.bottlerocket.aws',
    scope: 'Namespaced',
    names: {
      kind: 'BottlerocketShadow',
      plural: 'bottlerocketshadows',
      singular: 'bottlerocketshadow',
      shortNames: ['brs'],
    },
    conversion: {
      strategy: 'Webhook',
      webhook: {
        conversionReviewVersions: ['v2', 'v1'],
        clientConfig: {
          service: {
            name: 'brupop-apiserver',
            namespace: 'brupop-bottlerocket-aws',
            path: '/crdconvert',
            port: 443,
          },
        },
      },
    },
    versions: [
      version({
        name: 'v2',
        storage: true,
        states: STATES_V2,
        columns: [...COLUMNS, column('Crash Count', '.status.crash_count')],
        status: {
          crash_count: { type: 'integer', format: 'uint32', minimum: 0 },
          state_transition_failure_timestamp: nullable({ type: 'string' }),
        },
      }),
      version({ name: 'v1', storage: false, states: STATES_V1, columns: COLUMNS, status: {} }),
    ],
  },
} as const satisfies KubeObject & Record<string, unknown>;

/** A shadow as Brupop's controller and agent leave it half-way through an update. */
export const BRUPOP_SHADOW = {
  apiVersion: 'brupop.bottlerocket.aws/v2',
  kind: 'BottlerocketShadow',
  metadata: { name: 'brs-ip-10-0-1-5.eu-west-1.compute.internal', namespace: 'default' },
  spec: {
    state: 'StagedAndPerformedUpdate',
    state_transition_timestamp: '2026-11-20T22:14:03.482911203Z',
    version: '1.44.0',
  },
  status: {
    current_state: 'Idle',
    current_version: '1.42.0',
    target_version: '1.44.0',
    crash_count: 1,
    state_transition_failure_timestamp: '2026-11-20T21:40:11.000120000+00:00',
  },
};
