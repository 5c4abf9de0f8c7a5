/** Which objects of a table a list or a watch is about. */
import type { Selection } from '../../runtime/kubernetes.ts';
import type { ResourceDefinition } from './definition.ts';
import type { ApiObject } from './object.ts';
import { type FieldTerm, parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { matchesFields, type Table } from './table.ts';

export interface Selected {
  matches(object: ApiObject): boolean;
  /** A field and the value that all selected objects have in it, when the selection says so. */
  readonly fixed: readonly { field: string; value: string }[];
}

const NAME_FIELDS = ['metadata.name', 'metadata.namespace'];

/** @throws KubernetesError 400 when a selector cannot be read */
export function select(definition: ResourceDefinition, selection: Selection): Selected {
  const labels = parseLabelSelector(selection.labelSelector);
  const fields = parseFieldSelector(selection.fieldSelector, [...NAME_FIELDS, ...definition.fields]);
  const inNamespace: FieldTerm[] =
    selection.namespace === undefined || selection.namespace === ''
      ? []
      : [{ field: 'metadata.namespace', value: selection.namespace, equal: true }];
  const terms = [...inNamespace, ...fields];
  return {
    matches: (object) => matchesFields(object, terms) && labels(object.metadata.labels ?? {}),
    fixed: terms.filter(({ equal }) => equal),
  };
}

/** Selected objects as they are now, in the order of lists, by an index where there is one. */
export function selectFrom(table: Table, selected: Selected): ApiObject[] {
  const indexed = selected.fixed.find(({ field }) => table.isIndexed(field));
  const candidates = indexed === undefined ? table.all() : table.having(indexed.field, indexed.value);
  return candidates.filter((object) => selected.matches(object));
}
