/**
 * Validation of our kinds without an API server: the same schema, the same CEL rules, the same words. The in-memory
 * API answers with it, so that a demo refuses what a cluster would refuse.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../runtime/kubernetes.ts';
import { KINDS } from '../definitions.ts';
import type { KindName } from '../definitions.ts';
import { objectSchema } from '../structural.ts';
import type { StructuralSchema } from '../structural.ts';
import { complete } from './completion.ts';
import { pathText } from './errors.ts';
import type { FieldError, Located, Path } from './errors.ts';
import { duplicates } from './listmaps.ts';
import { nameErrors } from './metadata.ts';
import { rulesCheck } from './rules.ts';
import type { RulesCheck } from './rules.ts';
import { shapeCheck } from './shape.ts';
import type { ShapeCheck } from './shape.ts';

/** What became of an object. */
export interface Validated<T extends KubeObject = KubeObject> {
  /** The object as it would be stored: unknown fields dropped, defaults set. */
  object: T;
  /** Empty = accepted. */
  errors: FieldError[];
  /** As the `Warning` headers of kube-apiserver: unknown fields. */
  warnings: string[];
}

interface Checks {
  schema: StructuralSchema;
  shape: ShapeCheck;
  rules: RulesCheck;
}

const NOT_CHECKED: Located = {
  at: [],
  shownAs: '<nil>',
  value: null,
  blocks: false,
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
};

/** What a path leads to; a list that is not a map of its items is compared as a whole, so it stands for its items. */
const comparable = (root: unknown, at: Path): unknown => {
  let value = root;
  for (const segment of at) {
    if (Array.isArray(value)) return value;
    value = (value as Record<string | number, unknown> | null | undefined)?.[segment];
  }
  return value;
};

/** Kubernetes lets a mistake stand that was there before, as long as nobody touches it. */
const isOld = ({ at, ruleAt, blocks, reason }: Located, now: unknown, old: unknown): boolean => {
  if (ruleAt !== undefined) at = ruleAt;
  if (blocks && reason === 'FieldValueRequired') at = at.slice(0, -1);
  const before = comparable(old, at);
  return before !== undefined && isDeepStrictEqual(before, comparable(now, at));
};

/** Which segments of a path are keys of a map: they are shown in brackets. */
const keysOf = (schema: StructuralSchema, at: Path): ((index: number) => boolean) => {
  const keys = new Set<number>();
  let here: StructuralSchema | undefined = schema;
  for (const [index, segment] of at.entries()) {
    if (typeof segment === 'number') {
      here = here?.items;
    } else if (here?.additionalProperties !== undefined) {
      keys.add(index);
      here = here.additionalProperties;
    } else {
      here = here?.properties?.[segment];
    }
  }
  return (index) => keys.has(index);
};

const shown = (schema: StructuralSchema, { at, shownAs, message, value, reason }: Located): FieldError => ({
  path: shownAs ?? pathText(at, keysOf(schema, at)),
  message,
  value,
  // kube-apiserver has no reason of its own for these two in the causes of an answer.
  reason,
});

const compiled = new Map<KindName, Checks>();

const checksOf = (kind: KindName): Checks => {
  const known = compiled.get(kind);
  if (known !== undefined) return known;
  const schema = objectSchema(KINDS[kind]);
  const checks = { schema, shape: shapeCheck(schema), rules: rulesCheck(schema) };
  compiled.set(kind, checks);
  return checks;
};

const contentErrors = ({ schema, shape, rules }: Checks, object: unknown, old: unknown): Located[] => {
  const found = [...shape(object), ...duplicates(schema, object)];
  if (found.some(({ blocks }) => blocks)) return [...found, NOT_CHECKED];
  return [...found, ...rules(object, old)];
};

/**
 * Completes and checks an object as kube-apiserver would at a create, or at an update of `old`. `metadata` is kept as
 * it is; of it only the name is checked.
 */
export const validateObject = <T extends KubeObject>(kind: KindName, object: T, old?: T): Validated<T> => {
  const checks = checksOf(kind);
  const { metadata, ...content } = object;
  const completed = complete(checks.schema, content);
  const value = completed.value as Omit<T, 'metadata'>;
  const errors = [...nameErrors(metadata), ...contentErrors(checks, value, old)].filter(
    (error) => old === undefined || !isOld(error, value, old),
  );
  return {
    object: { ...value, metadata } as T,
    errors: errors.map((error) => shown(checks.schema, error)),
    warnings: completed.warnings,
  };
};

/** The text kube-apiserver answers with, one line a mistake. */
export const refusalText = (errors: readonly FieldError[]): string =>
  errors.map(({ path, message }) => `${path}: ${message}`).join('\n');
