/** PATCH with a JSON merge patch, of an object or of its status. */
import { Namespaces } from '../../api/core.ts';
import type { Key, KubernetesError, Resource } from '../../runtime/kubernetes.ts';
import { apiVersionOf, type ResourceDefinition } from './definition.ts';
import { badRequest, invalid, invalidField, modified, refusal, unknownResource } from './errors.ts';
import { copyJson, dropNulls, isJsonObject, mergePatch, sameJson } from './json.ts';
import {
  metadataDecodeProblem,
  metadataProblems,
  metadataUpdateProblems,
  settleMetadata,
} from './metadata.ts';
import { type ApiMeta, type ApiObject, withMeta } from './object.ts';
import { read, type Server } from './server.ts';
import { parseRevision, type Table } from './table.ts';

export interface PatchRequest {
  key: Key;
  body: unknown;
  subresource?: 'status';
  dryRun?: boolean;
}

interface Write {
  merged: ApiObject;
  old: ApiObject;
  subresource: 'status' | undefined;
}

/** @throws KubernetesError when the patch is refused */
export function patch(server: Server, table: Table, request: PatchRequest): ApiObject {
  const { definition } = table;
  if (request.subresource === 'status' && !definition.status) throw unknownResource();
  const old = read(table, request.key);
  const body = copyJson(request.body);
  if (!isJsonObject(body)) throw badRequest('error decoding patch: json: cannot unmarshal into an object');
  const merged = mergePatch(old, body) as ApiObject;
  const write: Write = { merged, old, subresource: request.subresource };
  checkIdentity(definition, write);
  checkKind(definition, write);
  const problem = metadataDecodeProblem(merged) ?? definition.decode?.(merged);
  if (problem !== undefined) throw unreadable(definition.resource, problem);
  checkRevision(definition, merged, old);
  const next = settle(definition, write);
  check(definition, next, old);
  return store(server, table, { next, old, dryRun: request.dryRun === true });
}

/** A patch cannot move or rename an object. */
function checkIdentity({ resource }: ResourceDefinition, { merged, old }: Write): void {
  const metadata = (merged.metadata ?? {}) as unknown;
  if (!isJsonObject(metadata)) throw unreadable(resource, 'metadata is no object');
  const { name, namespace } = metadata as Partial<ApiMeta>;
  if (name === undefined || name === '') throw undeterminable(old.metadata.name);
  if (name !== old.metadata.name)
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${old.metadata.name})`,
    );
  if (resource.namespaced && namespace !== undefined && namespace !== old.metadata.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** A patch cannot turn an object into another kind. */
function checkKind(definition: ResourceDefinition, { merged, old, subresource }: Write): void {
  const { resource } = definition;
  const { kind = definition.custom ? undefined : resource.kind, apiVersion } = merged as Partial<ApiObject>;
  if (apiVersion === undefined) throw withoutVersion(definition, old.metadata.name);
  if (kind === undefined) throw unreadable(resource, "Object 'Kind' is missing");
  if (kind === resource.kind && apiVersion === apiVersionOf(resource)) return;
  // Of a custom resource the status alone is taken, whatever is around it.
  if (definition.custom && subresource === 'status') return;
  if (!definition.custom)
    throw unreadable(resource, `no kind "${kind}" is registered for version "${apiVersion}"`);
  const [field, wanted] =
    kind === resource.kind
      ? (['apiVersion', apiVersionOf(resource)] as const)
      : (['kind', resource.kind] as const);
  throw invalid(resource, old.metadata.name, [invalidField(field, merged[field], `must be ${wanted}`)]);
}

function withoutVersion({ custom }: ResourceDefinition, name: string): KubernetesError {
  if (!custom) return undeterminable(name);
  const message = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
  return refusal('server', `Internal error occurred: ${message}`, { causes: [{ reason: '', message }] });
}

/** What the patch makes of the object is none of its kind. */
const unreadable = (resource: Resource, why: string): KubernetesError =>
  invalid(resource, '', [invalidField('patch', {}, why)]);

const undeterminable = (name: string): KubernetesError =>
  badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);

/** The resourceVersion of the patch is the precondition; a patch that removes it is one without. */
function checkRevision(
  { resource, unconditional }: ResourceDefinition,
  merged: ApiObject,
  old: ApiObject,
): void {
  const { resourceVersion: wanted = '' } = merged.metadata;
  const revision = wanted === '' ? 0 : parseRevision(wanted);
  if (revision === 0) {
    if (unconditional) return;
    throw invalid(resource, old.metadata.name, [
      invalidField('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if (wanted !== old.metadata.resourceVersion) throw modified(resource, old.metadata.name);
}

/** Each endpoint keeps what belongs to the other. */
function settle(definition: ResourceDefinition, write: Write): ApiObject {
  const { merged, old, subresource } = write;
  const typed = definition.custom ? merged : { ...dropNulls(merged), kind: definition.resource.kind };
  const parts =
    subresource === 'status' ? statusWrite(definition, typed, old) : mainWrite(definition, typed, old);
  const next = definition.prepare?.(parts) ?? parts;
  const counts =
    definition.generation && subresource !== 'status' && !sameJson(substance(next), substance(old));
  return counts ? withMeta(next, { generation: (old.metadata.generation ?? 0) + 1 }) : next;
}

function mainWrite(definition: ResourceDefinition, typed: ApiObject, old: ApiObject): ApiObject {
  // What holds a namespace is not in reach.
  const spec = definition.resource.kind === Namespaces.kind ? { spec: old.spec } : {};
  return withStatus(
    { ...typed, metadata: next(typed, old), ...spec },
    definition.status ? old.status : typed.status,
  );
}

/** The status of a custom resource is alone in reach; that of a built-in kind with its labels and the like. */
function statusWrite(definition: ResourceDefinition, typed: ApiObject, old: ApiObject): ApiObject {
  if (definition.custom) return withStatus(old, typed.status);
  const { ownerReferences } = old.metadata;
  const metadata = definition.graceful ? withMeta(typed, { ownerReferences }).metadata : typed.metadata;
  return withStatus({ ...old, metadata: next({ ...typed, metadata }, old) }, typed.status);
}

/** UID and deletionTimestamp stay as sent, so that a change of them can be refused. */
function next(typed: ApiObject, old: ApiObject): ApiMeta {
  const settled = settleMetadata(typed.metadata, old.metadata);
  const uid =
    typed.metadata.uid === undefined || typed.metadata.uid === '' ? old.metadata.uid : typed.metadata.uid;
  const { deletionTimestamp, deletionGracePeriodSeconds } = { ...old.metadata, ...typed.metadata };
  return withMeta({ metadata: settled }, { uid, deletionTimestamp, deletionGracePeriodSeconds }).metadata;
}

function withStatus(object: ApiObject, status: unknown): ApiObject {
  const { status: dropped, ...rest } = object;
  void dropped;
  return status === undefined ? rest : { ...rest, status };
}

/** What `metadata.generation` counts the changes of. */
function substance(object: ApiObject): object {
  const { metadata, status, ...rest } = object;
  void [metadata, status];
  return rest;
}

function check(definition: ResourceDefinition, object: ApiObject, old: ApiObject): void {
  const { resource } = definition;
  const problems = [
    ...metadataProblems(definition, object),
    ...metadataUpdateProblems(object.metadata, old.metadata),
    ...(definition.validate?.(object, old) ?? []),
  ];
  if (problems.length > 0) throw invalid(resource, old.metadata.name, problems);
}

/** A write that changes nothing is none; one that takes the last finalizer of a deleted object removes it. */
function store(
  server: Server,
  table: Table,
  write: { next: ApiObject; old: ApiObject; dryRun: boolean },
): ApiObject {
  const { next: object, old, dryRun } = write;
  if (sameJson(object, old) && !table.isIncomplete(old)) return old;
  if (isFinished(object)) {
    if (!dryRun) server.store.remove(table, object, old);
    return object;
  }
  return dryRun ? object : server.store.put(table, object, old);
}

const isFinished = ({ metadata }: ApiObject): boolean =>
  metadata.deletionTimestamp !== undefined &&
  metadata.deletionGracePeriodSeconds === 0 &&
  (metadata.finalizers ?? []).length === 0;
