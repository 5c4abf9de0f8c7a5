/**
 * JSON Schemas for editors. A manifest that begins with `# yaml-language-server: $schema=…` is completed, explained
 * and checked while it is written. What only CEL can say (rules across fields) is left to the API server.
 */
import type { KindDefinition } from '../../src/api/definitions.ts';
import { MAX_COUNT } from '../../src/api/schema.ts';
import { source } from '../../src/api/structural.ts';
import type { SchemaSource } from '../../src/api/structural.ts';
import { NOTICE } from './output.ts';

type Json = Record<string, unknown>;

const COPIED = [
  'description',
  'format',
  'default',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'maxItems',
  'maxProperties',
  'pattern',
  'patternErrorMessage',
] as const;

const PERCENT = {
  type: ['integer', 'string'],
  minimum: 0,
  maximum: MAX_COUNT,
  pattern: '^(100|[1-9]?[0-9])%$',
  patternErrorMessage: 'must be a whole number, without quotes, or a percentage from "0%" to "100%"',
};

const typeOf = (schema: SchemaSource): Json => {
  const type = schema['x-kubernetes-int-or-string'] === true ? PERCENT : { type: schema.type };
  if (schema.nullable !== true) return type;
  return { ...type, type: [type.type, 'null'].flat() };
};

const membersOf = (schema: SchemaSource): Json => {
  if (schema.properties === undefined)
    return schema.additionalProperties === undefined
      ? {}
      : { additionalProperties: editorSchema(schema.additionalProperties) };
  const entries = Object.entries(schema.properties).map(([name, each]) => [name, editorSchema(each)]);
  return { properties: Object.fromEntries(entries), additionalProperties: false };
};

/** The draft-07 schema of a part of an object. Unknown fields are errors, so that typos are seen. */
export const editorSchema = (schema: SchemaSource): Json => ({
  ...typeOf(schema),
  ...Object.fromEntries(COPIED.flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]]))),
  ...(schema.enum === undefined ? {} : { enum: schema.enum }),
  ...(schema.required === undefined || schema.required.length === 0 ? {} : { required: schema.required }),
  ...membersOf(schema),
  ...(schema.items === undefined ? {} : { items: editorSchema(schema.items) }),
});

/** Path of the editor schema of a kind. */
export const editorPath = ({ singular, resource }: KindDefinition): string =>
  `schemas/${singular}_${resource.version}.json`;

const wholeObject = (kind: KindDefinition): Json => {
  const { group, version, kind: name, namespaced } = kind.resource;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment: NOTICE,
    title: `${name} ${group}/${version}`,
    description: kind.description,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: { const: `${group}/${version}`, description: 'Group and version of the kind.' },
      kind: { const: name, description: 'The kind.' },
      metadata: {
        type: 'object',
        description: 'Name, labels, annotations.',
        required: ['name'],
        properties: {
          name: { type: 'string', maxLength: 253, description: 'Name of the object.' },
          ...(namespaced ? { namespace: { type: 'string', description: 'Namespace of the object.' } } : {}),
          labels: { type: 'object', additionalProperties: { type: 'string' } },
          annotations: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
      spec: editorSchema(source(kind.spec)),
      status: editorSchema({ ...source(kind.status), nullable: kind.statusNullable }),
    },
  };
};

/** Files of schemas/. */
export const editorFiles = (kinds: readonly KindDefinition[]): [string, string][] =>
  kinds.map((kind) => [editorPath(kind), `${JSON.stringify(wholeObject(kind), undefined, 2)}\n`]);
