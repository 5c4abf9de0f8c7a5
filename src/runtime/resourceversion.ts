/**
 * Resource versions as numbers. Kubernetes lets clients compare those of one resource type (KEP-5504): decimal
 * numbers without leading zeros, of any length.
 */
const DECIMAL = /^(0|[1-9]\d*)$/;

/** Negative when `a` is older than `b`, 0 when equal. @throws TypeError when one is no resource version. */
export function compareResourceVersions(a: string, b: string): number {
  if (!DECIMAL.test(a) || !DECIMAL.test(b))
    throw new TypeError(`Resource versions ${JSON.stringify(a)} and ${JSON.stringify(b)} cannot be compared`);
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
