/** Bottlerocket's rollout waves: when a release opens for a host's seed (update_metadata, `Update::is_ready`). */
import { parseRfc3339 } from '../../runtime/clock.ts';

/** Seeds are 0 to 2047; a wave's key is at most this. */
export const MAX_SEED = 2048;

/** Start seed of a wave to the time (RFC 3339) at which it begins. */
export type Waves = Readonly<Record<string, string>>;

interface Wave {
  key: number;
  atMs: number;
}

/** True when a host with `seed` may have the release at `now` (milliseconds since the epoch). */
export function isWaveOpen(waves: Waves, seed: number, now: number): boolean {
  const all = Object.entries(waves)
    .map(([key, at]): Wave => ({ key: Number(key), atMs: parseRfc3339(at) ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => a.key - b.key);
  const start = all.findLast((wave) => wave.key < seed);
  const end = all.find((wave) => wave.key >= seed && wave.key <= MAX_SEED);
  if (start === undefined) return true; // Seeds up to the first key are always ready, even before its time.
  if (end === undefined) return now >= start.atMs;
  if (now >= end.atMs) return true;
  if (now < start.atMs) return false;
  // Upstream multiplies by the seed itself, not by its offset in the wave: late waves open at their end.
  return now >= start.atMs + ((end.atMs - start.atMs) / (end.key - start.key)) * seed;
}
