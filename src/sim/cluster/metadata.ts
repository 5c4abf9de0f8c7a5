/** Rules for metadata that hold for every kind. */
import { type Cause, forbiddenField, invalidField, requiredField } from './errors.ts';
import type { ResourceDefinition } from './definition.ts';
import { isJsonObject, sameJson } from './json.ts';
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

const isLabel = (text: string): boolean => text.length <= 63 && new RegExp(`^${LABEL}$`).test(text);
const isSubdomain = (text: string): boolean => text.length <= 253 && SUBDOMAIN.test(text);

/** True for `name` and `prefix/name` as in keys of labels and in finalizers. */
export function isQualifiedName(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  const prefixIsRight = parts.length === 1 || (parts.length === 2 && isSubdomain(parts[0] ?? ''));
  return prefixIsRight && name.length <= 63 && QUALIFIED.test(name);
}

const isTexts = (map: unknown): boolean =>
  (map ?? undefined) === undefined ||
  (isJsonObject(map) && Object.values(map).every((value) => typeof value === 'string' || value === null));
const isList = (list: unknown): boolean => (list ?? undefined) === undefined || Array.isArray(list);

/** Why metadata cannot be read into its type; undefined when it can. */
export function metadataDecodeProblem({ metadata }: ApiObject): string | undefined {
  const { labels, annotations, finalizers, ownerReferences } = metadata;
  if (!isTexts(labels) || !isTexts(annotations)) return 'metadata: labels and annotations are maps of texts';
  return isList(finalizers) && isList(ownerReferences) ? undefined : 'metadata: a list is wanted';
}

/** What is wrong with the metadata of an object that is about to be stored. */
export function metadataProblems(definition: ResourceDefinition, object: ApiObject): Cause[] {
  const { metadata } = object;
  return [
    ...nameProblems(definition, metadata),
    ...labelProblems(metadata.labels ?? {}),
    ...annotationProblems(metadata.annotations ?? {}),
    ...finalizerProblems(definition, metadata.finalizers ?? []),
    ...(metadata.ownerReferences ?? []).flatMap(ownerProblems),
    ...controllerProblems(metadata.ownerReferences ?? []),
  ];
}

function nameProblems(definition: ResourceDefinition, { name, generateName = '' }: ApiMeta): Cause[] {
  if (name === '') return [requiredField('metadata.name', 'name or generateName is required')];
  const [isRight, why] = nameRule(definition);
  return [
    ...(isRight(`${generateName}0`) ? [] : [invalidField('metadata.generateName', generateName, why)]),
    ...(isRight(name) ? [] : [invalidField('metadata.name', name, why)]),
  ];
}

function nameRule({ resource }: ResourceDefinition): [isRight: (name: string) => boolean, why: string] {
  if (resource.group === 'rbac.authorization.k8s.io')
    return [(name) => PATH_SEGMENT.test(name), 'may not be "." or "..", nor contain "/" or "%"'];
  if (resource.kind === 'Namespace') return [isLabel, 'a lowercase RFC 1123 label is wanted'];
  return [isSubdomain, 'a lowercase RFC 1123 subdomain is wanted'];
}

export const isLabelValue = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 63 && LABEL_VALUE.test(value);

function labelProblems(labels: Record<string, string>): Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (!isQualifiedName(key)) return [invalidField('metadata.labels', key, 'not a qualified name')];
    return isLabelValue(value) ? [] : [invalidField('metadata.labels', value, 'not a valid label value')];
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

/** Built-in kinds whose finalizers need no domain; those of custom ones do not either. */
const LAX_GROUPS = ['coordination.k8s.io', 'policy'];

const finalizerProblems = ({ resource, custom }: ResourceDefinition, finalizers: string[]): Cause[] =>
  finalizers.flatMap((finalizer, index) =>
    STANDARD_FINALIZERS.has(finalizer) ||
    (isQualifiedName(finalizer) && (custom || finalizer.includes('/') || LAX_GROUPS.includes(resource.group)))
      ? []
      : [
          isQualifiedName(finalizer)
            ? invalidField(
                `metadata.finalizers[${index}]`,
                finalizer,
                'name is neither a standard finalizer name nor is it fully qualified',
              )
            : invalidField('metadata.finalizers', finalizer, 'not a qualified name'),
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

const controllerProblems = (owners: NonNullable<ApiMeta['ownerReferences']>): Cause[] =>
  owners.filter(({ controller }) => controller === true).length > 1
    ? [invalidField('metadata.ownerReferences', owners, 'Only one reference can have Controller set to true')]
    : [];

/** What an update may not do to metadata. */
export function metadataUpdateProblems(next: ApiMeta, old: ApiMeta): Cause[] {
  const immutable = (['uid', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const)
    .filter((field) => (next[field] ?? '') !== '' && next[field] !== old[field])
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
] as const;

/** Empty maps and lists are left out on the wire. */
export function dropEmptyParts(metadata: ApiMeta): ApiMeta {
  const kept: ApiMeta = { ...metadata };
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    if (kept[field] !== undefined && Object.keys(kept[field]).length === 0) delete kept[field];
  }
  if (kept.ownerReferences !== undefined) kept.ownerReferences = withoutRepeats(kept.ownerReferences);
  return kept;
}

const withoutRepeats = <T>(items: T[]): T[] =>
  items.filter((item, index) => items.findIndex((other) => sameJson(item, other)) === index);
