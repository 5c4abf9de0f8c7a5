/**
 * Small helpers that keep TypeBox schemas structural in a CRD (no `const`, `anyOf` over types or `$ref`), and
 * carry what OpenAPI and kubebuilder need beside them.
 */
import Type from 'typebox';
import type { Static, TSchema, TUnsafe } from 'typebox';

/** One CEL rule of a CRD; `message` names the remedy. */
export interface CelRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  fieldPath?: string;
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
}

export interface Described {
  description: string;
  [keyword: string]: unknown;
}

/** The keyword of CEL rules. */
export const RULES = 'x-kubernetes-validations';

/** Adds rules to a schema: `{...withRules({rule, message})}` among its options. */
export const withRules = (...rules: CelRule[]): { [RULES]: CelRule[] } => ({ [RULES]: rules });

/** A string that is one of `values`. */
export const StringEnum = <const V extends readonly string[]>(
  values: V,
  options: Described,
): TUnsafe<V[number]> => Type.Unsafe<V[number]>({ type: 'string', enum: [...values], ...options });

/** Highest number that a field of IntOrPercent takes. */
export const MAX_COUNT = 100_000;

/** A number from 0, or a percentage from "0%" to "100%". */
export const IntOrPercent = (options: Described): TUnsafe<number | string> =>
  Type.Unsafe<number | string>({
    'x-kubernetes-int-or-string': true,
    ...withRules({
      rule: `type(self) == int ? self >= 0 && self <= ${MAX_COUNT} : self.matches('^(100|[1-9]?[0-9])%$')`,
      message: `must be a whole number from 0 to ${MAX_COUNT}, without quotes, or a percentage from "0%" to "100%"`,
    }),
    ...options,
  });

/**
 * T or null: OpenAPI's `nullable`, which a structural schema wants instead of a union. JSON Schema wants an enumeration
 * to name null too.
 */
export const Nullable = <S extends TSchema>(schema: S): TUnsafe<Static<S> | null> => {
  const { enum: values } = schema as { enum?: readonly unknown[] };
  return Type.Unsafe<Static<S> | null>({
    ...schema,
    ...(values === undefined ? {} : { enum: [...values, null] }),
    nullable: true,
  });
};

/**
 * A string of a shape that a regular expression tells. In the CRD it is a CEL rule, so that whoever gets it wrong
 * reads `message` instead of the expression; in the JSON Schema for editors it stays a `pattern`.
 */
export const Shaped = (pattern: string, message: string, options: Described): TUnsafe<string> =>
  Type.Unsafe<string>({ type: 'string', pattern, patternErrorMessage: message, ...options });

/**
 * Shape of a duration. The counts of digits and DURATION_MAX_LENGTH together keep every duration below the 292 years
 * that Go's and CEL's can hold, so that a rule which compares durations never fails to evaluate.
 */
export const DURATION_PATTERN = '^([0-9]{1,6}([.][0-9]{1,3})?(h|m|s|ms))+$';
const DURATION_MAX_LENGTH = 20;

export interface DurationOptions extends Described {
  /** Shortest duration allowed, such as "15m". */
  atLeast?: string;
  /** Longest duration allowed, such as "168h". */
  atMost: string;
}

/** A Go-style duration: `90s`, `15m`, `1h30m`. */
export const Duration = ({ atLeast = '0s', atMost, ...options }: DurationOptions): TUnsafe<string> =>
  Type.Unsafe<string>({
    type: 'string',
    maxLength: DURATION_MAX_LENGTH,
    pattern: DURATION_PATTERN,
    patternErrorMessage: 'must be a duration such as 90s, 15m or 1h30m; units are h, m, s and ms',
    ...withRules({
      rule: `!self.matches('${DURATION_PATTERN}') || (duration(self) >= duration('${atLeast}') && duration(self) <= duration('${atMost}'))`,
      message: `must be from ${atLeast} to ${atMost}`,
    }),
    ...options,
  });

/** An RFC 3339 instant. */
export const Time = (options: Described): TUnsafe<string> =>
  Type.Unsafe<string>({ type: 'string', format: 'date-time', maxLength: 64, ...options });
