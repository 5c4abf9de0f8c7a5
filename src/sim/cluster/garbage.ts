/** Double of the garbage collector: dependents go after their last owner, each recognised by its UID. */
import type { OwnerReference } from '../../runtime/kubernetes.ts';
import type { VirtualClock } from '../clock.ts';
import { resourceId } from './definition.ts';
import { KeyQueue } from './keyqueue.ts';
import { type ApiObject, storageKey } from './object.ts';
import { patch } from './patch.ts';
import { remove } from './remove.ts';
import type { Server } from './server.ts';
import type { Change, Table } from './table.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

interface Place {
  table: Table;
  key: { name: string; namespace?: string };
}

export class GarbageCollector {
  readonly #server: Server;
  readonly #queue: KeyQueue;
  /** Dependents by the UID of an owner. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #places = new Map<string, Place>();

  constructor(server: Server, clock: VirtualClock, delayMs: number) {
    this.#server = server;
    this.#queue = new KeyQueue({ clock, delayMs, handle: (id) => this.#look(id) });
    server.store.subscribe((change, table) => this.#follow(change, table));
  }

  #follow({ type, object, previous }: Change, table: Table): void {
    const { uid = '', ownerReferences: owners = [] } = object.metadata;
    const id = idOf(table, object.metadata);
    for (const owner of previous?.metadata.ownerReferences ?? []) this.#dependents.get(owner.uid)?.delete(id);
    if (type === 'DELETED') {
      this.#places.delete(id);
      this.#wake(uid);
      for (const owner of owners) this.#wakeOwner(owner, object.metadata.namespace);
      this.#dependents.delete(uid);
      return;
    }
    for (const owner of owners) this.#dependentsOf(owner.uid).add(id);
    const finishing = isFinishing(object);
    if (owners.length === 0 && !finishing) return;
    this.#places.set(id, { table, key: keyOf(object) });
    if (type === 'ADDED' || finishing) this.#queue.add(id);
    if (finishing) this.#wake(uid);
  }

  #dependentsOf(uid: string): Set<string> {
    const ids = this.#dependents.get(uid) ?? new Set();
    this.#dependents.set(uid, ids);
    return ids;
  }

  /** Has the dependents of an owner looked at. */
  #wake(uid: string): void {
    for (const id of this.#dependents.get(uid) ?? []) this.#queue.add(id);
  }

  /** An owner that waits for its dependents may be done. */
  #wakeOwner(owner: OwnerReference, namespace: string | undefined): void {
    const found = this.#owner(owner, namespace);
    if (found !== undefined && isFinishing(found.object))
      this.#queue.add(idOf(found.table, found.object.metadata));
  }

  #look(id: string): void {
    const place = this.#places.get(id);
    const object = place?.table.get(place.key);
    if (place === undefined || object === undefined) {
      this.#places.delete(id);
      return;
    }
    if (this.#finish(place, object)) return;
    this.#collect(place, object);
  }

  /** Ends a foreground or orphaning deletion whose dependents are settled. */
  #finish({ table, key }: Place, object: ApiObject): boolean {
    const { finalizers = [], uid = '', deletionTimestamp } = object.metadata;
    if (deletionTimestamp === undefined) return false;
    if (finalizers.includes(ORPHAN)) this.#orphan(uid);
    else if (!finalizers.includes(FOREGROUND) || this.#blocked(uid)) return false;
    const kept = finalizers.filter((name) => name !== FOREGROUND && name !== ORPHAN);
    patch(this.#server, table, { key, body: { metadata: { finalizers: kept } } });
    return true;
  }

  #orphan(uid: string): void {
    for (const { table, key, object } of this.#objects(uid))
      this.#dropOwners(table, key, keptOwners(object, uid));
  }

  #blocked(uid: string): boolean {
    return this.#objects(uid).some(({ object }) =>
      object.metadata.ownerReferences?.some(
        (owner) => owner.uid === uid && owner.blockOwnerDeletion === true,
      ),
    );
  }

  #objects(uid: string): (Place & { object: ApiObject })[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((id) => {
      const place = this.#places.get(id);
      const object = place?.table.get(place.key);
      return place === undefined || object === undefined ? [] : [{ ...place, object }];
    });
  }

  #collect({ table, key }: Place, object: ApiObject): void {
    const { ownerReferences: owners = [], deletionTimestamp, uid, namespace } = object.metadata;
    if (owners.length === 0 || deletionTimestamp !== undefined) return;
    const staying = owners.filter((owner) => this.#isStaying(owner, namespace));
    if (staying.length === owners.length) return;
    if (staying.length > 0) this.#dropOwners(table, key, staying);
    else remove(this.#server, table, { key, options: { ...(uid !== undefined && { uid }) } });
  }

  #dropOwners(table: Table, key: Place['key'], ownerReferences: OwnerReference[]): void {
    patch(this.#server, table, { key, body: { metadata: { ownerReferences } } });
  }

  /** The owner with that very UID. */
  #owner(
    owner: OwnerReference,
    namespace: string | undefined,
  ): { table: Table; object: ApiObject } | undefined {
    const table = this.#server.store.tableOfKind(owner.apiVersion, owner.kind);
    if (table === undefined) return undefined;
    const isNamespaced = table.definition.resource.namespaced && namespace !== undefined;
    const object = table.get({ name: owner.name, ...(isNamespaced && { namespace }) });
    return object?.metadata.uid === owner.uid ? { table, object } : undefined;
  }

  /** There, and not being deleted in the foreground, which takes its dependents along. */
  #isStaying(owner: OwnerReference, namespace: string | undefined): boolean {
    const metadata = this.#owner(owner, namespace)?.object.metadata;
    if (metadata === undefined) return false;
    return metadata.deletionTimestamp === undefined || !(metadata.finalizers ?? []).includes(FOREGROUND);
  }
}

const idOf = (table: Table, metadata: ApiObject['metadata']): string =>
  `${resourceId(table.definition.resource)}/${storageKey(metadata)}`;

const keyOf = ({ metadata: { name, namespace } }: ApiObject): Place['key'] => ({
  name,
  ...(namespace !== undefined && { namespace }),
});

const isFinishing = ({ metadata: { finalizers = [] } }: ApiObject): boolean =>
  finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN);

const keptOwners = (object: ApiObject, uid: string): OwnerReference[] =>
  (object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
