/**
 * What a real API server adds to objects and the cluster in memory does not (test/contract/deviations.ts): owners of
 * fields, and defaults of built-in kinds that nobody here reads.
 */
import type { KubeObject } from '../../src/runtime/kubernetes.ts';

type Fields = Record<string, unknown>;

/** Fields by kind, dropped when they have exactly this value; undefined = whatever it is. */
const ADDED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Pod: {
    'spec.dnsPolicy': 'ClusterFirst',
    'spec.schedulerName': 'default-scheduler',
    'spec.securityContext': {},
    'spec.serviceAccount': 'default',
    'spec.serviceAccountName': 'default',
    'spec.enableServiceLinks': true,
    'spec.preemptionPolicy': 'PreemptLowerPriority',
    'spec.priority': 0,
    'spec.tolerations': undefined,
    'spec.volumes': undefined,
    'spec.containers': undefined,
    'status.qosClass': 'BestEffort',
    'status.observedGeneration': undefined,
  },
  Node: {
    'status.daemonEndpoints': undefined,
    'status.nodeInfo.machineID': '',
    'status.nodeInfo.systemUUID': '',
    'status.nodeInfo.kernelVersion': '',
    'status.nodeInfo.containerRuntimeVersion': '',
    'status.nodeInfo.kubeProxyVersion': '',
    'status.nodeInfo.operatingSystem': '',
    'status.nodeInfo.bootID': '',
    'status.nodeInfo.osImage': '',
    'status.nodeInfo.kubeletVersion': '',
    'status.nodeInfo.architecture': '',
    'status.nodeInfo.swap': undefined,
  },
  Event: {
    deprecatedSource: {},
    deprecatedFirstTimestamp: null,
    deprecatedLastTimestamp: null,
    deprecatedCount: undefined,
  },
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function drop(object: Fields, [key = '', ...deeper]: readonly string[], value: unknown): void {
  const found = object[key];
  if (deeper.length === 0) {
    if (value === undefined || JSON.stringify(found) === JSON.stringify(value)) delete object[key];
    return;
  }
  if (!isFields(found)) return;
  drop(found, deeper, value);
  if (Object.keys(found).length === 0 && value !== undefined && deeper.length === 1) delete object[key];
}

/** Times of conditions that nobody wrote are null. */
const NULLS = ['lastHeartbeatTime', 'lastProbeTime', 'lastTransitionTime'];

function dropNulls(object: unknown): void {
  if (typeof object !== 'object' || object === null) return;
  for (const [key, value] of Object.entries(object)) {
    if (value === null && NULLS.includes(key)) delete (object as Fields)[key];
    else dropNulls(value);
  }
}

/** A copy without all of that, as both sides then show it. */
export function withoutAdditions(object: KubeObject, kind: string): KubeObject {
  const copy = structuredClone(object) as unknown as Fields;
  drop(copy, ['metadata', 'managedFields'], undefined);
  drop(copy, ['metadata', 'selfLink'], undefined);
  dropNulls(copy['status']);
  for (const [path, value] of Object.entries(ADDED[kind] ?? {})) drop(copy, path.split('.'), value);
  return copy as unknown as KubeObject;
}
