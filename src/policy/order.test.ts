import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidateOrder } from './order.ts';

/** "name domain version", and perhaps "operator". */
const node = (text: string, putBackAtMs = 0) => {
  const [name = '', domain = '', currentVersion = '', operator] = text.split(' ');
  return { name, domain, currentVersion, runsOperator: operator !== undefined, putBackAtMs };
};
const names = (nodes: { name: string }[]): string[] => nodes.map(({ name }) => name);

describe('the order of candidates', () => {
  it('is domain, then oldest version, then name, with nodes of the operator last', () =>
    expect(
      names(
        candidateOrder([
          node('n6 a 1.0.0 operator'),
          node('n5 b 1.9.0'),
          node('m4 a 1.10.0'),
          node('n3 a 1.9.0'),
          node('n2 a 1.9.0'),
          node('z1  1.43.0'),
        ]),
      ),
    ).toEqual(['z1', 'n2', 'n3', 'm4', 'n5', 'n6']));

  it('puts nodes that were put back behind all others, the one that has waited longest first', () =>
    expect(
      names(
        candidateOrder([
          node('n5 a 1.0.0', 2_000),
          node('n4 b 1.9.0 operator', 1_000),
          node('n3 b 1.9.0', 1_000),
          node('n2 b 1.9.0 operator'),
          node('n1 b 1.9.0'),
        ]),
      ),
    ).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']));

  it('does not depend on the order the nodes were given in', () => {
    const drawn = fc.uniqueArray(
      fc.record({
        name: fc.string({ minLength: 1, maxLength: 3 }),
        domain: fc.constantFrom('', 'a', 'b'),
        currentVersion: fc.constantFrom('1.2.0', 'v1.2.0', '1.10.0', 'x'),
        runsOperator: fc.boolean(),
        putBackAtMs: fc.constantFrom(0, 5, 40),
      }),
      { selector: ({ name }) => name },
    );
    fc.assert(
      fc.property(drawn, (nodes) => {
        const ordered = candidateOrder(nodes);
        expect(candidateOrder(nodes.toReversed())).toEqual(ordered);
        expect(ordered.toSorted((a, b) => a.putBackAtMs - b.putBackAtMs)).toEqual(ordered);
      }),
    );
  });
});
