/** An object as the API server holds it. */
import type { KubeObject, ObjectMeta } from '../../runtime/kubernetes.ts';

/** metadata with what only the server writes. */
export interface ApiMeta extends ObjectMeta {
  generateName?: string;
  deletionGracePeriodSeconds?: number;
}

/** Held objects are never changed in place: a write makes a new one, which may share parts with the old. */
export interface ApiObject extends KubeObject {
  metadata: ApiMeta;
  spec?: unknown;
  status?: unknown;
  [field: string]: unknown;
}

/** `namespace/name`, or the name alone; also the order of lists. */
export const storageKey = (key: { name: string; namespace?: string }): string =>
  key.namespace === undefined || key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;

/** The object with some of its metadata replaced; undefined removes a key. */
export function withMeta(
  object: ApiObject,
  changes: { [K in keyof ApiMeta]?: ApiMeta[K] | undefined },
): ApiObject {
  const metadata = { ...object.metadata, ...changes } as ApiMeta;
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete (metadata as unknown as Record<string, unknown>)[key];
  }
  return { ...object, metadata };
}
