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

/** A string that is one of `values`. */
export const StringEnum = <const V extends readonly string[]>(
  values: V,
  options: Described,
): TUnsafe<V[number]> => Type.Unsafe<V[number]>({ type: 'string', enum: [...values], ...options });

/** A number or a percentage such as "25%". */
export const IntOrPercent = (options: Described): TUnsafe<number | string> =>
  Type.Unsafe<number | string>({ 'x-kubernetes-int-or-string': true, ...options });

/** Text keys to text values, at most `max` of them. */
export const StringMap = (max: number, options: Described): TUnsafe<Record<string, string>> =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 253 },
    maxProperties: max,
    ...options,
  });

/** T or null: OpenAPI's `nullable`, which a structural schema wants instead of a union. */
export const Nullable = <S extends TSchema>(schema: S): TUnsafe<Static<S> | null> =>
  Type.Unsafe<Static<S> | null>({ ...schema, nullable: true });

/** A Go-style duration: `90s`, `15m`, `1h30m`. */
export const Duration = (options: Described): TUnsafe<string> =>
  Type.Unsafe<string>({
    type: 'string',
    maxLength: 32,
    pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$',
    ...options,
  });

/** An RFC 3339 instant. */
export const Time = (options: Described): TUnsafe<string> =>
  Type.Unsafe<string>({ type: 'string', format: 'date-time', maxLength: 64, ...options });
