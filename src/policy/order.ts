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
  // One number a node first: comparing domains and versions for each of n log n comparisons would be most of the cost.
  const buckets = new Map<number, T[]>();
  for (const candidate of candidates) {
    const { runsOperator, domain, currentVersion } = candidate;
    const group = (runsOperator ? domains.size : 0) + (domains.get(domain) ?? 0);
    const rank = group * versions.size + (versions.get(currentVersion) ?? 0);
    const bucket = buckets.get(rank);
    if (bucket === undefined) buckets.set(rank, [candidate]);
    else bucket.push(candidate);
  }
  return [...buckets.keys()]
    .toSorted((a, b) => a - b)
    .flatMap((rank) => (buckets.get(rank) ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function ranks<T>(
  items: readonly T[],
  valueOf: (item: T) => string,
  compare: (a: string, b: string) => number,
): Map<string, number> {
  const values = new Set<string>();
  for (const item of items) values.add(valueOf(item));
  const ordered = [...values].toSorted((a, b) => compare(a, b) || byText(a, b));
  return new Map(ordered.map((value, rank) => [value, rank]));
}
