/** Objects by key, with indexes. */
import type { Key, KubeObject } from './kubernetes.ts';

/** `namespace/name`, or `name` for cluster-scoped objects: how stores and work queues name an object. */
export const keyText = (key: Key): string =>
  key.namespace === undefined || key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;

/** The Key of a text made by `keyText`. */
export function parseKey(text: string): Key {
  const slash = text.indexOf('/');
  return slash === -1 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** The values under which an object is found; none when it is not in the index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** What readers see of a Store. The objects are shared: nobody may change them. */
export interface ReadonlyStore<T extends KubeObject, I extends string = never> {
  readonly size: number;
  get(key: Key | string): T | undefined;
  /** All objects, in the order in which their keys came in. */
  list(): T[];
  /** The objects that the index function maps to `value`. */
  byIndex(index: I, value: string): T[];
}

export class Store<T extends KubeObject, I extends string = never> implements ReadonlyStore<T, I> {
  #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<I, { of: IndexFunction<T>; entries: Map<string, Set<string>> }>;

  constructor(indexes: Readonly<Record<I, IndexFunction<T>>>) {
    const named = Object.entries(indexes) as [I, IndexFunction<T>][];
    this.#indexes = new Map(named.map(([name, of]) => [name, { of, entries: new Map() }]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: Key | string): T | undefined {
    return this.#objects.get(typeof key === 'string' ? key : keyText(key));
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: I, value: string): T[] {
    const keys = this.#indexes.get(index)?.entries.get(value) ?? [];
    const found: T[] = [];
    for (const key of keys) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** Puts or, with undefined, removes. @returns what was there. */
  set(key: string, object: T | undefined): T | undefined {
    const old = this.#objects.get(key);
    this.#reindex(key, { old, object });
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    return old;
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  #reindex(key: string, change: { old: T | undefined; object: T | undefined }): void {
    for (const { of, entries } of this.#indexes.values()) {
      // Both are computed before anything changes: an index function that throws leaves the index whole.
      const before = change.old === undefined ? [] : of(change.old);
      const after = change.object === undefined ? [] : of(change.object);
      for (const value of before) if (!after.includes(value)) removeFrom(entries, value, key);
      for (const value of after) addTo(entries, value, key);
    }
  }
}

function addTo(entries: Map<string, Set<string>>, value: string, key: string): void {
  const keys = entries.get(value);
  if (keys === undefined) entries.set(value, new Set([key]));
  else keys.add(key);
}

function removeFrom(entries: Map<string, Set<string>>, value: string, key: string): void {
  const keys = entries.get(value);
  keys?.delete(key);
  if (keys?.size === 0) entries.delete(value);
}
