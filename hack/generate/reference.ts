/** docs/reference: one page a kind, from its schema. */
import type { KindDefinition } from '../../src/api/definitions.ts';
import { MAX_COUNT, RULES } from '../../src/api/schema.ts';
import { source } from '../../src/api/structural.ts';
import type { SchemaSource } from '../../src/api/structural.ts';
import { anchor, cell, code, page, table } from './markdown.ts';
import { NOTICE } from './output.ts';

/** What a page says beside the schema. */
export interface Surroundings {
  /** Blocks before the fields: what it is for, an example. */
  before: readonly string[];
  /** Blocks after the fields. */
  after: readonly string[];
}

/** The object whose fields a field holds, if any: its own, or those of its list's items. */
const objectOf = (schema: SchemaSource): SchemaSource | undefined => {
  if (schema.properties !== undefined) return schema;
  return schema.items === undefined ? undefined : objectOf(schema.items);
};

const isDuration = (schema: SchemaSource): boolean =>
  schema.patternErrorMessage?.includes('duration') ?? false;

/** Type of a field in words. */
export const typeText = (schema: SchemaSource): string => {
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or percentage';
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.format === 'date-time') return 'time';
  if (isDuration(schema)) return 'duration';
  if (schema.items !== undefined) return `list of ${typeText(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeText(schema.additionalProperties)}`;
  return schema.type ?? 'any';
};

const limits = (schema: SchemaSource): string[] => [
  ...(schema.minimum === undefined && schema.maximum === undefined
    ? []
    : [`${schema.minimum ?? '…'}–${schema.maximum ?? '…'}`]),
  ...(schema.maxItems === undefined ? [] : [`≤ ${schema.maxItems} items`]),
  ...(schema.maxProperties === undefined ? [] : [`≤ ${schema.maxProperties} entries`]),
  ...(schema['x-kubernetes-int-or-string'] === true ? [`0–${MAX_COUNT} or 0%–100%`] : []),
];

const boundsText = (schema: SchemaSource): string => {
  const rule = schema[RULES]?.find(
    ({ message }) => isDuration(schema) && message?.startsWith('must be from'),
  );
  const range = rule?.message?.replace('must be from ', '').replace(' to ', '–');
  return [...limits(schema), ...(range === undefined ? [] : [range])].join(', ');
};

const defaultText = (schema: SchemaSource, required: boolean): string => {
  if (required) return '**required**';
  if (schema.default === undefined) return '';
  return code(JSON.stringify(schema.default));
};

const fieldRow = (parent: string, [name, schema]: [string, SchemaSource], required: boolean): string[] => {
  const object = objectOf(schema);
  const path = pathOf(parent, name, schema);
  const bounds = boundsText(schema);
  return [
    object === undefined ? code(name) : `[${code(name)}](${anchor(path)})`,
    typeText(schema) + (bounds === '' ? '' : ` (${bounds})`),
    defaultText(schema, required),
    cell(schema.description ?? ''),
  ];
};

const pathOf = (parent: string, name: string, schema: SchemaSource): string =>
  `${parent}.${name}${schema.items === undefined ? '' : '[]'}`;

/** Rules that the API server checks for this object and its fields, as sentences. */
const rulesText = (object: SchemaSource): string => {
  const own = (object[RULES] ?? []).map(({ message, fieldPath }) =>
    fieldPath === undefined ? `it ${message ?? ''}` : `${code(fieldPath.slice(1))}: ${message ?? ''}`,
  );
  const fields = Object.entries(object.properties ?? {}).flatMap(([name, schema]) => [
    ...(schema.patternErrorMessage === undefined || isDuration(schema)
      ? []
      : [`${code(name)}: ${schema.patternErrorMessage}`]),
    ...(schema[RULES] ?? [])
      .filter(
        ({ message }) =>
          schema['x-kubernetes-int-or-string'] !== true && !isDuration(schema) && message !== undefined,
      )
      .filter(() => objectOf(schema) === undefined || schema.items !== undefined)
      .map(({ message }) => `${code(name)}: ${message ?? ''}`),
  ]);
  const all = [...own, ...fields];
  return all.length === 0
    ? ''
    : ['Refused otherwise:', '', ...all.map((each) => `* ${cell(each)}`)].join('\n');
};

/** Sections of an object and of all objects inside it. */
const sections = (path: string, object: SchemaSource, about: string): string[] => {
  const fields = Object.entries(object.properties ?? {});
  const rows = fields.map((field) => fieldRow(path, field, object.required?.includes(field[0]) ?? false));
  const inner = fields.flatMap(([name, schema]) => {
    const nested = objectOf(schema);
    return nested === undefined ? [] : sections(pathOf(path, name, schema), nested, schema.description ?? '');
  });
  const level = path.includes('.') ? '###' : '##';
  return [
    `${level} ${path}`,
    about,
    table(['Field', 'Type', 'Default', 'Meaning'], rows),
    rulesText(object),
    ...inner,
  ];
};

const columns = (kind: KindDefinition): string =>
  table(
    ['Column', 'From', 'Meaning'],
    kind.columns.map(({ name, jsonPath, description, priority }) => [
      `${name}${priority === undefined ? '' : ' (`-o wide`)'}`,
      code(jsonPath),
      description,
    ]),
  );

/** The page of a kind. */
export const referencePage = (kind: KindDefinition, { before, after }: Surroundings): string => {
  const { group, version, kind: name, namespaced, plural } = kind.resource;
  return page([
    `<!-- ${NOTICE} -->`,
    `# ${name}`,
    kind.description,
    `${code(`${group}/${version}`)}, ${namespaced ? 'namespaced' : 'cluster-scoped'}; ${code(plural)}, short ${kind.shortNames.map(code).join(', ')}. ${code(`kubectl explain ${kind.singular}.spec`)} shows the same text.`,
    ...before,
    ...sections('spec', source(kind.spec), source(kind.spec).description ?? ''),
    ...sections('status', source(kind.status), source(kind.status).description ?? ''),
    ...after,
    '## Columns of `kubectl get`',
    columns(kind),
  ]);
};
