/** Types, bounds, enumerations and formats: JSON Schema by ajv, said in the words of kube-apiserver. */
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import type { StructuralSchema } from '../structural.ts';
import { isDateTime } from './datetime.ts';
import { pathText, valueText } from './errors.ts';
import type { Located, Path } from './errors.ts';

/** Finds what is wrong with the shape of a value. */
export type ShapeCheck = (value: unknown) => Located[];

/** Keywords of Kubernetes that say nothing about the shape. */
const SILENT = [
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-int-or-string',
];

/** The schema with int-or-string as the two types that it stands for. */
const forAjv = (schema: StructuralSchema): object => ({
  ...schema,
  ...(schema['x-kubernetes-int-or-string'] === true ? { type: ['integer', 'string'] } : {}),
  ...(schema.properties === undefined
    ? {}
    : {
        properties: Object.fromEntries(
          Object.entries(schema.properties).map(([name, each]) => [name, forAjv(each)]),
        ),
      }),
  ...(schema.items === undefined ? {} : { items: forAjv(schema.items) }),
  ...(schema.additionalProperties === undefined
    ? {}
    : { additionalProperties: forAjv(schema.additionalProperties) }),
});

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
};

const segments = (pointer: string, root: unknown): Path => {
  let value: unknown = root;
  return pointer
    .split('/')
    .slice(1)
    .map((raw) => {
      const name = raw.replaceAll('~1', '/').replaceAll('~0', '~');
      const segment = Array.isArray(value) ? Number(name) : name;
      value = (value as Record<string | number, unknown> | undefined)?.[segment];
      return segment;
    });
};

interface Found {
  error: ErrorObject;
  at: Path;
  body: string;
}

type Said = Pick<Located, 'message' | 'reason'> & Partial<Pick<Located, 'at' | 'value' | 'blocks'>>;

const invalid = ({ error, body }: Found, text: string): Said => ({
  message: `Invalid value: ${valueText(error.data)}: ${body} in body ${text}`,
  reason: 'FieldValueInvalid',
});

const typeSaid = ({ error, body }: Found): Said => {
  const wanted = [error.parentSchema?.['type']].flat().join(',');
  const format = error.parentSchema?.['format'];
  const got = kindOf(error.data);
  // A number that is no integer is known by its Go type where the integer has a width.
  const shown = got === 'number' && format !== undefined ? 'float64' : got;
  return {
    message: `Invalid value: "${shown}": ${body} in body must be of type ${format === undefined || got !== 'number' ? wanted : String(format)}: "${shown}"`,
    reason: 'FieldValueTypeInvalid',
    blocks: true,
  };
};

const limit = ({ error }: Found): number => Number(error.params['limit']);

/** How kube-apiserver says what ajv found, by keyword. */
const SAYINGS: Readonly<Record<string, (found: Found) => Said>> = {
  type: typeSaid,
  required: ({ error, at }) => ({
    at: [...at, String(error.params['missingProperty'])],
    message: 'Required value',
    reason: 'FieldValueRequired',
    value: undefined,
    blocks: true,
  }),
  enum: ({ error }) => ({
    message: `Unsupported value: ${valueText(error.data)}: supported values: ${(error.schema as string[]).map((each) => JSON.stringify(each)).join(', ')}`,
    reason: 'FieldValueNotSupported',
    blocks: true,
  }),
  minimum: (found) => invalid(found, `should be greater than or equal to ${limit(found)}`),
  maximum: (found) => invalid(found, `should be less than or equal to ${limit(found)}`),
  minLength: (found) => invalid(found, `should be at least ${limit(found)} chars long`),
  maxLength: (found) => ({
    message: `Too long: may not be more than ${limit(found)} bytes`,
    reason: 'FieldValueTooLong',
    blocks: true,
  }),
  maxItems: (found) => ({
    message: `Too many: ${(found.error.data as unknown[]).length}: must have at most ${limit(found)} items`,
    reason: 'FieldValueTooMany',
    blocks: true,
  }),
  maxProperties: (found) => ({
    message: `Too many: ${Object.keys(found.error.data as object).length}: must have at most ${limit(found)} items`,
    reason: 'FieldValueTooMany',
    blocks: true,
  }),
  format: (found) => ({
    ...invalid(
      found,
      `must be of type ${String(found.error.params['format'])}: ${valueText(found.error.data)}`,
    ),
    reason: 'FieldValueTypeInvalid',
    blocks: true,
  }),
};

/** Beside the wrong type of a number, kube-apiserver says that it could not compare it with the bounds. */
const notCompared = ({ error, at, body }: Found): Located[] => {
  const { type, format, minimum, maximum } = (error.parentSchema ?? {}) as StructuralSchema;
  const isFraction = error.keyword === 'type' && type === 'integer' && kindOf(error.data) === 'number';
  if (!isFraction || (minimum === undefined && maximum === undefined)) return [];
  const width = format === undefined ? '(default format)' : `with format ${format}`;
  return [
    {
      at,
      shownAs: '<nil>',
      value: error.data,
      blocks: false,
      reason: 'FieldValueInvalid',
      message: `Invalid value: "": Checked value must be of type integer ${width} in ${body}`,
    },
  ];
};

const located = (error: ErrorObject, root: unknown): Located[] => {
  const at = segments(error.instancePath, root);
  const say = SAYINGS[error.keyword];
  if (say === undefined) throw new TypeError(`No words for the JSON Schema keyword ${error.keyword}`);
  const found = { error, at, body: pathText(at) };
  const said: Located = { at, value: error.data, blocks: false, ...say(found) };
  // Keys of maps are not put in brackets here, other than where CEL refuses.
  return [{ ...said, shownAs: pathText(said.at) }, ...notCompared(found)];
};

/** A check of a schema, compiled once. */
export const shapeCheck = (schema: StructuralSchema): ShapeCheck => {
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true });
  ajv.addVocabulary(SILENT);
  ajv.addFormat('date-time', isDateTime);
  ajv.addFormat('int64', true);
  const validate: ValidateFunction = ajv.compile(forAjv(schema));
  return (value) =>
    validate(value) ? [] : (validate.errors ?? []).flatMap((error) => located(error, value));
};
