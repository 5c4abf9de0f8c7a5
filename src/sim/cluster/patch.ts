/** PATCH with a JSON merge patch, of an object or of its status. */
import type { Key } from '../../runtime/kubernetes.ts';
import { apiVersionOf, type ResourceDefinition } from './definition.ts';
import { badRequest, invalid, invalidField, modified, unknownResource } from './errors.ts';
import { copyJson, dropNulls, isJsonObject, mergePatch, sameJson } from './json.ts';
import { metadataProblems, metadataUpdateProblems, settleMetadata } from './metadata.ts';
import { type ApiMeta, type ApiObject, withMeta } from './object.ts';
import { read, type Server } from './server.ts';
import { parseRevision, type Table } from './table.ts';

export interface PatchRequest {
  key: Key;
  body: unknown;
  subresource?: 'status';
  dryRun?: boolean;
}

/** @throws KubernetesError when the patch is refused */
export function patch(server: Server, table: Table, request: PatchRequest): ApiObject {
  const { definition } = table;
  if (request.subresource === 'status' && !definition.status) throw unknownResource();
  const old = read(table, request.key);
  const body = copyJson(request.body);
  if (!isJsonObject(body)) throw badRequest('error decoding patch: json: cannot unmarshal into an object');
  const merged = mergePatch(old, body) as ApiObject;
  checkIdentity(definition, merged, old);
  checkRevision(definition, merged, old);
  const next = settle(definition, { merged, old, subresource: request.subresource });
  check(definition, next, old);
  return store(server, table, { next, old, dryRun: request.dryRun === true });
}

/** A patch cannot move or rename an object, nor turn it into another kind. */
function checkIdentity(definition: ResourceDefinition, merged: ApiObject, old: ApiObject): void {
  const { resource } = definition;
  const { name, namespace } = merged.metadata as Partial<ApiMeta>;
  if (name === undefined || name === '')
    throw badRequest(
      `the name of the object (${old.metadata.name} based on URL) was undeterminable: name must be provided`,
    );
  if (name !== old.metadata.name)
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${old.metadata.name})`,
    );
  if (namespace !== undefined && namespace !== old.metadata.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (merged.kind !== resource.kind)
    throw invalid(resource, name, [invalidField('kind', merged.kind, `must be ${resource.kind}`)]);
  if (merged.apiVersion !== apiVersionOf(resource))
    throw invalid(resource, name, [
      invalidField('apiVersion', merged.apiVersion, `must be ${apiVersionOf(resource)}`),
    ]);
}

/** The resourceVersion of the patch is the precondition; a patch that removes it is one without. */
function checkRevision({ resource, custom }: ResourceDefinition, merged: ApiObject, old: ApiObject): void {
  const { resourceVersion: wanted = '' } = merged.metadata;
  const revision = wanted === '' ? 0 : parseRevision(wanted);
  if (revision === 0) {
    if (!custom) return;
    throw invalid(resource, old.metadata.name, [
      invalidField('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if (wanted !== old.metadata.resourceVersion) throw modified(resource, old.metadata.name);
}

/** Each endpoint keeps what belongs to the other. */
function settle(
  definition: ResourceDefinition,
  write: { merged: ApiObject; old: ApiObject; subresource: 'status' | undefined },
): ApiObject {
  const { merged, old, subresource } = write;
  const typed = definition.custom ? merged : dropNulls(merged);
  const parts =
    subresource === 'status' ? statusWrite(definition, typed, old) : mainWrite(definition, typed, old);
  const next = definition.prepare?.(parts) ?? parts;
  const counts =
    definition.generation && subresource !== 'status' && !sameJson(substance(next), substance(old));
  return counts ? withMeta(next, { generation: (old.metadata.generation ?? 0) + 1 }) : next;
}

function mainWrite(definition: ResourceDefinition, typed: ApiObject, old: ApiObject): ApiObject {
  return withStatus({ ...typed, metadata: next(typed, old) }, definition.status ? old.status : typed.status);
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
  const { uid = old.metadata.uid, deletionTimestamp = old.metadata.deletionTimestamp } = typed.metadata;
  return withMeta({ metadata: settled }, { uid, deletionTimestamp }).metadata;
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
  const { resource, decode } = definition;
  const unreadable = decode?.(object);
  if (unreadable !== undefined) throw invalid(resource, '', [invalidField('patch', {}, unreadable)]);
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
  if (sameJson(object, old)) return old;
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
