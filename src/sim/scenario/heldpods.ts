/**
 * Pods that no drain can ever move: two budgets over one, a budget that allows nothing however many of its pods are there,
 * or nowhere to go. Pure.
 */
import type { Node, Pod, PodDisruptionBudget } from '../../api/core.ts';
import { APISERVER_SERVICE_ACCOUNT, CONTROLLER_SERVICE_ACCOUNT, NAMESPACE } from '../../api/names.ts';
import type { Selector } from '../../policy/selector.ts';
import { compileSelector } from '../../policy/selector.ts';
import { cordonOf } from '../../protocol/marks.ts';

/** What the question is asked of. */
export interface PodsOfWorld {
  nodes: readonly Readonly<Node>[];
  pods: readonly Readonly<Pod>[];
  budgets: readonly Readonly<PodDisruptionBudget>[];
}

/** Why a node can never be emptied; undefined when it can. @param isIgnored pods that the drain leaves running */
export function whyHeld(node: string, world: PodsOfWorld, isIgnored: Selector): string | undefined {
  const hasOther = world.nodes.some((other) => other.metadata.name !== node && takesPods(other));
  for (const pod of world.pods) {
    if (pod.spec?.nodeName !== node || isIgnored(pod.metadata.labels) || !isDrained(pod)) continue;
    const why = whyStuck(pod, world.budgets, hasOther);
    if (why !== undefined) return `pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name}: ${why}`;
  }
  return undefined;
}

function whyStuck(
  pod: Readonly<Pod>,
  budgets: PodsOfWorld['budgets'],
  hasOther: boolean,
): string | undefined {
  const [budget, second] = budgets.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.metadata.namespace && compileSelector(spec?.selector)(pod.metadata.labels),
  );
  if (budget === undefined) return undefined;
  if (second !== undefined) return 'two budgets select it';
  const { expectedPods, desiredHealthy = 0, currentHealthy = 0 } = budget.status ?? {};
  if (expectedPods === undefined) return 'its budget has no scale to count by';
  if (desiredHealthy >= expectedPods) return 'its budget allows nothing';
  if (!hasOther && desiredHealthy > 0) return 'its budget waits for a pod that has nowhere to go';
  return currentHealthy === 0 && expectedPods === 0 ? 'its budget knows no pods' : undefined;
}

/** Nobody keeps pods off it for good. */
const takesPods = (node: Readonly<Node>): boolean =>
  node.metadata.deletionTimestamp === undefined &&
  cordonOf(node).by !== 'others' &&
  node.spec?.taints?.some(
    ({ key, effect }) => effect !== 'PreferNoSchedule' && !key.startsWith('node.kubernetes.io/'),
  ) !== true;

function isDrained({ metadata, spec, status }: Readonly<Pod>): boolean {
  const isDaemon = metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') === true;
  const isOver = ['Succeeded', 'Failed'].includes(status?.phase ?? '');
  const isOurs =
    metadata.namespace === NAMESPACE &&
    [APISERVER_SERVICE_ACCOUNT, CONTROLLER_SERVICE_ACCOUNT].includes(spec?.serviceAccountName ?? '');
  return !isDaemon && !isOver && !isOurs;
}
