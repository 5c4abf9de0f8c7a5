/** The CEL rules of a schema, evaluated as kube-apiserver does: every rule of every value that is there. */
import { Environment } from '@marcbachmann/cel-js';
import type { ParseResult } from '@marcbachmann/cel-js';
import { RULES } from '../schema.ts';
import type { CelRule } from '../schema.ts';
import type { StructuralSchema } from '../structural.ts';
import { valueText } from './errors.ts';
import type { Located, Path } from './errors.ts';

type Fields = Record<string, unknown>;

/** Finds the rules that a value breaks; `old` is the value before, if there was one. */
export type RulesCheck = (value: unknown, old?: unknown) => Located[];

interface Compiled {
  rule: CelRule;
  evaluate: ParseResult;
  /** Compares with the value before, so it is not evaluated without one. */
  isTransition: boolean;
}

interface Visit {
  schema: StructuralSchema;
  value: unknown;
  /** undefined = none. */
  old: unknown;
  at: Path;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A JSON value as CEL's types: whole numbers are ints, date-times are timestamps. */
const toCel = (schema: StructuralSchema, value: unknown): unknown => {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string') return schema.format === 'date-time' ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((item) => toCel(schema.items ?? {}, item));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      toCel(schema.properties?.[name] ?? schema.additionalProperties ?? {}, each),
    ]),
  );
};

const REASON_TEXT = {
  FieldValueInvalid: 'Invalid value',
  FieldValueRequired: 'Required value',
  FieldValueForbidden: 'Forbidden',
  FieldValueDuplicate: 'Duplicate value',
} as const;

/** The words of kube-apiserver: of a scalar the value is shown, of an object or a list it is not. */
const messageOf = (reason: keyof typeof REASON_TEXT, shown: unknown, text: string): string => {
  const isScalar = !isFields(shown) && !Array.isArray(shown);
  const value = isScalar && reason === 'FieldValueInvalid' ? `${valueText(shown)}: ` : '';
  return `${REASON_TEXT[reason]}: ${value}${text}`;
};

const brokenRule = ({ rule }: Compiled, visit: Visit, problem?: unknown): Located => {
  const said = rule.message ?? `failed rule: ${rule.rule}`;
  const text = problem instanceof Error ? `${problem.message} evaluating rule: ${said}` : said;
  const reason = rule.reason ?? 'FieldValueInvalid';
  const at = rule.fieldPath === undefined ? visit.at : [...visit.at, ...rule.fieldPath.split('.').slice(1)];
  return {
    at,
    ruleAt: visit.at,
    value: visit.value,
    blocks: false,
    reason,
    message: messageOf(reason, visit.value, text),
  };
};

/** Schemas of which none, nor anything inside, has a rule; most of a status is such. */
const withoutRules = (schema: StructuralSchema, into: Set<StructuralSchema>): boolean => {
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...[schema.items, schema.additionalProperties].filter((each) => each !== undefined),
  ];
  // Every one is looked at, not only up to the first that has a rule.
  const bare = inner.map((each) => withoutRules(each, into)).every(Boolean) && schema[RULES] === undefined;
  if (bare) into.add(schema);
  return bare;
};

class Rules {
  readonly #environment = new Environment()
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn');
  readonly #compiled = new Map<CelRule, Compiled>();
  readonly #bare = new Set<StructuralSchema>();

  constructor(schema: StructuralSchema) {
    withoutRules(schema, this.#bare);
  }

  /** All broken rules of a value and of what is in it. */
  check(visit: Visit): Located[] {
    if (visit.value === undefined || visit.value === null || this.#bare.has(visit.schema)) return [];
    return [...this.#own(visit), ...this.#inner(visit)];
  }

  #own(visit: Visit): Located[] {
    return (visit.schema[RULES] ?? [])
      .map((rule) => this.#compile(rule))
      .filter(({ isTransition }) => !isTransition || (visit.old !== undefined && visit.old !== null))
      .flatMap((compiled) => {
        try {
          const context = {
            self: toCel(visit.schema, visit.value),
            oldSelf: toCel(visit.schema, visit.old ?? null),
          };
          return compiled.evaluate(context) === true ? [] : [brokenRule(compiled, visit)];
        } catch (error) {
          return [brokenRule(compiled, visit, error)];
        }
      });
  }

  #inner({ schema, value, old, at }: Visit): Located[] {
    if (Array.isArray(value)) {
      const items = schema.items ?? {};
      // Items of atomic lists have no past: nothing says which was which.
      return value.flatMap((item, index) =>
        this.check({ schema: items, value: item, old: undefined, at: [...at, index] }),
      );
    }
    if (!isFields(value)) return [];
    return Object.entries(value).flatMap(([name, each]) =>
      this.check({
        schema: schema.properties?.[name] ?? schema.additionalProperties ?? {},
        value: each,
        old: isFields(old) ? old[name] : undefined,
        at: [...at, name],
      }),
    );
  }

  #compile(rule: CelRule): Compiled {
    const known = this.#compiled.get(rule);
    if (known !== undefined) return known;
    const compiled = {
      rule,
      evaluate: this.#environment.parse(rule.rule),
      isTransition: /\boldSelf\b/.test(rule.rule),
    };
    this.#compiled.set(rule, compiled);
    return compiled;
  }
}

/** A check of the rules of a schema; each rule is parsed once. */
export const rulesCheck = (schema: StructuralSchema): RulesCheck => {
  const rules = new Rules(schema);
  return (value, old) => rules.check({ schema, value, old, at: [] });
};
