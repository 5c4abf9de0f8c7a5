/** What the server knows of a resource: where its kinds differ in how writes are taken. */
import type { Resource } from '../../runtime/kubernetes.ts';
import type { Cause } from './errors.ts';
import type { ApiObject } from './object.ts';

/** Defaults and rules of a kind, run on every write of it; dry runs included. */
export interface Admission {
  /** Fills in defaults and drops what the schema does not know. Gives back a new object or the same. */
  prepare?: (object: ApiObject) => ApiObject;
  /** What is wrong with the object; `old` is there on updates. */
  validate?: (object: ApiObject, old?: ApiObject) => Cause[];
}

export interface ResourceDefinition extends Admission {
  readonly resource: Resource;
  /** Defined by a CRD: the whole metadata is out of reach of its status, and null may be a value. */
  readonly custom: boolean;
  /** Takes updates that name no version. */
  readonly unconditional: boolean;
  /** Has a status subresource. */
  readonly status: boolean;
  /** Counts changes of everything but metadata and status in `metadata.generation`. */
  readonly generation: boolean;
  /** Fields that field selectors may name, besides name and namespace. */
  readonly fields: readonly string[];
  /** Fields by which objects are found without a scan. */
  readonly indexed: readonly string[];
  /** Deleted by its kubelet after a grace period rather than at once. */
  readonly graceful: boolean;
  /** The first state of a new object: its status, what the server adds. */
  readonly begin?: (object: ApiObject) => ApiObject;
  /** Why the object cannot be read into its type; undefined when it can. */
  readonly decode?: (object: ApiObject) => string | undefined;
}

/** A definition with the behaviour of most built-in kinds. */
export const define = (
  resource: Resource,
  behaviour: Partial<Omit<ResourceDefinition, 'resource'>> = {},
): ResourceDefinition => ({
  resource,
  custom: false,
  unconditional: behaviour.custom !== true,
  status: false,
  generation: false,
  fields: [],
  indexed: [],
  graceful: false,
  ...behaviour,
});

/** Group and plural: versions of a kind share their objects. */
export const resourceId = (resource: Pick<Resource, 'group' | 'plural'>): string =>
  `${resource.group}/${resource.plural}`;

export const apiVersionOf = (resource: Pick<Resource, 'group' | 'version'>): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
