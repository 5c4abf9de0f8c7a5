/** Which objects of a table a list or a watch is about. */
import type { Selection } from '../../runtime/kubernetes.ts';
import type { ResourceDefinition } from './definition.ts';
import type { ApiObject } from './object.ts';
import { type FieldTerm, parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { matchesFields, type Table } from './table.ts';

export interface Selected {
  matches(object: ApiObject): boolean;
  /** Whether the object lies in what the server goes through to find the selected ones. */
  isGoneThrough(object: ApiObject): boolean;
  /** A field and the value that all selected objects have in it, when the selection says so. */
  readonly fixed: readonly { field: string; value: string }[];
}

const KEY_FIELDS = ['metadata.name', 'metadata.namespace'];

const nameFields = ({ resource }: ResourceDefinition): string[] =>
  resource.namespaced ? KEY_FIELDS : ['metadata.name'];

/** @throws KubernetesError 400 when a selector cannot be read */
export function select(definition: ResourceDefinition, selection: Selection): Selected {
  const labels = parseLabelSelector(selection.labelSelector);
  const fields = parseFieldSelector(selection.fieldSelector, [
    ...nameFields(definition),
    ...definition.fields,
  ]);
  const inNamespace: FieldTerm[] =
    selection.namespace === undefined || selection.namespace === ''
      ? []
      : [{ field: 'metadata.namespace', value: selection.namespace, equal: true }];
  const terms = [...inNamespace, ...fields];
  const fixed = terms.filter(({ equal }) => equal);
  // By key: the namespace, the name; by an index of the server's cache: the node of a pod.
  const scope = fixed.filter(({ field }) => [...KEY_FIELDS, ...definition.indexed].includes(field));
  return {
    matches: (object) => matchesFields(object, terms) && labels(object.metadata.labels ?? {}),
    isGoneThrough: (object) => matchesFields(object, scope),
    fixed,
  };
}

/** Selected objects as they are now, in the order of lists, by an index where there is one. */
export function selectFrom(table: Table, selected: Selected): ApiObject[] {
  const indexed = selected.fixed.find(({ field }) => table.isIndexed(field));
  const candidates = indexed === undefined ? table.all() : table.having(indexed.field, indexed.value);
  return candidates.filter((object) => selected.matches(object));
}
