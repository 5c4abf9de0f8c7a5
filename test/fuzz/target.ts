/** One way in from outside, what comes through it, and what must hold whatever comes. */
import * as fc from 'fast-check';

export interface Target {
  /** What comes in. */
  name: string;
  /** How many inputs of a hundred thousand. */
  share: number;
  /** @throws Error with the smallest input that breaks what must hold, and the seed */
  run: (inputs: number, seed: number) => Promise<void>;
}

/** An input that takes longer has no bound: all of them together take a few seconds. */
const HANG_MS = 5_000;
/** The caches of what was read are bounded; so much is never held by what remains of the inputs. */
const MAX_HEAP_GROWTH_BYTES = 512 * 1024 * 1024;

export interface TargetOptions<T> {
  name: string;
  share: number;
  inputs: fc.Arbitrary<T>;
  /** @throws whatever, when something does not hold that must */
  check: (input: T) => void | Promise<void>;
}

export function target<T>({ name, share, inputs, check }: TargetOptions<T>): Target {
  const property = fc.asyncProperty(inputs, async (input) => {
    const startedAt = performance.now();
    await check(input);
    const tookMs = performance.now() - startedAt;
    if (tookMs > HANG_MS) throw new Error(`One input took ${Math.round(tookMs)} ms`);
  });
  return {
    name,
    share,
    run: async (numRuns, seed) => {
      const before = process.memoryUsage().heapUsed;
      await fc.assert(property, { numRuns, seed });
      const grownBytes = process.memoryUsage().heapUsed - before;
      if (grownBytes > MAX_HEAP_GROWTH_BYTES) throw new Error(`${name} left ${grownBytes} bytes behind`);
    },
  };
}

/** Runs `work`, which may throw what `allowed` says, and nothing else. @returns undefined when it threw */
export function attempt<T>(work: () => T, allowed: (error: unknown) => boolean): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!allowed(error)) throw error;
    return undefined;
  }
}

/** @throws Error saying what does not hold */
export function must(holds: boolean, what: string, facts: object = {}): asserts holds {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(facts)?.slice(0, 2_000)}`);
}
