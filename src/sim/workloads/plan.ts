/** Workloads as plain data: what runs in the cluster of a story besides the operator, and who protects it. */
import { DaemonSets, PodDisruptionBudgets, Pods } from '../../api/core.ts';
import type { KubeObject } from '../../runtime/kubernetes.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { Deployments, Jobs, type PodTemplate, StatefulSets } from '../cluster/kinds.ts';
import { behaviourAnnotations } from './behaviour.ts';
import type { PodBehaviour } from './behaviour.ts';
import type { StatefulWorkload } from './statefulsets.ts';

/** What a workload's pods are like. */
export interface PodPlan extends PodBehaviour {
  /** @default 30 */
  graceSeconds?: number;
  /** Besides `app`, which is the workload's name. */
  labels?: Record<string, string>;
}

interface Named {
  namespace: string;
  name: string;
}

/** One workload, or one budget over the pods of some. */
export type WorkloadPlan =
  | (Named & { kind: 'Deployment'; replicas: number; pod?: PodPlan })
  | (Named & {
      kind: 'StatefulSet';
      replicas: number;
      pod?: PodPlan;
      /** Each pod has a volume. */
      volumes?: boolean;
      /** All pods at once instead of one after the other. */
      parallel?: boolean;
    })
  | (Named & { kind: 'DaemonSet'; pod?: PodPlan })
  /** `pod.runMs` says how long each takes. */
  | (Named & { kind: 'Job'; completions: number; parallelism: number; pod?: PodPlan })
  /** Nobody puts it back once it is gone. */
  | (Named & { kind: 'Pod'; pod?: PodPlan })
  | (Named & { kind: 'PodDisruptionBudget'; match: Record<string, string> } & BudgetPlan);

/** One of the two. */
export interface BudgetPlan {
  minAvailable?: number | string;
  maxUnavailable?: number | string;
}

const templateOf = (name: string, pod: PodPlan = {}): PodTemplate => ({
  metadata: { labels: { app: name, ...pod.labels }, annotations: behaviourAnnotations(pod) },
  spec: {
    terminationGracePeriodSeconds: pod.graceSeconds ?? 30,
    containers: [{ name, image: `example.test/${name}:1` }],
  },
});

/** Makes it in a cluster, and its namespace when that is not there yet. */
export function installWorkload(cluster: SimCluster, plan: WorkloadPlan): void {
  const { name, namespace } = plan;
  cluster.namespace(namespace);
  const metadata = { name, namespace };
  const selector = { matchLabels: { app: name } };
  switch (plan.kind) {
    case 'Deployment': {
      const { replicas, pod } = plan;
      cluster.add(Deployments, { metadata, spec: { replicas, selector, template: templateOf(name, pod) } });
      return;
    }
    case 'StatefulSet':
      cluster.add(StatefulSets, statefulSet(plan));
      return;
    case 'DaemonSet':
      cluster.add(DaemonSets, {
        metadata,
        spec: { selector, template: templateOf(name, plan.pod) },
      } as KubeObject);
      return;
    case 'Job': {
      const { completions, parallelism, pod } = plan;
      cluster.add(Jobs, { metadata, spec: { completions, parallelism, template: templateOf(name, pod) } });
      return;
    }
    case 'Pod': {
      const { metadata: of, spec } = templateOf(name, plan.pod);
      cluster.add(Pods, { metadata: { ...of, ...metadata }, spec });
      return;
    }
    case 'PodDisruptionBudget': {
      const { match, minAvailable, maxUnavailable } = plan;
      cluster.add(PodDisruptionBudgets, {
        metadata,
        spec: {
          selector: { matchLabels: match },
          ...(minAvailable !== undefined && { minAvailable }),
          ...(maxUnavailable !== undefined && { maxUnavailable }),
        },
      });
    }
  }
}

function statefulSet(plan: Extract<WorkloadPlan, { kind: 'StatefulSet' }>): StatefulWorkload {
  const { name, namespace, replicas, pod, volumes = false, parallel = false } = plan;
  return {
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: templateOf(name, pod),
      podManagementPolicy: parallel ? 'Parallel' : 'OrderedReady',
      ...(volumes && { volumeClaimTemplates: [{ metadata: { name: 'data' } }] }),
    },
  };
}

/** A shop of a few services that may each lack one pod, and a log collector on every node. */
export function shopWorkloads(nodes: number): WorkloadPlan[] {
  const namespace = 'shop';
  const replicas = Math.max(2, Math.ceil(nodes / 3));
  return [
    ...['cart', 'catalog', 'checkout'].flatMap((name): WorkloadPlan[] => [
      { kind: 'Deployment', namespace, name, replicas },
      { kind: 'PodDisruptionBudget', namespace, name, match: { app: name }, maxUnavailable: 1 },
    ]),
    { kind: 'DaemonSet', namespace: 'kube-system', name: 'log-collector' },
  ];
}
