import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelSelector } from '../api/core.ts';
import { compileSelector } from './selector.ts';
import { policySelector } from './select.ts';

const policy = (name: string, priority: number, selector: LabelSelector = {}) => ({
  name,
  priority,
  selects: compileSelector(selector),
});
const ring = (value: string): LabelSelector => ({ matchLabels: { ring: value } });

describe('the policy of a node', () => {
  const policies = [
    policy('everything', 0),
    policy('canary', 10, ring('canary')),
    policy('late-b', 5, ring('late')),
    policy('late-a', 5, ring('late')),
  ];

  it('is the one of highest priority that selects it', () => {
    expect(policySelector(policies)({ ring: 'canary' })).toMatchObject({
      kind: 'won',
      policy: { name: 'canary' },
    });
    expect(policySelector(policies)(undefined)).toMatchObject({
      kind: 'won',
      policy: { name: 'everything' },
    });
  });

  it('is none when several of the same priority select it', () => {
    const selection = policySelector(policies)({ ring: 'late' });
    expect(selection.kind === 'tie' && selection.policies.map(({ name }) => name)).toEqual([
      'late-a',
      'late-b',
    ]);
  });

  it('is none when none selects it', () =>
    expect(policySelector(policies.slice(1))({ ring: 'other' })).toEqual({ kind: 'none' }));

  it('is not disturbed by a tie below it', () =>
    expect(policySelector([...policies, policy('top', 20)])({ ring: 'late' })).toMatchObject({
      policy: { name: 'top' },
    }));

  it('agrees with looking at all of them', () => {
    const drawn = fc.array(fc.tuple(fc.nat(2), fc.constantFrom('a', 'b', '')), { maxLength: 6 });
    fc.assert(
      fc.property(drawn, fc.constantFrom('a', 'b', 'c'), (specs, label) => {
        const all = specs.map(([priority, value], index) =>
          policy(`p${index}`, priority, value === '' ? {} : ring(value)),
        );
        const labels = { ring: label };
        const matching = all.filter(({ selects }) => selects(labels));
        const best = matching.filter(({ priority }) => matching.every((other) => other.priority <= priority));
        const selection = policySelector(all)(labels);
        if (best.length === 0) expect(selection.kind).toBe('none');
        else if (best.length === 1) expect(selection).toEqual({ kind: 'won', policy: best[0] });
        else expect(selection).toEqual({ kind: 'tie', policies: best });
      }),
    );
  });
});
