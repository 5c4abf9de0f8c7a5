/** The refusals of the API server, in its own words. */
import { KubernetesError, type KubernetesErrorCode, type KubeObject } from '../../runtime/kubernetes.ts';
import type { Resource } from '../../runtime/kubernetes.ts';

/** `details.causes` of a Status. */
export interface Cause {
  reason: string;
  message: string;
  field?: string;
}

/** A field that was refused. */
export const invalidField = (field: string, value: unknown, why: string): Cause => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});

export const requiredField = (field: string, why?: string): Cause => ({
  field,
  reason: 'FieldValueRequired',
  message: why === undefined ? 'Required value' : `Required value: ${why}`,
});

export const forbiddenField = (field: string, why: string): Cause => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
});

const STATUS: Partial<Record<KubernetesErrorCode, number>> = {
  notFound: 404,
  conflict: 409,
  alreadyExists: 409,
  invalid: 422,
  unauthorized: 401,
  forbidden: 403,
  expired: 410,
  throttled: 429,
  server: 500,
};

/** An answer with that code and its usual HTTP status. */
export function refusal(
  code: KubernetesErrorCode,
  message: string,
  fields: { status?: number; causes?: Cause[]; retryAfterMs?: number } = {},
): KubernetesError {
  return new KubernetesError(code, message, { status: STATUS[code] ?? 0, ...fields });
}

/** Plural with its group, as in `deployments.apps`. */
export const qualified = (resource: Resource): string =>
  resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;

/** Events are kept as those of the core group. */
const qualifiedKind = (resource: Resource): string =>
  resource.group === '' || resource.kind === 'Event' ? resource.kind : `${resource.kind}.${resource.group}`;

export const notFound = (resource: Resource, name: string): KubernetesError =>
  refusal('notFound', `${qualified(resource)} "${name}" not found`);

export const unknownResource = (): KubernetesError =>
  refusal('notFound', 'the server could not find the requested resource');

/** @param known the object that has the name */
export function alreadyExists(resource: Resource, { metadata }: KubeObject): KubernetesError {
  const taken = `${qualified(resource)} "${metadata.name}" already exists`;
  return refusal(
    'alreadyExists',
    metadata.deletionTimestamp === undefined ? taken : `object is being deleted: ${taken}`,
  );
}

export const modified = (resource: Resource, name: string): KubernetesError =>
  refusal(
    'conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );

/** A precondition of a delete that does not hold. */
export function preconditionFailed(
  resource: Resource,
  name: string,
  mismatch: { what: 'UID' | 'ResourceVersion'; wanted: string; found: string },
): KubernetesError {
  const { what, wanted, found } = mismatch;
  if (resource.kind === 'Namespace')
    return refusal(
      'conflict',
      `Operation cannot be fulfilled on namespaces "${name}": Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`,
    );
  const hint =
    what === 'UID'
      ? 'The object might have been deleted and then recreated'
      : 'The object might have been modified';
  return refusal(
    'conflict',
    `Operation cannot be fulfilled on ${qualifiedKind(resource)} "${name}": the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). ${hint}`,
  );
}

export const badRequest = (message: string): KubernetesError => refusal('invalid', message, { status: 400 });

/** 422 with its causes. */
export function invalid(resource: Resource, name: string, causes: Cause[]): KubernetesError {
  const told = causes.map(({ field, message }) =>
    field === undefined || field === '' ? message : `${field}: ${message}`,
  );
  const text = told.length === 1 ? told.join('') : `[${told.join(', ')}]`;
  return refusal('invalid', `${qualifiedKind(resource)} "${name}" is invalid: ${text}`, { causes });
}
