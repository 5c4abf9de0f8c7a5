/** Everything the cluster stores: one table a resource and one revision counter for all, as etcd has. */
import type { Clock } from '../../runtime/clock.ts';
import type { Resource } from '../../runtime/kubernetes.ts';
import { apiVersionOf, resourceId, type ResourceDefinition } from './definition.ts';
import { unknownResource } from './errors.ts';
import type { ApiObject } from './object.ts';
import { withMeta } from './object.ts';
import { type Change, Table } from './table.ts';

/** Told of every change, in order, while it is being made. Must not throw. */
export type ChangeListener = (change: Change, table: Table) => void;

/** History is trimmed when its oldest entry is a quarter older than it need be. */
const TRIM_SLACK = 1.25;

export class Store {
  readonly #clock: Clock;
  readonly #historyMs: number;
  readonly #tables = new Map<string, Table>();
  readonly #listeners: ChangeListener[] = [];
  #revision = 1;

  /** @param historyMs how long changes are remembered for watches and pages */
  constructor(clock: Clock, historyMs: number) {
    this.#clock = clock;
    this.#historyMs = historyMs;
  }

  get revision(): number {
    return this.#revision;
  }

  get tables(): Table[] {
    return [...this.#tables.values()];
  }

  define(definition: ResourceDefinition): Table {
    const table = new Table(definition, this.#revision);
    this.#tables.set(resourceId(definition.resource), table);
    return table;
  }

  undefine(resource: Resource): void {
    this.#tables.delete(resourceId(resource));
  }

  /** @throws KubernetesError notFound when there is no such resource in that version */
  table(resource: Resource): Table {
    const table = this.#tables.get(resourceId(resource));
    if (table === undefined || table.definition.resource.version !== resource.version)
      throw unknownResource();
    return table;
  }

  /** The table of a kind, as owner references name it. */
  tableOfKind(apiVersion: string, kind: string): Table | undefined {
    return this.tables.find(
      ({ definition: { resource } }) => resource.kind === kind && apiVersionOf(resource) === apiVersion,
    );
  }

  subscribe(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /** Stores an object that is new or replaces `previous`, and gives back what is stored. */
  put(table: Table, object: ApiObject, previous?: ApiObject): ApiObject {
    return this.#commit(table, {
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      object,
      ...(previous !== undefined && { previous }),
    });
  }

  remove(table: Table, object: ApiObject, previous: ApiObject): ApiObject {
    return this.#commit(table, { type: 'DELETED', object, previous });
  }

  /** Forgets the past: watches and pages from before now are answered 410. */
  compact(): void {
    for (const table of this.#tables.values()) table.compact(this.#revision);
  }

  #commit(table: Table, change: Pick<Change, 'type' | 'object' | 'previous'>): ApiObject {
    this.#revision++;
    const object = withMeta(change.object, { resourceVersion: String(this.#revision) });
    const committed: Change = { ...change, object, revision: this.#revision, atMs: this.#clock.monotonic() };
    table.apply(committed);
    this.#trim(table, committed.atMs);
    for (const listener of this.#listeners) listener(committed, table);
    return object;
  }

  #trim(table: Table, nowMs: number): void {
    const oldest = table.oldestMs;
    if (oldest !== undefined && nowMs - oldest > this.#historyMs * TRIM_SLACK)
      table.compactBefore(nowMs - this.#historyMs);
  }
}
