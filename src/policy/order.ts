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
  /**
   * When its last attempt was put back, by a closed window or a drain that was held, say; 0 when it was not. Such nodes come
   * after all others, the one that has waited longest first: else a node that can never be drained in the time there is
   * would be begun with each time, and the others never.
   */
  readonly putBackAtMs: number;
}

/**
 * Candidates in the order they are started: nodes that were put back last; nodes that run the operator's own pods after the
 * others; then by domain, oldest version first, name. Total and stable: the same nodes come in the same order whatever order they were given in.
 */
export const candidateOrder = <T extends OrderFacts>(candidates: readonly T[]): T[] =>
  candidateGroups(candidates).flatMap(byName);

/** The same, up to the name: groups in their order, so that only those whose turn comes need to be sorted (byName). */
export function candidateGroups<T extends OrderFacts>(candidates: readonly T[]): T[][] {
  const rounds = ranks(candidates, (each) => each.putBackAtMs, byNumber);
  const domains = ranks(candidates, (each) => each.domain, byText);
  const versions = ranks(candidates, (each) => each.currentVersion, compareVersions);
  // One number a node first: comparing domains and versions for each of n log n comparisons would be most of the cost.
  const groups = new Map<number, T[]>();
  for (const candidate of candidates) {
    const { putBackAtMs, runsOperator, domain, currentVersion } = candidate;
    const turn = 2 * (rounds.get(putBackAtMs) ?? 0) + Number(runsOperator);
    const place = turn * domains.size + (domains.get(domain) ?? 0);
    const rank = place * versions.size + (versions.get(currentVersion) ?? 0);
    const group = groups.get(rank);
    if (group === undefined) groups.set(rank, [candidate]);
    else group.push(candidate);
  }
  return [...groups].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

/** One of those groups in its order. */
export const byName = <T extends Pick<OrderFacts, 'name'>>(group: readonly T[]): T[] =>
  group.toSorted((a, b) => byText(a.name, b.name));

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const byNumber = (a: number, b: number): number => a - b;

function ranks<T, V extends string | number>(
  items: readonly T[],
  valueOf: (item: T) => V,
  compare: (a: V, b: V) => number,
): Map<V, number> {
  const values = new Set<V>();
  for (const item of items) values.add(valueOf(item));
  const ordered = [...values].toSorted((a, b) => compare(a, b) || byText(String(a), String(b)));
  return new Map(ordered.map((value, rank) => [value, rank]));
}
