/**
 * Seeded random numbers (sfc32, seeded through splitmix32): the same seed gives the same numbers on every machine.
 * Not for secrets.
 */
import type { Random } from '../runtime/clock.ts';

/** A stream of random numbers that can give birth to independent ones. */
export interface SeededRandom extends Random {
  /**
   * A stream of its own, decided by the seed and `name` alone: drawing from one stream never changes another, so
   * that a new actor in a simulation leaves the numbers of the others as they were.
   */
  fork(name: string): SeededRandom;
}

/** @param seed any integer or text. */
export function seededRandom(seed: number | string): SeededRandom {
  const identity = String(seed);
  const next = sfc32(hash(identity));
  return Object.assign(next, {
    fork: (name: string): SeededRandom => seededRandom(`${identity}/${name}`),
  });
}

/** An integer in [0, below). */
export const randomInt = (random: Random, below: number): number => Math.floor(random() * below);

/** One of `values`. @throws RangeError when there is none. */
export function pick<T>(random: Random, values: readonly T[]): T {
  if (values.length === 0) throw new RangeError('Nothing to pick from');
  return values[randomInt(random, values.length)] as T;
}

/** A version 4 UUID. */
export function randomUuid(random: Random): string {
  const hex = (digits: number): string =>
    randomInt(random, 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const variant = (8 + randomInt(random, 4)).toString(16);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(6)}${hex(6)}`;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value ^= text.charCodeAt(i);
    value = Math.imul(value, 0x01000193);
  }
  return value >>> 0;
}

function sfc32(seed: number): Random {
  let state = seed;
  const splitmix = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let counter = 1;
  return () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    return (result >>> 0) / 2 ** 32;
  };
}
