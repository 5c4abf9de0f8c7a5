import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelSelector } from '../api/core.ts';
import { compileSelector, labelKeyProblem, selectorErrors } from './selector.ts';

const matches = (selector: LabelSelector, labels?: Record<string, string>): boolean =>
  compileSelector(selector)(labels);
const term = (operator: string, values?: string[]): LabelSelector => ({
  matchExpressions: [{ key: 'ring', operator, ...(values === undefined ? {} : { values }) }],
});

describe('label selectors', () => {
  it.each<[string, LabelSelector, Record<string, string> | undefined, boolean]>([
    ['the empty one selects everything', {}, { a: 'b' }, true],
    ['and nodes without labels', {}, undefined, true],
    ['matchLabels: equal', { matchLabels: { role: 'worker' } }, { role: 'worker', x: 'y' }, true],
    ['matchLabels: different', { matchLabels: { role: 'worker' } }, { role: 'infra' }, false],
    ['matchLabels: absent', { matchLabels: { role: 'worker' } }, {}, false],
    ['matchLabels: no labels', { matchLabels: { role: 'worker' } }, undefined, false],
    ['matchLabels: an empty value is a value', { matchLabels: { role: '' } }, {}, false],
    ['matchLabels: an empty value', { matchLabels: { role: '' } }, { role: '' }, true],
    ['matchLabels: all must hold', { matchLabels: { a: '1', b: '2' } }, { a: '1', b: '3' }, false],
    ['In', term('In', ['canary', 'early']), { ring: 'early' }, true],
    ['In, another value', term('In', ['canary', 'early']), { ring: 'late' }, false],
    ['In, absent', term('In', ['canary', 'early']), {}, false],
    ['NotIn', term('NotIn', ['canary']), { ring: 'late' }, true],
    ['NotIn, listed', term('NotIn', ['canary', 'early']), { ring: 'early' }, false],
    ['NotIn selects nodes without the label', term('NotIn', ['canary', 'early']), {}, true],
    ['Exists', term('Exists'), { ring: '' }, true],
    ['Exists, absent', term('Exists'), undefined, false],
    [
      'Exists is not fooled by names every object has',
      { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] },
      {},
      false,
    ],
    ['DoesNotExist', term('DoesNotExist', []), {}, true],
    ['DoesNotExist, there', term('DoesNotExist', []), { ring: 'x' }, false],
    ['labels and expressions together', { matchLabels: { a: '1' }, ...term('Exists') }, { a: '1' }, false],
  ])('%s', (...[, selector, labels, expected]) => {
    expect(selectorErrors(selector, 'spec.nodeSelector')).toEqual([]);
    expect(matches(selector, labels)).toBe(expected);
  });

  it.each<[LabelSelector, string, string]>([
    [term('In'), 'spec.nodeSelector.matchExpressions[0]', 'operator In needs values'],
    [term('NotIn', []), 'spec.nodeSelector.matchExpressions[0]', 'operator NotIn needs values'],
    [term('Exists', ['x']), 'spec.nodeSelector.matchExpressions[0]', 'operator Exists takes no values'],
    [term('DoesNotExist', ['x']), 'spec.nodeSelector.matchExpressions[0]', 'takes no values'],
    [term('Gt', ['1']), 'spec.nodeSelector.matchExpressions[0]', 'operator "Gt" is unknown'],
    [term('In', ['a b']), 'spec.nodeSelector.matchExpressions[0]', '"a b" is not a label value'],
    [{ matchLabels: { 'a b': 'x' } }, 'spec.nodeSelector.matchLabels["a b"]', '"a b" is not a label key'],
    [{ matchLabels: { a: 'x'.repeat(64) } }, 'spec.nodeSelector.matchLabels["a"]', 'is not a label value'],
  ])('%j is refused', (selector, path, message) => {
    expect(selectorErrors(selector, 'spec.nodeSelector')).toMatchObject([
      { path, message: expect.stringContaining(message) as string },
    ]);
  });

  it('selects more, never less, when a term is wrong', () => {
    const broken: LabelSelector = { matchLabels: { role: 'worker' }, ...term('In') };
    expect(matches(broken, { role: 'worker' })).toBe(true);
    expect(matches(broken, { role: 'infra' })).toBe(false);
  });

  it.each(['role', 'a', 'topology.kubernetes.io/zone', 'example.com/A_b.c-1', 'x'.repeat(63)])(
    '%s is a key',
    (key) => expect(labelKeyProblem(key)).toBeUndefined(),
  );
  it.each(['', '/', 'a/', '/a', 'a/b/c', '-a', 'a-', 'A.com/x', 'x'.repeat(64), 'ü'])('%s is no key', (key) =>
    expect(labelKeyProblem(key)).toContain('is not a label key'),
  );

  it('NotIn is the opposite of In, DoesNotExist of Exists', () => {
    const label = fc.constantFrom('a', 'b', 'c', '');
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1 }),
        fc.option(label, { nil: undefined }),
        (values, value) => {
          const labels = value === undefined ? {} : { ring: value };
          expect(matches(term('NotIn', values), labels)).toBe(!matches(term('In', values), labels));
          expect(matches(term('In', values), labels)).toBe(value !== undefined && values.includes(value));
          expect(matches(term('DoesNotExist'), labels)).toBe(!matches(term('Exists'), labels));
        },
      ),
    );
  });
});
