/**
 * What kube-apiserver does to an object before it looks for mistakes: unknown fields are dropped with a warning, nulls
 * of fields that are not nullable are dropped, defaults are set.
 */
import type { StructuralSchema } from '../structural.ts';
import { pathText } from './errors.ts';
import type { Path } from './errors.ts';

type Fields = Record<string, unknown>;

/** The completed value; the one given is left as it was. */
export interface Completed {
  value: unknown;
  /** As in `unknown field "spec.replicas"`. */
  warnings: string[];
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const completeField = (schema: StructuralSchema, value: unknown, at: Path): Completed | undefined => {
  const absent = value === undefined || (value === null && schema.nullable !== true);
  if (!absent) return complete(schema, value, at);
  if (schema.default === undefined) return undefined;
  return complete(schema, structuredClone(schema.default), at);
};

const completeFields = (
  properties: Record<string, StructuralSchema>,
  fields: Fields,
  at: Path,
): Completed => {
  const warnings = Object.keys(fields)
    .filter((name) => !Object.hasOwn(properties, name))
    .map((name) => `unknown field "${pathText([...at, name])}"`);
  const result: Fields = {};
  for (const [name, schema] of Object.entries(properties)) {
    const completed = completeField(schema, fields[name], [...at, name]);
    if (completed === undefined) continue;
    result[name] = completed.value;
    warnings.push(...completed.warnings);
  }
  return { value: result, warnings };
};

const completeMap = (schema: StructuralSchema, entries: Fields, at: Path): Completed => {
  const warnings: string[] = [];
  const result: Fields = {};
  for (const [key, value] of Object.entries(entries)) {
    const completed = completeField(schema, value, [...at, key]);
    if (completed === undefined) continue;
    result[key] = completed.value;
    warnings.push(...completed.warnings);
  }
  return { value: result, warnings };
};

/** Drops what a schema does not know and adds what it has defaults for. */
export const complete = (schema: StructuralSchema, value: unknown, at: Path = []): Completed => {
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    const completed = value.map((item, index) => complete(items, item, [...at, index]));
    return {
      value: completed.map((each) => each.value),
      warnings: completed.flatMap((each) => each.warnings),
    };
  }
  if (!isFields(value)) return { value, warnings: [] };
  if (schema.properties !== undefined) return completeFields(schema.properties, value, at);
  if (schema.additionalProperties !== undefined) return completeMap(schema.additionalProperties, value, at);
  // A list or a scalar is wanted here: the shape is wrong, and that is found later.
  return { value: structuredClone(value), warnings: [] };
};
