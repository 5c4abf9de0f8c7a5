import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePatch, sameJson } from './mergepatch.ts';

/** RFC 7386, section 2. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = apply(result[key], value);
  }
  return result;
}

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(fc.integer(), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
})).object;

describe('a merge patch', () => {
  it('turns one object into the other', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patched = apply(from, mergePatch(from, to) ?? {});
        expect(sameJson(patched, to)).toBe(true);
      }),
    );
  });

  it('of equal objects is none', () => {
    fc.assert(
      fc.property(json, (object) => {
        expect(mergePatch(object, structuredClone(object))).toBeUndefined();
      }),
    );
  });

  it('takes null for absent, on both sides', () => {
    expect(mergePatch({ a: null }, {})).toBeUndefined();
    expect(mergePatch({}, { a: null })).toBeUndefined();
    expect(mergePatch({ a: 1 }, { a: null })).toEqual({ a: null });
  });

  it('replaces lists whole', () => {
    expect(mergePatch({ a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 2 }] })).toEqual({ a: [{ b: 2 }] });
  });
});
