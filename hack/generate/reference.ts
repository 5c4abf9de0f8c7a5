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
  if (schema.enum !== undefined)
    return schema.enum
      .filter((each) => each !== null)
      .map(code)
      .join(', ');
  if (schema.format === 'date-time') return 'time';
  if (isDuration(schema)) return 'duration';
  if (schema.items !== undefined) return `list of ${typeText(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeText(schema.additionalProperties)}`;
  return schema.type ?? 'any';
};

const rangeText = ({ minimum, maximum }: SchemaSource): string[] => {
  if (minimum === undefined) return maximum === undefined ? [] : [`≤ ${maximum}`];
  return [maximum === undefined ? `≥ ${minimum}` : `${minimum}–${maximum}`];
};

const limits = (schema: SchemaSource): string[] => [
  ...rangeText(schema),
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

/** Rules of an object itself, as sentences. */
const ownRules = (object: SchemaSource): string[] =>
  (object[RULES] ?? []).map(({ message = '', fieldPath }) =>
    fieldPath === undefined ? message : `${code(fieldPath.slice(1))}: ${message}`,
  );

/** Rules of the fields of an object that no column of the table tells. */
const fieldRules = (object: SchemaSource): string[] =>
  Object.entries(object.properties ?? {})
    .filter(([, schema]) => !isDuration(schema) && schema['x-kubernetes-int-or-string'] !== true)
    .flatMap(([name, schema]) => {
      const isObject = schema.items === undefined && schema.properties !== undefined;
      const rules = isObject ? [] : (schema[RULES] ?? []).map(({ message = '' }) => message);
      const shape = [schema.patternErrorMessage, schema.items?.patternErrorMessage].filter(
        (each) => each !== undefined,
      );
      return [...shape, ...rules].map((message) => `${code(name)}: ${message}`);
    });

const rulesText = (object: SchemaSource): string => {
  const all = [...ownRules(object), ...fieldRules(object)];
  return all.length === 0 ? '' : ['Rules:', '', ...all.map((each) => `* ${cell(each)}`)].join('\n');
};

/** Writes the sections of an object and of all objects inside it; what was written before is referred to. */
class Sections {
  readonly blocks: string[] = [];
  readonly #written = new Map<string, string>();

  add(path: string, object: SchemaSource, about: string): void {
    this.blocks.push(`${path.includes('.') ? '###' : '##'} ${path}`, about);
    const fields = Object.entries(object.properties ?? {});
    const identity = JSON.stringify(object.properties);
    const same = this.#written.get(identity);
    if (same !== undefined) {
      const own = ownRules(object).map((each) => `* ${cell(each)}`);
      this.blocks.push(
        `Fields as in [${same}](${anchor(same)}).`,
        own.length === 0 ? '' : ['Rules:', '', ...own].join('\n'),
      );
      return;
    }
    this.#written.set(identity, path);
    const rows = fields.map((field) => fieldRow(path, field, object.required?.includes(field[0]) ?? false));
    this.blocks.push(table(['Field', 'Type', 'Default', 'Meaning'], rows), rulesText(object));
    for (const [name, schema] of fields) {
      const nested = objectOf(schema);
      if (nested === undefined) continue;
      this.add(pathOf(path, name, schema), nested, schema.items?.description ?? schema.description ?? '');
    }
  }
}

const sections = (path: string, schema: SchemaSource): string[] => {
  const all = new Sections();
  all.add(path, schema, schema.description ?? '');
  return all.blocks;
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
    ...sections('spec', source(kind.spec)),
    ...sections('status', source(kind.status)),
    ...after,
    '## Columns of `kubectl get`',
    columns(kind),
  ]);
};
