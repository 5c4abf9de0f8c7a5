/** Which policy a node belongs to. */
import type { Labels, Selector } from './selector.ts';

export interface SelectingPolicy {
  readonly name: string;
  /** spec.priority; the highest wins. */
  readonly priority: number;
  readonly selects: Selector;
}

export type Selection<P extends SelectingPolicy> =
  | { readonly kind: 'none' }
  | { readonly kind: 'won'; readonly policy: P }
  /** Several of the same, highest priority, by name: none of them acts. */
  | { readonly kind: 'tie'; readonly policies: readonly P[] };

const NOBODY = { kind: 'none' } as const;

/**
 * A function from the labels of a node to the policy that wins it, for one set of policies: the one of highest
 * priority that selects it. Policies that are invalid, paused or being deleted win all the same: their nodes wait,
 * and do not fall to another policy.
 */
export function policySelector<P extends SelectingPolicy>(
  policies: readonly P[],
): (labels: Labels | undefined) => Selection<P> {
  const ordered = policies.toSorted(
    (a, b) => b.priority - a.priority || (a.name < b.name ? -1 : Number(a.name > b.name)),
  );
  const winners = new Map(ordered.map((policy) => [policy, { kind: 'won', policy } as const]));
  return (labels) => {
    // A plain loop: this runs for each node and most of the policies.
    let first = 0;
    while (first < ordered.length && ordered[first]?.selects(labels) !== true) first += 1;
    const policy = ordered[first];
    if (policy === undefined) return NOBODY;
    const next = ordered[first + 1];
    if (next === undefined || next.priority !== policy.priority) return winners.get(policy) ?? NOBODY;
    const rivals = ordered
      .slice(first + 1)
      .filter((other) => other.priority === policy.priority && other.selects(labels));
    return rivals.length === 0
      ? (winners.get(policy) ?? NOBODY)
      : { kind: 'tie', policies: [policy, ...rivals] };
  };
}
