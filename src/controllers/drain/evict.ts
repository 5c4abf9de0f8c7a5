/** Carries out one round of a drain: a live list, a bounded batch of evictions, and what held them. */
import { PodDisruptionBudgets, Pods } from '../../api/core.ts';
import type { Pod, PodDisruptionBudget } from '../../api/core.ts';
import { compileSelector } from '../../policy/selector.ts';
import type { KubernetesPort, KubeObject, Resource, Selection } from '../../runtime/kubernetes.ts';
import { describeBlocker, readEvictionError } from './outcome.ts';
import type { Blocker, EvictionOutcome } from './outcome.ts';

/** Evictions of one node under way at a time. */
export const EVICTIONS_AT_A_TIME = 8;
const PAGE_SIZE = 500;

/** Reads a whole collection live, page by page. */
export async function listAll<T extends KubeObject>(
  port: KubernetesPort,
  resource: Resource<T>,
  selection: Selection,
): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const page = await port.list(resource, {
      ...selection,
      limit: PAGE_SIZE,
      ...(next === undefined ? {} : { continue: next }),
    });
    items.push(...page.items);
    next = page.continue === '' ? undefined : page.continue;
  } while (next !== undefined);
  return items;
}

/** A live list of the pods of a node: a quorum read, never a cache. */
export const listPodsOf = (port: KubernetesPort, node: string): Promise<Pod[]> =>
  listAll(port, Pods, { fieldSelector: `spec.nodeName=${node}` });

export interface EvictionRound {
  /** Pods that were asked for; fewer than ordered when the time was up or the server throttled. */
  asked: number;
  /** Pods that the API took for eviction, or that were gone already. */
  evicted: number;
  /** What held the others, worst first. */
  blockers: Blocker[];
  /** The server asked to wait so long. */
  retryAfterMs?: number;
}

export interface EvictionOrder {
  pods: readonly Pod[];
  /** Unset = each pod's own. */
  gracePeriodSeconds?: number;
  /** Asked before each eviction; the rest of the batch is left when it says no. */
  mayEvict: () => boolean;
  /** Look up the PodDisruptionBudget of a pod that is blocked, to name it with its numbers. */
  namesBudgets: boolean;
}

/**
 * Evicts pods, a few at a time; every one gets its chance, so that a blocked pod does not hold the others. Once the
 * server throttles, the rest waits for the next round.
 * @throws KubernetesError `fenced`.
 */
export async function evictPods(port: KubernetesPort, order: EvictionOrder): Promise<EvictionRound> {
  const outcomes: { pod: Pod; outcome: EvictionOutcome }[] = [];
  const queue = [...order.pods];
  let retryAfterMs: number | undefined;
  const worker = async (): Promise<void> => {
    for (let pod = queue.shift(); pod !== undefined && order.mayEvict(); pod = queue.shift()) {
      const outcome = await evictOne(port, pod, order.gracePeriodSeconds);
      outcomes.push({ pod, outcome });
      if (outcome.is !== 'throttled') continue;
      retryAfterMs = Math.max(retryAfterMs ?? 0, outcome.retryAfterMs);
      queue.length = 0;
    }
  };
  await Promise.all(Array.from({ length: Math.min(EVICTIONS_AT_A_TIME, queue.length) }, worker));
  return {
    asked: outcomes.length,
    evicted: outcomes.filter(({ outcome }) => outcome.is === 'evicted' || outcome.is === 'gone').length,
    blockers: await describe(port, outcomes, order.namesBudgets),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

async function evictOne(
  port: KubernetesPort,
  pod: Pod,
  gracePeriodSeconds: number | undefined,
): Promise<EvictionOutcome> {
  const { name, namespace = '', uid = '' } = pod.metadata;
  try {
    await port.evict(
      { name, namespace },
      { uid, ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) },
    );
    return { is: 'evicted' };
  } catch (error) {
    return readEvictionError(error);
  }
}

/** Blocked pods first, as they need a person; then what passes by itself. */
const SEVERITY: Partial<Record<EvictionOutcome['is'], number>> = {
  twoBudgets: 0,
  refused: 1,
  blocked: 2,
  unanswered: 3,
  throttled: 4,
};

async function describe(
  port: KubernetesPort,
  outcomes: { pod: Pod; outcome: EvictionOutcome }[],
  namesBudgets: boolean,
): Promise<Blocker[]> {
  const held = outcomes
    .filter(({ outcome }) => outcome.is in SEVERITY)
    .toSorted(
      (a, b) =>
        (SEVERITY[a.outcome.is] ?? 9) - (SEVERITY[b.outcome.is] ?? 9) ||
        keyOf(a.pod).localeCompare(keyOf(b.pod)),
    );
  const budgets = new Map<string, Promise<PodDisruptionBudget[]>>();
  const blockers: Blocker[] = [];
  for (const { pod, outcome } of held) {
    const selecting = needsBudgets(outcome, namesBudgets) ? await budgetsOf(port, pod, budgets) : [];
    const blocker = describeBlocker(pod, outcome, selecting);
    if (blocker !== undefined) blockers.push(blocker);
  }
  return blockers;
}

const keyOf = (pod: Pod): string => `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;

/** Two budgets do not go away by themselves: they are named at once. */
const needsBudgets = ({ is }: EvictionOutcome, namesBudgets: boolean): boolean =>
  is === 'twoBudgets' || (namesBudgets && is === 'blocked');

/** The budgets that select a pod. That they cannot be read costs their names, nothing else. */
async function budgetsOf(
  port: KubernetesPort,
  pod: Pod,
  cache: Map<string, Promise<PodDisruptionBudget[]>>,
): Promise<PodDisruptionBudget[]> {
  const namespace = pod.metadata.namespace ?? '';
  let listed = cache.get(namespace);
  if (listed === undefined) {
    listed = listAll(port, PodDisruptionBudgets, { namespace }).catch(() => []);
    cache.set(namespace, listed);
  }
  return (await listed).filter(
    ({ spec }) => spec?.selector !== undefined && compileSelector(spec.selector)(pod.metadata.labels),
  );
}
