/** Addresses of resources on a Kubernetes API server. */
import type { Key, Resource, Selection } from '../kubernetes.ts';

/** Query parameters; undefined ones are left out. */
export type Query = Record<string, string | number | boolean | undefined>;

/** Path of a collection: of one namespace, or of the whole cluster. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  const scope =
    resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}/${resource.version}${scope}/${resource.plural}`;
}

/**
 * Path of one object, or of a subresource of it.
 * @throws TypeError when a name, or the namespace of a namespaced resource, is missing: the path would be that of
 * the collection.
 */
export function objectPath(resource: Resource, key: Key, subresource?: string): string {
  if (key.name === '') throw new TypeError(`The name of the ${resource.kind} is empty`);
  if (resource.namespaced && (key.namespace ?? '') === '')
    throw new TypeError(`The namespace of ${resource.kind} ${key.name} is missing`);
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

export const selectionQuery = (selection: Selection): Query => ({
  labelSelector: selection.labelSelector,
  fieldSelector: selection.fieldSelector,
});

/** Path and query as they go on the request line. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
