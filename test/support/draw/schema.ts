/** Values of a structural schema: good ones, and ones with mistakes in them. */
import * as fc from 'fast-check';
import type { StructuralSchema } from '../../../src/api/structural.ts';
import { RULES } from '../../../src/api/schema.ts';
import { isDateTime } from '../../../src/api/validation/datetime.ts';
import {
  durations,
  good,
  instants,
  labelKeys,
  labelValues,
  noise,
  percentages,
  schedules,
  type Texts,
  versions,
  zones,
} from './texts.ts';

export interface SchemaDrawing {
  /** Of a hundred values, how many are of another kind than the schema wants. @default 2 */
  wrongPercent?: number;
  /** Of a hundred optional fields, how many are there. @default 35 */
  presentPercent?: number;
  /** Texts of a field by its name; the others are drawn by what their rules say. */
  texts?: Readonly<Record<string, Texts>>;
}

type Value = fc.Arbitrary<unknown>;

/** What is put where something else is wanted. */
const WRONG: Value = fc.constantFrom<unknown[]>(
  null,
  true,
  0,
  -1,
  1.5,
  1e15,
  '',
  'x',
  '7',
  [],
  {},
  {
    x: 1,
  },
);

/** Texts by a piece of the rule that tells their shape. */
const BY_RULE: readonly [piece: string, texts: Texts][] = [
  ['(h|m|s|ms)', durations],
  ['( +[0-9A-Za-z*,/-]+){4}', schedules],
  ['(/[A-Za-z0-9_+-]+)*$', zones],
  ['[.][0-9]+[.]', versions],
  ['/)?', labelKeys],
  ['{0,61}', labelValues],
];

function textsOf(schema: StructuralSchema): Texts {
  // With lower-case letters it is an instant to the schema, and none to the rules.
  if (schema.format === 'date-time') return instants.filter((text) => !/[tz]/.test(text));
  const told = JSON.stringify(schema[RULES] ?? []);
  return BY_RULE.find(([piece]) => told.includes(piece))?.[1] ?? fc.oneof(good, noise);
}

class Drawing {
  readonly #options: Required<SchemaDrawing>;

  constructor({ wrongPercent = 2, presentPercent = 35, texts = {} }: SchemaDrawing) {
    this.#options = { wrongPercent, presentPercent, texts };
  }

  value(schema: StructuralSchema, name = ''): Value {
    const { wrongPercent } = this.#options;
    const right =
      schema.nullable === true
        ? fc.option(this.#right(schema, name), { freq: 8 })
        : this.#right(schema, name);
    if (wrongPercent === 0) return right;
    // A list in place of an instant is found by a rule only, or not at all.
    const wrong = schema.format === 'date-time' ? WRONG.filter((value) => typeof value !== 'object') : WRONG;
    return fc.oneof(
      { weight: 100 - wrongPercent, arbitrary: right },
      { weight: wrongPercent, arbitrary: wrong },
    );
  }

  #right(schema: StructuralSchema, name: string): Value {
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema['x-kubernetes-int-or-string'] === true) return fc.oneof(this.#integer(schema), percentages);
    switch (schema.type) {
      case 'object':
        return this.#object(schema);
      case 'array':
        return fc.array(this.value(schema.items ?? {}), { maxLength: Math.min(3, schema.maxItems ?? 3) });
      case 'integer':
      case 'number':
        return this.#integer(schema);
      case 'boolean':
        return fc.boolean();
      case 'string':
      case undefined:
        return this.#options.texts[name] ?? this.#text(schema);
      default:
        throw new TypeError(`No values of ${String(schema.type)}`);
    }
  }

  #text(schema: StructuralSchema): Texts {
    const texts = textsOf(schema);
    if (this.#options.wrongPercent > 0) return texts;
    return schema.format === 'date-time' ? texts.filter(isDateTime) : texts;
  }

  #integer({ minimum = -3, maximum = 1_000 }: StructuralSchema): Value {
    return fc.oneof(
      fc.integer({ min: minimum, max: Math.min(maximum, minimum + 5) }),
      fc.constantFrom(minimum, maximum),
    );
  }

  #object({ properties, additionalProperties, required = [] }: StructuralSchema): Value {
    if (additionalProperties !== undefined)
      return fc.dictionary(labelKeys, this.value(additionalProperties), { maxKeys: 3 });
    const { presentPercent } = this.#options;
    const fields = Object.entries(properties ?? {}).map(([name, schema]) => {
      const requiredPercent = this.#options.wrongPercent === 0 ? 100 : 98;
      const percent = required.includes(name) ? requiredPercent : presentPercent;
      const value = this.value(schema, name).map((each) => ({ [name]: each }));
      return fc.oneof(
        { weight: 100 - percent, arbitrary: fc.constant({}) },
        { weight: percent, arbitrary: value },
      );
    });
    return fc.tuple(...fields).map((parts) => Object.assign({}, ...parts) as object);
  }
}

/** Values of a schema. */
export const fromSchema = (schema: StructuralSchema, options: SchemaDrawing = {}): Value =>
  new Drawing(options).value(schema);

/** A place in a value, and what is put there. */
interface Change {
  path: number[];
  kind: 'remove' | 'replace' | 'rename' | 'double';
  value: unknown;
  name: string;
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function inFields(value: Record<string, unknown>, key: string, change: Change): unknown {
  const { [key]: chosen, ...rest } = value;
  switch (change.kind) {
    case 'remove':
      return rest;
    case 'rename':
      return { ...rest, [change.name]: chosen };
    case 'double':
      return { ...value, [change.name]: chosen };
    case 'replace':
      return { ...value, [key]: change.value };
  }
}

function inList(value: unknown[], index: number, change: Change): unknown[] {
  switch (change.kind) {
    case 'remove':
      return value.toSpliced(index, 1);
    case 'rename':
      return value.toReversed();
    case 'double':
      return [...value, value[index]];
    case 'replace':
      return value.with(index, change.value);
  }
}

function changed(value: unknown, change: Change): unknown {
  const [at = 0, ...deeper] = change.path;
  if (Array.isArray(value)) {
    if (value.length === 0) return change.value;
    const index = at % value.length;
    return deeper.length === 0
      ? inList(value, index, change)
      : value.with(index, changed(value[index], { ...change, path: deeper }));
  }
  if (!isFields(value)) return change.value;
  const keys = Object.keys(value);
  const key = keys[at % Math.max(1, keys.length)];
  if (key === undefined) return change.value;
  if (deeper.length === 0) return inFields(value, key, change);
  return { ...value, [key]: changed(value[key], { ...change, path: deeper }) };
}

/** A few changes of the shape of any JSON value: parts removed, replaced, renamed, doubled. */
export const mutated = (values: Value): Value =>
  fc
    .tuple(
      values,
      fc.array(
        fc.record({
          path: fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }),
          kind: fc.constantFrom('remove' as const, 'replace' as const, 'rename' as const, 'double' as const),
          value: fc.oneof(WRONG, noise, good),
          name: fc.oneof(noise, fc.constant('__proto__')),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    )
    .map(([value, changes]) => changes.reduce(changed, value));
