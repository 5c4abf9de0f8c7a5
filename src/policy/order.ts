/** Which candidate comes first. */
import { compareVersions } from './versions.ts';

/** The label of a node's zone when the policy names no other failure domain. */
export const ZONE_LABEL = 'topology.kubernetes.io/zone';

export interface OrderFacts {
  readonly name: string;
  /** Value of `topology.key`, else of ZONE_LABEL; "" without. */
  readonly domain: string;
  readonly currentVersion: string;
  /** Whether pods of the operator itself run on it. */
  readonly runsOperator: boolean;
}

/**
 * Candidates in the order they are started: nodes that run the operator's own pods last; then by domain, oldest
 * version first, name. Total and stable: the same nodes come in the same order whatever order they were given in.
 */
export function candidateOrder<T extends OrderFacts>(candidates: readonly T[]): T[] {
  const domains = ranks(candidates, (each) => each.domain, byText);
  const versions = ranks(candidates, (each) => each.currentVersion, compareVersions);
  // One number a node: comparing texts and versions for each of n log n comparisons would be most of the cost.
  const keyed = candidates.map((candidate) => ({
    candidate,
    rank:
      ((candidate.runsOperator ? 1 : 0) * domains.size + (domains.get(candidate.domain) ?? 0)) *
        versions.size +
      (versions.get(candidate.currentVersion) ?? 0),
  }));
  return keyed
    .toSorted((a, b) => a.rank - b.rank || byText(a.candidate.name, b.candidate.name))
    .map(({ candidate }) => candidate);
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function ranks<T>(
  items: readonly T[],
  valueOf: (item: T) => string,
  compare: (a: string, b: string) => number,
): Map<string, number> {
  const values = [...new Set(items.map(valueOf))].toSorted((a, b) => compare(a, b) || byText(a, b));
  return new Map(values.map((value, rank) => [value, rank]));
}
