/** All objects of one resource, and what happened to them lately: lists of the past and watches are read from it. */
import { refusal } from './errors.ts';
import type { ResourceDefinition } from './definition.ts';
import { atPath } from './json.ts';
import { type ApiObject, storageKey } from './object.ts';
import type { FieldTerm } from './selectors.ts';

/** One write. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly atMs: number;
  /** As it is after the write; of a DELETED one the last state, with the revision of the delete. */
  readonly object: ApiObject;
  readonly previous?: ApiObject;
}

/** What a missing field counts as, where that is not the empty text. */
const ABSENT: Readonly<Record<string, string>> = { 'spec.unschedulable': 'false' };

/** The text that field selectors compare: a missing field is the empty text. */
export function fieldText(object: ApiObject, path: string): string {
  const value = atPath(object, path) ?? ABSENT[path];
  return typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? ''
      : JSON.stringify(value);
}

export const matchesFields = (object: ApiObject, terms: readonly FieldTerm[]): boolean =>
  terms.every(({ field, value, equal }) => (fieldText(object, field) === value) === equal);

export class Table {
  readonly definition: ResourceDefinition;
  readonly #objects = new Map<string, ApiObject>();
  readonly #incomplete = new WeakSet<ApiObject>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  #sorted: string[] | undefined;
  #history: Change[] = [];
  /** Changes up to this revision are forgotten. */
  #compacted: number;

  constructor(definition: ResourceDefinition, revision: number) {
    this.definition = definition;
    this.#compacted = revision;
    for (const field of definition.indexed) this.#indexes.set(field, new Map());
  }

  /** The object is shown with more than is stored of it. */
  markIncomplete(object: ApiObject): void {
    this.#incomplete.add(object);
  }

  isIncomplete(object: ApiObject): boolean {
    return this.#incomplete.has(object);
  }

  get size(): number {
    return this.#objects.size;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  get(key: { name: string; namespace?: string }): ApiObject | undefined {
    return this.#objects.get(storageKey(key));
  }

  /** Objects in the order of lists. */
  all(): ApiObject[] {
    this.#sorted ??= [...this.#objects.keys()].toSorted(byText);
    return this.#pick(this.#sorted);
  }

  /** Objects whose field has this value, in the order of lists. The field has to be indexed. */
  having(field: string, value: string): ApiObject[] {
    const index = this.#indexes.get(field);
    if (index === undefined) throw new Error(`${this.definition.resource.plural} have no index of ${field}`);
    return this.#pick([...(index.get(value) ?? [])].toSorted(byText));
  }

  /** How many objects have this value in an indexed field. */
  countHaving(field: string, value: string): number {
    return this.#indexes.get(field)?.get(value)?.size ?? 0;
  }

  isIndexed(field: string): boolean {
    return this.#indexes.has(field);
  }

  /** The objects as they were right after `revision`, in the order of lists; undefined when that is forgotten. */
  at(revision: number): ApiObject[] | undefined {
    if (revision < this.#compacted) return undefined;
    const later = this.#history.slice(this.#firstAfter(revision));
    if (later.length === 0) return this.all();
    const past = new Map(this.#objects);
    for (const { object, previous } of later.toReversed()) {
      const key = storageKey(object.metadata);
      if (previous === undefined) past.delete(key);
      else past.set(key, previous);
    }
    return [...past].toSorted(([a], [b]) => byText(a, b)).map(([, object]) => object);
  }

  /** Changes after `revision`; undefined when some of them are forgotten. */
  since(revision: number): Change[] | undefined {
    return revision < this.#compacted ? undefined : this.#history.slice(this.#firstAfter(revision));
  }

  /** The newest revision that is remembered and was made by `atMs`. */
  revisionBefore(atMs: number): number {
    return this.#history.findLast((change) => change.atMs <= atMs)?.revision ?? this.#compacted;
  }

  apply(change: Change): void {
    const key = storageKey(change.object.metadata);
    if (change.type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, change.object);
    if (change.type !== 'MODIFIED') this.#sorted = undefined;
    this.#index(key, change);
    this.#history.push(change);
  }

  /** Forgets changes made before `atMs`. */
  compactBefore(atMs: number): void {
    let count = 0;
    while ((this.#history[count]?.atMs ?? Infinity) < atMs) count++;
    this.#forget(count);
  }

  /** Forgets all changes made so far. */
  compact(revision: number): void {
    this.#history = [];
    this.#compacted = revision;
  }

  /** Age of the oldest change that is remembered. */
  get oldestMs(): number | undefined {
    return this.#history[0]?.atMs;
  }

  #forget(count: number): void {
    const last = this.#history[count - 1];
    if (last === undefined) return;
    this.#compacted = last.revision;
    this.#history = this.#history.slice(count);
  }

  #pick(keys: readonly string[]): ApiObject[] {
    return keys.flatMap((key) => this.#objects.get(key) ?? []);
  }

  #index(key: string, { type, object, previous }: Change): void {
    for (const [field, values] of this.#indexes) {
      const before = previous === undefined ? undefined : fieldText(previous, field);
      const after = type === 'DELETED' ? undefined : fieldText(object, field);
      if (before === after) continue;
      if (before !== undefined) values.get(before)?.delete(key);
      if (after === undefined) continue;
      const keys = values.get(after);
      if (keys === undefined) values.set(after, new Set([key]));
      else keys.add(key);
    }
  }

  /** Index of the first change after `revision`, by bisection. */
  #firstAfter(revision: number): number {
    let [low, high] = [0, this.#history.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#history[middle]?.revision ?? Infinity) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * @param field what the message names, where it names any
 * @throws KubernetesError 500 when it is no number.
 */
export function parseRevision(text: string, field?: string): number {
  if (!/^\d+$/.test(text))
    throw refusal(
      'server',
      `${field === undefined ? '' : `${field}: Invalid value: ${JSON.stringify(text)}: `}strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return Number(text);
}
