/** What the demo shows, read from the cluster's objects alone, as a person with kubectl would. */
import { Nodes } from '../../api/core.ts';
import { NAMESPACE, shadowName } from '../../api/names.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { SimCluster } from '../../sim/cluster/cluster.ts';

/** One node. */
export interface NodeRow {
  node: string;
  zone: string;
  policy: string;
  /** Idle, Staging, Draining, Rebooting, Verifying, Updated, … */
  phase: string;
  version: string;
  target: string;
  /** Why it is where it is. */
  reason: string;
  message: string;
}

/** One policy. */
export interface PolicyRow {
  policy: string;
  updated: string;
  slots: string;
  window: string;
  reason: string;
  estimatedCompletion: string;
}

const ZONE = 'topology.kubernetes.io/zone';

export function nodeRows(cluster: SimCluster): NodeRow[] {
  return cluster
    .peekAll(Nodes)
    .map((node) => {
      const { name } = node.metadata;
      const shadow = cluster.peek(BottlerocketShadows, { name: shadowName(name), namespace: NAMESPACE });
      return rowOf(name, node.metadata.labels?.[ZONE] ?? '', shadow);
    })
    .toSorted((a, b) => a.zone.localeCompare(b.zone) || a.node.localeCompare(b.node));
}

function rowOf(node: string, zone: string, shadow: BottlerocketShadow | undefined): NodeRow {
  const { spec, status = {} } = shadow ?? {};
  const { reason = '', message = '', phase } = status.update ?? {};
  return {
    node,
    zone,
    policy: spec?.policy?.name ?? '',
    phase: phase ?? (reason === 'UpToDate' ? 'Updated' : 'Waiting'),
    version: status.current_version ?? '?',
    target: spec?.version ?? status.target_version ?? '',
    reason,
    message,
  };
}

export const policyRows = (cluster: SimCluster): PolicyRow[] =>
  cluster.peekAll(UpdatePolicies).flatMap(({ metadata, status = {} }) => {
    const { summary = {}, budget, rollout } = status;
    if ((status.nodes?.selected ?? 0) === 0) return [];
    return [
      {
        policy: metadata.name,
        updated: summary.updated ?? '',
        slots: budget === undefined ? '' : `${budget.used}/${budget.limit}`,
        window: summary.window ?? '',
        reason: summary.reason ?? '',
        estimatedCompletion: rollout?.estimatedCompletion ?? '',
      },
    ];
  });

/** True while some node is being updated. */
export const isBusy = (cluster: SimCluster): boolean =>
  cluster.peekAll(UpdatePolicies).some(({ status }) => (status?.updating ?? []).length > 0);

/** All `count` nodes run `version`, and everything is put away. */
export const isFinished = (cluster: SimCluster, version: string, count: number): boolean =>
  !isBusy(cluster) &&
  cluster.peekAll(Nodes).length === count &&
  cluster.peekAll(Nodes).every((node) => {
    const key = { name: shadowName(node.metadata.name), namespace: NAMESPACE };
    const shadow = cluster.peek(BottlerocketShadows, key);
    return (
      node.spec?.unschedulable !== true &&
      shadow?.status?.current_version === version &&
      shadow.spec.state === 'Idle'
    );
  });
