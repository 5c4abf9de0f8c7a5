/** Rules for metadata that hold for every kind. */
import { type Cause, forbiddenField, invalidField, requiredField } from './errors.ts';
import type { ResourceDefinition } from './definition.ts';
import type { ApiMeta, ApiObject } from './object.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
/** Roles and their bindings may be called almost anything. */
const PATH_SEGMENT = /^(?!\.{1,2}$)[^/%]+$/;
const MAX_ANNOTATIONS_BYTES = 256 * 1024;
const STANDARD_FINALIZERS = new Set([
  'foregroundDeletion',
  'orphan',
  'kubernetes',
  'customresourcecleanup.apiextensions.k8s.io',
]);

const isSubdomain = (text: string): boolean => text.length <= 253 && SUBDOMAIN.test(text);

/** True for `name` and `prefix/name` as in keys of labels and in finalizers. */
function isQualifiedName(text: string): boolean {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  const prefixIsRight = parts.length === 1 || (parts.length === 2 && isSubdomain(parts[0] ?? ''));
  return prefixIsRight && name.length <= 63 && QUALIFIED.test(name);
}

/** What is wrong with the metadata of an object that is about to be stored. */
export function metadataProblems(definition: ResourceDefinition, object: ApiObject): Cause[] {
  const { metadata } = object;
  return [
    ...nameProblems(definition, metadata),
    ...labelProblems(metadata.labels ?? {}),
    ...annotationProblems(metadata.annotations ?? {}),
    ...(definition.custom ? [] : finalizerProblems(metadata.finalizers ?? [])),
    ...(metadata.ownerReferences ?? []).flatMap(ownerProblems),
  ];
}

function nameProblems(definition: ResourceDefinition, { name }: ApiMeta): Cause[] {
  if (name === '') return [requiredField('metadata.name', 'name or generateName is required')];
  const named =
    definition.resource.group === 'rbac.authorization.k8s.io' ? PATH_SEGMENT.test(name) : isSubdomain(name);
  return named ? [] : [invalidField('metadata.name', name, 'a lowercase RFC 1123 subdomain is wanted')];
}

function labelProblems(labels: Record<string, string>): Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (!isQualifiedName(key)) return [invalidField('metadata.labels', key, 'not a qualified name')];
    const isValue = typeof value === 'string' && value.length <= 63 && LABEL_VALUE.test(value);
    return isValue ? [] : [invalidField('metadata.labels', value, 'not a valid label value')];
  });
}

function annotationProblems(annotations: Record<string, string>): Cause[] {
  const entries = Object.entries(annotations);
  const wrong = entries.filter(
    ([key, value]) => !isQualifiedName(key.toLowerCase()) || typeof value !== 'string',
  );
  const bytes = entries.reduce(
    (sum, [key, value]) =>
      sum + Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0),
    0,
  );
  return [
    ...wrong.map(([key]) => invalidField('metadata.annotations', key, 'not a qualified name with a text')),
    ...(bytes > MAX_ANNOTATIONS_BYTES
      ? [
          {
            field: 'metadata.annotations',
            reason: 'FieldValueTooLong',
            message: `Too long: may not be more than ${MAX_ANNOTATIONS_BYTES} bytes`,
          },
        ]
      : []),
  ];
}

const finalizerProblems = (finalizers: string[]): Cause[] =>
  finalizers.flatMap((finalizer, index) =>
    STANDARD_FINALIZERS.has(finalizer) || (finalizer.includes('/') && isQualifiedName(finalizer))
      ? []
      : [
          invalidField(
            `metadata.finalizers[${index}]`,
            finalizer,
            'name is neither a standard finalizer name nor is it fully qualified',
          ),
        ],
  );

function ownerProblems(owner: NonNullable<ApiMeta['ownerReferences']>[number]): Cause[] {
  const required = ['apiVersion', 'kind', 'name', 'uid'] as const;
  return required
    .filter((field) => (owner[field] ?? '') === '')
    .map((field) =>
      invalidField(`metadata.ownerReferences.${field}`, owner[field] ?? '', 'must not be empty'),
    );
}

/** What an update may not do to metadata. */
export function metadataUpdateProblems(next: ApiMeta, old: ApiMeta): Cause[] {
  const immutable = (['uid', 'deletionTimestamp'] as const)
    .filter((field) => next[field] !== undefined && next[field] !== old[field])
    .map((field) => invalidField(`metadata.${field}`, next[field], 'field is immutable'));
  const before = new Set(old.finalizers);
  const added = (next.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (old.deletionTimestamp === undefined || added.length === 0) return immutable;
  const names = added.map((name) => JSON.stringify(name)).join(', ');
  return [
    ...immutable,
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`,
    ),
  ];
}

/** Metadata of the next version of an object: what only the server writes is as it was, empty parts are gone. */
export function settleMetadata(next: ApiMeta, old: ApiMeta): ApiMeta {
  const settled: ApiMeta = { ...next };
  for (const field of SERVER_FIELDS) {
    if (old[field] === undefined) delete settled[field];
    else Object.assign(settled, { [field]: old[field] });
  }
  return dropEmptyParts(settled);
}

const SERVER_FIELDS = [
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
] as const;

/** Empty maps and lists are left out on the wire. */
export function dropEmptyParts(metadata: ApiMeta): ApiMeta {
  const kept: ApiMeta = { ...metadata };
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    if (kept[field] !== undefined && Object.keys(kept[field]).length === 0) delete kept[field];
  }
  return kept;
}
