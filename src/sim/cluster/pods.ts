/** What is read off a pod. */
import type { OwnerReference } from '../../runtime/kubernetes.ts';
import { atPath } from './json.ts';
import type { ApiObject } from './object.ts';

const conditions = (object: ApiObject): { type: string; status: string }[] =>
  (atPath(object, 'status.conditions') ?? []) as { type: string; status: string }[];

export const hasCondition = (object: ApiObject, type: string): boolean =>
  conditions(object).some((condition) => condition.type === type && condition.status === 'True');

export const isPodReady = (pod: ApiObject): boolean => hasCondition(pod, 'Ready');

/** Ended or about to: nobody counts on it. */
export const isPodActive = (pod: ApiObject): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  !['Succeeded', 'Failed'].includes(String(atPath(pod, 'status.phase')));

export const controllerOf = (object: ApiObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find(({ controller }) => controller === true);
