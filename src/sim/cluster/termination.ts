/** Doubles of the controllers that end namespaces and custom resource definitions: the content goes first. */
import { CustomResourceDefinitions, Namespaces } from '../../api/core.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { VirtualClock } from '../clock.ts';
import { resourceId } from './definition.ts';
import { atPath } from './json.ts';
import { KeyQueue } from './keyqueue.ts';
import type { ApiObject } from './object.ts';
import { patch } from './patch.ts';
import { remove } from './remove.ts';
import type { Server } from './server.ts';
import type { Change, Table } from './table.ts';

/** How often the content that is left is looked for again. */
const POLL_MS = 1_000;
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** Deletes what is in a terminating namespace, then the namespace. */
export class NamespaceController {
  readonly #server: Server;
  readonly #queue: KeyQueue;

  constructor(server: Server, clock: VirtualClock, delayMs: number) {
    this.#server = server;
    this.#queue = new KeyQueue({ clock, delayMs, handle: (name) => this.#sync(name) });
    server.store.subscribe(({ object }, table) => {
      if (isOf(table, Namespaces) && object.metadata.deletionTimestamp !== undefined)
        this.#queue.add(object.metadata.name);
    });
  }

  #sync(name: string): void {
    const namespaces = this.#server.store.table(Namespaces);
    const namespace = namespaces.get({ name });
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const tables = this.#server.store.tables.filter(({ definition }) => definition.resource.namespaced);
    const left = tables.map((table) => deleteAll(this.#server, table, name)).some(Boolean);
    if (left) this.#queue.add(name, POLL_MS);
    else this.#server.store.remove(namespaces, { ...namespace, spec: {} }, namespace);
  }
}

export interface DefinitionControllerOptions {
  clock: VirtualClock;
  delayMs: number;
  /** The table of a CRD's instances. */
  instances: (crd: ApiObject) => Table | undefined;
  /** Called when a CRD is gone. */
  onGone: (crd: ApiObject) => void;
}

/** Deletes the instances of a terminating CRD, then the CRD. */
export class DefinitionController {
  readonly #server: Server;
  readonly #options: DefinitionControllerOptions;
  readonly #queue: KeyQueue;

  constructor(server: Server, options: DefinitionControllerOptions) {
    this.#server = server;
    this.#options = options;
    const { clock, delayMs } = options;
    this.#queue = new KeyQueue({ clock, delayMs, handle: (name) => this.#sync(name) });
    server.store.subscribe((change, table) => {
      if (isOf(table, CustomResourceDefinitions)) this.#follow(change);
    });
  }

  #follow({ type, object }: Change): void {
    if (type === 'DELETED') this.#options.onGone(object);
    else if (object.metadata.deletionTimestamp !== undefined) this.#queue.add(object.metadata.name);
  }

  #sync(name: string): void {
    const crds = this.#server.store.table(CustomResourceDefinitions);
    const crd = crds.get({ name });
    if (crd?.metadata.deletionTimestamp === undefined) return;
    const instances = this.#options.instances(crd);
    if (instances !== undefined && deleteAll(this.#server, instances)) {
      this.#queue.add(name, POLL_MS);
      return;
    }
    const finalizers = (crd.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CRD_FINALIZER);
    patch(this.#server, crds, { key: { name }, body: { metadata: { finalizers } } });
  }
}

/** True for a CRD that takes no new instances because it is being deleted. */
export const isTerminating = (crd: ApiObject | undefined): boolean =>
  crd?.metadata.deletionTimestamp !== undefined;

/** Name of the CRD of a custom resource. */
export const crdName = ({ group, plural }: { group: string; plural: string }): string => `${plural}.${group}`;

/** Group and plural that a CRD defines. */
export const definedBy = (crd: ApiObject): { group: string; plural: string } => ({
  group: String(atPath(crd, 'spec.group')),
  plural: String(atPath(crd, 'spec.names.plural')),
});

const isOf = (table: Table, resource: { group: string; plural: string }): boolean =>
  resourceId(table.definition.resource) === resourceId(resource);

/** Deletes what is there and says whether anything was. */
function deleteAll(server: Server, table: Table, namespace?: string): boolean {
  const objects = table
    .all()
    .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  for (const { metadata } of objects) {
    try {
      remove(server, table, { key: metadata, options: {} });
    } catch (error) {
      if (!isKubernetesError(error, 'notFound')) throw error;
    }
  }
  return objects.length > 0;
}
