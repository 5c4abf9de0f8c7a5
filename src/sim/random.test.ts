import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pick, randomInt, randomUuid, seededRandom } from './random.ts';

const draw = (random: () => number, count = 5): number[] => Array.from({ length: count }, () => random());

describe('seeded random numbers', () => {
  it('are decided by the seed', () => {
    expect(draw(seededRandom(7))).toEqual(draw(seededRandom('7')));
    expect(draw(seededRandom(7))).not.toEqual(draw(seededRandom(8)));
  });

  it('lie in [0, 1) and are spread evenly', () => {
    const random = seededRandom(1);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 100_000; i++) {
      const value = random();
      const bucket = Math.floor(value * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    expect(buckets).toHaveLength(10);
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it('of a fork depend on its name, not on what was drawn before', () => {
    const drained = seededRandom(3);
    draw(drained, 100);
    expect(draw(drained.fork('agent'))).toEqual(draw(seededRandom(3).fork('agent')));
    expect(draw(seededRandom(3).fork('agent'))).not.toEqual(draw(seededRandom(3).fork('host')));
  });

  it('pick among what there is', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.string(), { minLength: 1 }), (seed, values) => {
        expect(values).toContain(pick(seededRandom(seed), values));
        expect(randomInt(seededRandom(seed), values.length)).toBeLessThan(values.length);
      }),
    );
    expect(() => pick(seededRandom(0), [])).toThrow(RangeError);
  });

  it('make well-formed UUIDs that differ', () => {
    const random = seededRandom(2);
    const uuids = new Set(Array.from({ length: 1000 }, () => randomUuid(random)));
    expect(uuids.size).toBe(1000);
    for (const uuid of uuids) {
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });
});
