/** POST of a new object. */
import { pick } from '../random.ts';
import { randomUuid } from '../random.ts';
import { apiVersionOf, type ResourceDefinition } from './definition.ts';
import { alreadyExists, badRequest, invalid, refusal } from './errors.ts';
import { copyJson, dropNulls } from './json.ts';
import { dropEmptyParts, metadataDecodeProblem, metadataProblems } from './metadata.ts';
import { type ApiObject, withMeta } from './object.ts';
import { requireNamespace, type Server, serverTime } from './server.ts';
import type { Table } from './table.ts';

const SUFFIX_LENGTH = 5;
/** Without vowels and look-alikes. */
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'.split('');

export interface CreateRequest {
  body: object;
  dryRun?: boolean;
}

/** @throws KubernetesError in the API server's own order of checks */
export function create(server: Server, table: Table, request: CreateRequest): ApiObject {
  const { definition } = table;
  const { resource } = definition;
  const sent = copyJson(request.body) as ApiObject;
  checkType(definition, sent);
  const named = nameOf(server, sent);
  requireNamespace(server, resource, named.metadata);
  const object = initial(server, definition, named);
  const problems = [...metadataProblems(definition, object), ...(definition.validate?.(object) ?? [])];
  if (problems.length > 0) throw invalid(resource, object.metadata.name, problems);
  if (request.dryRun !== true && (sent.metadata.resourceVersion ?? '') !== '')
    throw refusal('server', 'resourceVersion should not be set on objects to be created');
  const known = table.get(object.metadata);
  if (known !== undefined) throw alreadyExists(resource, known);
  if (request.dryRun === true) return object;
  const stored = server.store.put(table, object);
  // The default of a status is not stored with a new object: the first write of it, whatever it says, is one.
  if (definition.custom && object.status !== undefined) table.markIncomplete(stored);
  return stored;
}

function checkType(definition: ResourceDefinition, sent: ApiObject): void {
  const { resource, decode } = definition;
  const { apiVersion = apiVersionOf(resource), kind = resource.kind } = sent;
  if (apiVersion !== apiVersionOf(resource) || kind !== resource.kind)
    throw badRequest(`${kind} in version "${apiVersion}" cannot be handled as a ${resource.kind}`);
  const problem = metadataDecodeProblem(sent) ?? decode?.(sent);
  if (problem !== undefined)
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${problem}`,
    );
}

function nameOf(server: Server, sent: ApiObject): ApiObject {
  const { name = '', generateName = '' } = sent.metadata as Partial<ApiObject['metadata']>;
  if (name !== '' || generateName === '') return withMeta(sent, { name });
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => pick(server.random, SUFFIX_LETTERS)).join('');
  return withMeta(sent, { name: `${generateName}${suffix}` });
}

function initial(server: Server, definition: ResourceDefinition, named: ApiObject): ApiObject {
  const { resource, custom } = definition;
  const object = withMeta(named, {
    uid: randomUuid(server.random),
    creationTimestamp: serverTime(server),
    ...(definition.generation && { generation: 1 }),
    namespace: resource.namespaced ? named.metadata.namespace : undefined,
    ...(named.metadata.resourceVersion === '' && { resourceVersion: undefined }),
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
  });
  const typed: ApiObject = {
    ...(custom ? object : dropNulls(object)),
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: dropEmptyParts(dropNulls(object.metadata)),
  };
  const begun = definition.begin?.(typed) ?? typed;
  return definition.prepare?.(begun) ?? begun;
}
