/**
 * From a TypeBox schema to the structural schema of a CustomResourceDefinition. The in-memory API validates with the
 * outcome too, so that it accepts and refuses what kube-apiserver does.
 */
import type { TSchema } from 'typebox';
import type { KindDefinition } from './definitions.ts';
import { RULES } from './schema.ts';
import type { CelRule } from './schema.ts';

/** The part of JSONSchemaProps (apiextensions.k8s.io/v1) that is used here. */
export interface StructuralSchema {
  description?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  format?: string;
  nullable?: boolean;
  default?: unknown;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: readonly string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set';
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-validations'?: readonly CelRule[];
}

/** A schema value, read as plain JSON. `pattern` goes with `patternErrorMessage`: see Shaped in schema.ts. */
export type SchemaSource = Omit<
  StructuralSchema,
  'enum' | 'properties' | 'items' | 'additionalProperties'
> & {
  /** Of strings; with `nullable` also null. */
  enum?: readonly (string | null)[];
  /** The default is told, and not stored: see withoutDefaults. */
  toldOnly?: boolean;
  pattern?: string;
  patternErrorMessage?: string;
  properties?: Record<string, SchemaSource>;
  additionalProperties?: SchemaSource;
  items?: SchemaSource;
};

/** Keywords that are taken over as they are, in the order in which they are written. */
const COPIED = [
  'type',
  'format',
  'nullable',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'maxItems',
  'maxProperties',
  'required',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const satisfies readonly (keyof SchemaSource)[];

/** A TypeBox value as the plain JSON Schema that it is. */
export const source = (schema: TSchema): SchemaSource => schema;

/** The values of an enumeration that may also be null: kube-apiserver refuses null in any `enum`, so a rule says it. */
const nullableEnum = (schema: SchemaSource): readonly string[] | undefined =>
  schema.nullable === true ? schema.enum?.filter((each) => each !== null) : undefined;

const enumOf = (schema: SchemaSource): Pick<StructuralSchema, 'enum' | 'maxLength'> => {
  if (schema.enum === undefined) return {};
  const values = schema.enum.filter((each) => each !== null);
  return nullableEnum(schema) === undefined
    ? { enum: values }
    : { maxLength: Math.max(...values.map(({ length }) => length)) };
};

const patternRule = ({ pattern, patternErrorMessage: message }: SchemaSource): CelRule[] => {
  if (pattern === undefined) return [];
  if (message === undefined) throw new TypeError(`Pattern without a message: ${pattern}`);
  return [{ rule: `self.matches('${pattern}')`, message }];
};

const enumRule = (schema: SchemaSource): CelRule[] => {
  const values = nullableEnum(schema);
  if (values === undefined) return [];
  return [
    {
      rule: `self in [${values.map((each) => `'${each}'`).join(', ')}]`,
      message: `must be one of ${values.join(', ')}`,
    },
  ];
};

/** Rules of a schema: the ones that its pattern and enumeration stand for, then its own. */
const rulesOf = (schema: SchemaSource): CelRule[] => [
  ...patternRule(schema),
  ...enumRule(schema),
  ...(schema[RULES] ?? []),
];

/** int64 where nothing bounds a whole number: `kubectl explain` and clients then know its width. */
const widthOf = (schema: SchemaSource): { format?: string } =>
  schema.type === 'integer' && schema.format === undefined && schema.maximum === undefined
    ? { format: 'int64' }
    : {};

const nested = (properties: Record<string, SchemaSource>): Record<string, StructuralSchema> =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, structural(schema)]));

/** `kubectl explain` does not show defaults, so the description does. */
const described = ({ description, default: value }: SchemaSource): { description?: string } => {
  if (description === undefined) return {};
  const isScalar = typeof value === 'string' || typeof value === 'number';
  return { description: isScalar ? `${description} Default: ${value}` : description };
};

const defaultOf = ({ default: value, toldOnly }: SchemaSource): { default?: unknown } =>
  value === undefined || toldOnly === true ? {} : { default: value };

/**
 * An item of a list, without defaults that the API server would add. Lists are replaced as a whole, so to kubectl apply
 * and Argo CD a list with an added field differs for ever from the one in Git.
 */
const withoutDefaults = (schema: SchemaSource): SchemaSource => ({
  ...schema,
  toldOnly: true,
  ...(schema.properties === undefined
    ? {}
    : {
        properties: Object.fromEntries(
          Object.entries(schema.properties).map(([name, each]) => [name, withoutDefaults(each)]),
        ),
      }),
});

/** The structural schema of `schema`. @throws TypeError when a pattern has no message. */
export const structural = (schema: SchemaSource): StructuralSchema => {
  const copied = COPIED.flatMap((keyword) =>
    schema[keyword] === undefined || (keyword === 'required' && schema.required?.length === 0)
      ? []
      : [[keyword, schema[keyword]]],
  );
  const rules = rulesOf(schema);
  return {
    ...described(schema),
    ...defaultOf(schema),
    ...(Object.fromEntries(copied) as StructuralSchema),
    ...enumOf(schema),
    ...widthOf(schema),
    ...(schema.properties === undefined ? {} : { properties: nested(schema.properties) }),
    ...(schema.additionalProperties === undefined
      ? {}
      : { additionalProperties: structural(schema.additionalProperties) }),
    ...(schema.items === undefined ? {} : { items: structural(withoutDefaults(schema.items)) }),
    ...(rules.length === 0 ? {} : { [RULES]: rules }),
  };
};

/** The schema of a whole object of the kind. */
export const objectSchema = (kind: KindDefinition): StructuralSchema => ({
  description: kind.description,
  type: 'object',
  required: ['spec'],
  properties: {
    apiVersion: { type: 'string', description: `${kind.resource.group}/${kind.resource.version}` },
    kind: { type: 'string', description: kind.resource.kind },
    metadata: { type: 'object' },
    spec: structural(source(kind.spec)),
    status: {
      ...structural(source(kind.status)),
      ...(kind.statusNullable ? { nullable: true } : {}),
      ...(kind.statusDefault === undefined ? {} : { default: kind.statusDefault }),
    },
  },
});
