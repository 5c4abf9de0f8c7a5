/** What every operation of the simulated API server works on. */
import { type Clock, type Random, rfc3339 } from '../../runtime/clock.ts';
import { Namespaces } from '../../api/core.ts';
import type { Key, Resource } from '../../runtime/kubernetes.ts';
import { notFound, refusal } from './errors.ts';
import type { ApiObject } from './object.ts';
import type { Store } from './store.ts';
import type { Table } from './table.ts';

export interface Server {
  readonly store: Store;
  /** The server's own clock: timestamps of objects, expiry of tokens. */
  readonly clock: Clock;
  readonly random: Random;
  /** How far the cache of a kind lags behind, in milliseconds: what lists of `resourceVersion` "0" are read from. */
  readonly lagMs: (plural: string) => number;
}

export const serverTime = (server: Server): string => rfc3339(server.clock.now());

/** The object. @throws KubernetesError notFound */
export function read(table: Table, key: Key): ApiObject {
  const object = table.get(key);
  if (object === undefined) throw notFound(table.definition.resource, key.name);
  return object;
}

/** @throws KubernetesError when nothing may be created in that namespace */
export function requireNamespace(server: Server, resource: Resource, key: Key): void {
  if (!resource.namespaced) return;
  const namespace = read(server.store.table(Namespaces), { name: key.namespace ?? '' });
  if (namespace.metadata.deletionTimestamp === undefined) return;
  throw refusal(
    'forbidden',
    `${resource.plural} "${key.name}" is forbidden: unable to create new content in namespace ${namespace.metadata.name} because it is being terminated`,
    {
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace.metadata.name} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  );
}
