import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atPath, copyJson, dropNulls, mergePatch, sameJson } from './json.ts';

/** Nothing that a Kubernetes object holds has a key `__proto__`. */
const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__'));

describe('merge patches', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: [] }, { a: [{ b: null, c: 1 }] }, { a: [{ c: 1 }] }],
  ])('as the API server has RFC 7386: %j with %j gives %j', (target, patch, expected) => {
    expect(mergePatch(target, patch)).toEqual(expected);
  });

  // A list that takes the place of an object keeps its nulls, the same list over a list does not: hence a third time.
  it('applied again change nothing more, and never their arguments', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const [targetBefore, patchBefore] = [JSON.stringify(target), JSON.stringify(patch)];
        const once = mergePatch(target, patch);
        const twice = mergePatch(once, patch);
        expect(sameJson(mergePatch(twice, patch), twice)).toBe(true);
        expect([JSON.stringify(target), JSON.stringify(patch)]).toEqual([targetBefore, patchBefore]);
      }),
    );
  });
});

describe('JSON values', () => {
  it('are equal to their copies, and to nothing that reads differently', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(sameJson(copyJson(a), a)).toBe(true);
        if (sameJson(a, b)) expect(copyJson(a)).toEqual(b);
      }),
    );
  });

  it('lose what is undefined when copied, and what is null when asked to', () => {
    expect(copyJson({ a: undefined, b: [{ c: undefined }] })).toStrictEqual({ b: [{}] });
    expect(dropNulls({ a: null, b: [{ c: null, d: 1 }], e: { f: null } })).toStrictEqual({
      b: [{ d: 1 }],
      e: {},
    });
  });

  it('are reached by a dotted path', () => {
    expect(atPath({ a: { b: 1 } }, 'a.b')).toBe(1);
    expect(atPath({ a: 1 }, 'a.b.c')).toBeUndefined();
  });
});
