/**
 * Which pods of a node a drain is about (protocol 6). Pure: a list of pods and what is known of the node in, one class
 * per pod out.
 */
import type { Node, Pod } from '../../api/core.ts';
import { APISERVER_SERVICE_ACCOUNT, CONTROLLER_SERVICE_ACCOUNT, NAMESPACE } from '../../api/names.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';

/** What a drain does with a pod. */
export type PodClass =
  /** Made by the kubelet from a file; cannot be evicted. */
  | 'mirror'
  /** Its DaemonSet would put it back at once. */
  | 'daemonSet'
  /** Succeeded or Failed: nothing runs. */
  | 'completed'
  /** Selected by `drain.ignorePods`. */
  | 'ignored'
  /** A pod of the operator that stays: younger than the cordon, or with nowhere to go. */
  | 'ownStays'
  /** A pod of the operator; evicted when no other is left. */
  | 'own'
  /** On its way out; counts until it is gone. */
  | 'terminating'
  /** To be evicted. */
  | 'evictable';

export interface DrainContext {
  /** Pods that `drain.ignorePods` selects. */
  isIgnored: (pod: Pod) => boolean;
  /** When this attempt cordoned the node, milliseconds since the epoch. */
  cordonedAtMs: number;
  /** Whether another Ready and schedulable node could take a pod of ours. */
  canMove: (pod: Pod) => boolean;
}

/** The pods of a node that a drain still has to wait for, by what is to be done with them. */
export interface Drainable {
  /** To be evicted now. */
  evict: Pod[];
  terminating: Pod[];
  /** Pods of the operator that go once the others are gone. */
  own: Pod[];
}

const ownedBy = (pod: Pod, kind: string): boolean =>
  pod.metadata.ownerReferences?.some((owner) => owner.kind === kind && owner.controller !== false) ?? false;

const isMirror = (pod: Pod): boolean =>
  pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;

const isOwn = (pod: Pod): boolean =>
  pod.metadata.namespace === NAMESPACE &&
  (pod.spec?.serviceAccountName === CONTROLLER_SERVICE_ACCOUNT ||
    pod.spec?.serviceAccountName === APISERVER_SERVICE_ACCOUNT);

/** One that was bound after the cordon has been evicted once already; evicting it again would never end. */
function staysPut(pod: Pod, context: DrainContext): boolean {
  const createdAt = parseRfc3339(pod.metadata.creationTimestamp);
  return (createdAt !== undefined && createdAt > context.cordonedAtMs) || !context.canMove(pod);
}

/** What a drain does with one pod. */
export function classifyPod(pod: Pod, context: DrainContext): PodClass {
  if (isMirror(pod)) return 'mirror';
  if (ownedBy(pod, 'DaemonSet')) return 'daemonSet';
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 'completed';
  if (context.isIgnored(pod)) return 'ignored';
  if (pod.metadata.deletionTimestamp !== undefined) return 'terminating';
  if (!isOwn(pod)) return 'evictable';
  return staysPut(pod, context) ? 'ownStays' : 'own';
}

/** Sorts the pods of a node into what a drain still has to wait for; the rest may stay. */
export function classify(pods: readonly Pod[], context: DrainContext): Drainable {
  const drainable: Drainable = { evict: [], terminating: [], own: [] };
  for (const pod of pods) {
    const kind = classifyPod(pod, context);
    if (kind === 'evictable') drainable.evict.push(pod);
    else if (kind === 'terminating') drainable.terminating.push(pod);
    else if (kind === 'own') drainable.own.push(pod);
  }
  return drainable;
}

/** How many pods keep the node from being rebooted. */
export const pendingPods = ({ evict, terminating, own }: Drainable): number =>
  evict.length + terminating.length + own.length;

/** Pods to evict next: those of the operator only once nothing else is left. */
export const nextEvictions = ({ evict, terminating, own }: Drainable): readonly Pod[] =>
  evict.length + terminating.length === 0 ? own : evict;

const KEEPS_PODS_OUT = new Set(['NoSchedule', 'NoExecute']);

/**
 * Whether one of `nodes` other than `from` could take a pod of ours, as far as can be told without a scheduler: Ready,
 * not cordoned, without a taint that keeps pods out, with the labels the pod asks for.
 */
export function hasPlaceFor(pod: Pod, nodes: Iterable<Node>, from: string): boolean {
  for (const node of nodes) {
    if (node.metadata.name !== from && takesPods(node) && hasLabels(node, pod.spec?.nodeSelector))
      return true;
  }
  return false;
}

const takesPods = (node: Node): boolean =>
  node.metadata.deletionTimestamp === undefined &&
  node.spec?.unschedulable !== true &&
  node.spec?.taints?.some((taint) => KEEPS_PODS_OUT.has(taint.effect)) !== true &&
  node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

const hasLabels = (node: Node, wanted: Record<string, string> = {}): boolean =>
  Object.entries(wanted).every(([key, value]) => node.metadata.labels?.[key] === value);
