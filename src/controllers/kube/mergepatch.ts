/** JSON merge patches (RFC 7386) made from what is and what is to be. */

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deep equality of JSON values; a key that is undefined is absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  for (const key in a) if (!sameJson(a[key], b[key])) return false;
  for (const key in b) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}

/**
 * The merge patch that turns `from` into `to`: what is the same is left out, what is gone becomes null, lists are
 * replaced whole. null counts as absent on both sides. Undefined when nothing differs.
 */
export function mergePatch(from: object | undefined, to: object): Record<string, unknown> | undefined {
  const before = (from ?? {}) as Record<string, unknown>;
  const after = to as Record<string, unknown>;
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const change = changeOf(before[key] ?? undefined, after[key] ?? undefined);
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** What a patch says about one key; undefined = nothing. */
function changeOf(before: unknown, after: unknown): unknown {
  if (after === undefined) return before === undefined ? undefined : null;
  if (isObject(before) && isObject(after)) return mergePatch(before, after);
  return sameJson(before, after) ? undefined : after;
}
