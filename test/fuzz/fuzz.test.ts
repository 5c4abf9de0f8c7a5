/**
 * Inputs from outside, right and wrong: nothing crashes, nothing runs away, nothing illegal is accepted. A failure
 * shows the smallest input found and its seed; `npm run fuzz -- --seed S --only 'NAME'` plays it again.
 */
import { describe, expect, it } from 'vitest';
import { TARGETS } from './targets.ts';

const SEED = 1;
const WANTED_INPUTS = 100_000;

describe('whatever comes in:', () => {
  it.each(TARGETS)('$name', async ({ share, run }) => {
    await run(share, SEED);
  });

  it('comes in a hundred thousand ways', () => {
    expect(TARGETS.reduce((sum, { share }) => sum + share, 0)).toBeGreaterThanOrEqual(WANTED_INPUTS);
  });
});
