/** The pods/eviction subresource, with its odd corners: they are what a drain has to live with. */
import { PodDisruptionBudgets, Pods } from '../../api/core.ts';
import type { PodDisruptionBudget } from '../../api/core.ts';
import type { EvictOptions, Key } from '../../runtime/kubernetes.ts';
import { isKubernetesError, type KubernetesError } from '../../runtime/kubernetes.ts';
import { refusal } from './errors.ts';
import { atPath } from './json.ts';
import type { ApiObject } from './object.ts';
import { patch } from './patch.ts';
import { isPodReady } from './pods.ts';
import { checkPreconditions, remove } from './remove.ts';
import { matchesSelector } from './selectors.ts';
import { read, type Server, serverTime } from './server.ts';
import type { Table } from './table.ts';

/** A conflict on a pod that asks no budget is tried again, 20 times in 10 s, before it is answered. */
export const EVICTION_RETRY_MS = 10_000;
const STILL_PROCESSED_RETRY_MS = 10_000;
const BLOCKED = "Cannot evict pod as it would violate the pod's disruption budget.";
const MAX_DISRUPTED_PODS = 2000;

/** What `kubectl get pdb -o yaml` shows beyond what this operator reads. */
export interface BudgetObject extends PodDisruptionBudget, ApiObject {
  metadata: ApiObject['metadata'];
  spec?: NonNullable<PodDisruptionBudget['spec']> & { unhealthyPodEvictionPolicy?: string };
  status?: NonNullable<PodDisruptionBudget['status']> & {
    disruptedPods?: Record<string, string>;
    conditions?: object[];
  };
}

export interface EvictRequest {
  pod: Required<Key>;
  options: EvictOptions;
}

/** An answer that took its time. */
export class SlowRefusal extends Error {
  readonly refusal: KubernetesError;
  readonly afterMs: number;

  constructor(slow: KubernetesError, afterMs: number) {
    super(slow.message);
    this.refusal = slow;
    this.afterMs = afterMs;
  }
}

/** @throws KubernetesError, or SlowRefusal when the server tries for long before it says no */
export function evict(server: Server, request: EvictRequest): void {
  const table = server.store.table(Pods);
  const pod = read(table, request.pod);
  if (asksNoBudget(pod)) return evictUnasked(server, table, request);
  const budgets = budgetsOf(server, pod);
  if (budgets.length > 1)
    throw refusal(
      'server',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  const [budget] = budgets;
  if (budget !== undefined && !mayIgnore(budget, pod)) spend(server, budget, request);
  // The budget is spent before the UID is looked at.
  end(server, table, request);
}

/** Pending and ended pods, and those on their way out. */
function asksNoBudget(pod: ApiObject): boolean {
  const phase = atPath(pod, 'status.phase');
  return (
    pod.metadata.deletionTimestamp !== undefined || ['Pending', 'Succeeded', 'Failed'].includes(String(phase))
  );
}

function evictUnasked(server: Server, table: Table, request: EvictRequest): void {
  try {
    end(server, table, request);
  } catch (error) {
    if (isKubernetesError(error, 'conflict')) throw new SlowRefusal(error, EVICTION_RETRY_MS);
    throw error;
  }
}

export function budgetsOf(server: Server, pod: ApiObject): BudgetObject[] {
  const namespace = pod.metadata.namespace ?? '';
  const budgets = server.store
    .table(PodDisruptionBudgets)
    .having('metadata.namespace', namespace) as BudgetObject[];
  return budgets.filter((budget) => matchesSelector(budget.spec?.selector, pod.metadata.labels));
}

/** A pod that is not ready costs nothing, where the budget is met without it or says so. */
function mayIgnore({ spec, status }: BudgetObject, pod: ApiObject): boolean {
  if (isPodReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const desired = status?.desiredHealthy ?? 0;
  return desired > 0 && (status?.currentHealthy ?? 0) >= desired;
}

function spend(server: Server, budget: BudgetObject, { pod, options }: EvictRequest): void {
  const { metadata, status = {} } = budget;
  const { disruptionsAllowed = 0, disruptedPods = {} } = status;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    throw blocked(
      `The disruption budget ${metadata.name} is still being processed by the server.`,
      STILL_PROCESSED_RETRY_MS,
    );
  if (Object.keys(disruptedPods).length > MAX_DISRUPTED_PODS)
    throw refusal(
      'forbidden',
      `poddisruptionbudget.policy "${metadata.name}" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller`,
    );
  if (disruptionsAllowed <= 0)
    throw blocked(
      `The disruption budget ${metadata.name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`,
    );
  if (options.dryRun === true) return;
  patch(server, server.store.table(PodDisruptionBudgets), {
    key: metadata,
    subresource: 'status',
    body: {
      status: {
        disruptionsAllowed: disruptionsAllowed - 1,
        disruptedPods: { ...disruptedPods, [pod.name]: serverTime(server) },
      },
    },
  });
}

const blocked = (message: string, retryAfterMs?: number): KubernetesError =>
  refusal('throttled', BLOCKED, {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });

/** Writes down why, then deletes. */
function end(server: Server, table: Table, { pod: key, options }: EvictRequest): void {
  const pod = read(table, key);
  checkPreconditions(table, pod, { uid: options.uid });
  if (options.dryRun === true) return;
  patch(server, table, {
    key,
    subresource: 'status',
    body: { status: { conditions: withDisruption(server, pod) } },
  });
  const { gracePeriodSeconds } = options;
  remove(server, table, {
    key,
    options: { ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }) },
  });
}

function withDisruption(server: Server, pod: ApiObject): object[] {
  const conditions = (atPath(pod, 'status.conditions') ?? []) as { type: string }[];
  if (conditions.some(({ type }) => type === 'DisruptionTarget')) return conditions;
  const target = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: serverTime(server),
  };
  return [...conditions, target];
}
