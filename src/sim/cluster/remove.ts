/** DELETE of an object: at once, or first a mark when somebody still has to finish with it. */
import { Events, Namespaces } from '../../api/core.ts';
import { parseRfc3339, rfc3339 } from '../../runtime/clock.ts';
import type { DeleteOptions, Key } from '../../runtime/kubernetes.ts';
import { preconditionFailed } from './errors.ts';
import { atPath, isJsonObject, sameJson } from './json.ts';
import { type ApiObject, withMeta } from './object.ts';
import { read, type Server, serverTime } from './server.ts';
import type { Table } from './table.ts';

const PROPAGATION_FINALIZERS = { Foreground: 'foregroundDeletion', Orphan: 'orphan' } as const;
const OF_PROPAGATION = new Set<string>(Object.values(PROPAGATION_FINALIZERS));

/** @throws KubernetesError notFound, or conflict when a precondition does not hold */
export function remove(server: Server, table: Table, request: { key: Key; options: DeleteOptions }): void {
  const { options } = request;
  const old = read(table, request.key);
  checkPreconditions(table, old, options);
  if (isPending(table, old, options)) return;
  const object = markPropagation(old, options);
  const marked = table.definition.graceful
    ? markGraceful(server, object, options.gracePeriodSeconds)
    : markFinalizing(server, object);
  if (marked === old) return;
  if (holdsOn(table, marked)) server.store.put(table, marked, old);
  // What goes at once is last shown as it was.
  else server.store.remove(table, table.definition.graceful ? marked : old, old);
}

/** A delete that changes nothing of the one before: not even how dependents are treated. */
function isPending(table: Table, { metadata, kind, spec }: ApiObject, options: DeleteOptions): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  if (kind === Namespaces.kind) return isHeld(spec);
  const { gracePeriodSeconds = Infinity } = options;
  const { deletionGracePeriodSeconds: pending = 0 } = metadata;
  return table.definition.graceful && pending > 0 && gracePeriodSeconds >= pending;
}

const isHeld = (spec: unknown): boolean =>
  isJsonObject(spec) && Array.isArray(spec['finalizers']) && spec['finalizers'].length > 0;

/** @throws KubernetesError conflict */
export function checkPreconditions(table: Table, object: ApiObject, options: DeleteOptions): void {
  const { resource } = table.definition;
  const { name, uid: foundUid = '', resourceVersion: foundVersion = '' } = object.metadata;
  const { uid, resourceVersion } = options;
  if (uid !== undefined && uid !== foundUid)
    throw preconditionFailed(resource, name, { what: 'UID', wanted: uid, found: foundUid });
  if (resourceVersion !== undefined && resourceVersion !== foundVersion)
    throw preconditionFailed(resource, name, {
      what: 'ResourceVersion',
      wanted: resourceVersion,
      found: foundVersion,
    });
}

/**
 * The last word counts: another policy takes the place of the one before. Background leaves no finalizer: the
 * dependents are found later by the UID that is gone.
 */
function markPropagation(object: ApiObject, { propagationPolicy }: DeleteOptions): ApiObject {
  // Nothing is collected for the sake of Events.
  if (propagationPolicy === undefined || object.kind === Events.kind) return object;
  const wanted = propagationPolicy === 'Background' ? [] : [PROPAGATION_FINALIZERS[propagationPolicy]];
  const others = (object.metadata.finalizers ?? []).filter((finalizer) => !OF_PROPAGATION.has(finalizer));
  const finalizers = [...others, ...wanted];
  return sameJson(finalizers, object.metadata.finalizers ?? [])
    ? object
    : withMeta(object, { finalizers: finalizers.length === 0 ? undefined : finalizers });
}

function markFinalizing(server: Server, object: ApiObject): ApiObject {
  if (object.metadata.deletionTimestamp !== undefined) return object;
  const marked = withMeta(object, {
    deletionTimestamp: serverTime(server),
    deletionGracePeriodSeconds: 0,
    generation: nextGeneration(object),
  });
  // A namespace is held by spec.finalizers, not by a grace period.
  return object.kind === Namespaces.kind
    ? { ...withMeta(marked, { deletionGracePeriodSeconds: undefined }), status: { phase: 'Terminating' } }
    : marked;
}

function nextGeneration({ metadata: { generation } }: ApiObject): number | undefined {
  return generation === undefined || generation === 0 ? generation : generation + 1;
}

/** A pod that has a node and has not ended is left to its kubelet for the grace period. */
function markGraceful(server: Server, pod: ApiObject, requested: number | undefined): ApiObject {
  if (pod.metadata.deletionTimestamp !== undefined) return shorten(server, pod, requested);
  const seconds = isOfKubelet(pod)
    ? (requested ?? Number(atPath(pod, 'spec.terminationGracePeriodSeconds') ?? 30))
    : 0;
  return withMeta(pod, {
    deletionTimestamp: rfc3339(server.clock.now() + seconds * 1000),
    deletionGracePeriodSeconds: seconds,
    generation: nextGeneration(pod),
  });
}

const isOfKubelet = (pod: ApiObject): boolean =>
  (atPath(pod, 'spec.nodeName') ?? '') !== '' &&
  !['Succeeded', 'Failed'].includes(String(atPath(pod, 'status.phase')));

/** A deletion under way can only be made shorter, counted from when it began. */
function shorten(server: Server, pod: ApiObject, requested: number | undefined): ApiObject {
  const { deletionGracePeriodSeconds: seconds = 0, deletionTimestamp } = pod.metadata;
  if (requested === undefined || requested >= seconds) return pod;
  const beganMs = (parseRfc3339(deletionTimestamp) ?? server.clock.now()) - seconds * 1000;
  const endMs = beganMs + requested * 1000;
  const nowMs = server.clock.now();
  const late = requested > 0 && endMs < nowMs;
  return withMeta(pod, {
    deletionTimestamp: rfc3339(late ? nowMs : endMs),
    deletionGracePeriodSeconds: late ? 1 : requested,
  });
}

function holdsOn(table: Table, { metadata, spec, kind }: ApiObject): boolean {
  if ((metadata.finalizers ?? []).length > 0) return true;
  if (kind === Namespaces.kind) return isHeld(spec);
  return table.definition.graceful && (metadata.deletionGracePeriodSeconds ?? 0) > 0;
}
