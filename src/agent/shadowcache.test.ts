import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireShadow } from '../api/wire.ts';
import { ShadowCache } from './shadowcache.ts';

const shadow = (generation: number, seq: number, uid = 'u1'): WireShadow => ({
  metadata: { name: 'brs-n1', uid, generation },
  spec: { state: 'Idle' },
  status: { current_state: 'Idle', host: { seq, generation, uid, bootId: 'b' } },
});
function cacheOf(...shadows: WireShadow[]) {
  const seen = { news: 0 };
  const cache = new ShadowCache(() => (seen.news += 1));
  for (const each of shadows) cache.offer(each);
  seen.news = 0;
  return { cache, seen };
}

describe('what is taken', () => {
  it.each<[string, WireShadow, boolean]>([
    ['a higher generation', shadow(4, 7), true],
    ['the same again', shadow(3, 7), true],
    ['a later report', shadow(3, 8), true],
    ['an earlier report', shadow(3, 6), false],
    ['a lower generation', shadow(2, 9), false],
    ['another shadow', shadow(1, 0, 'u2'), true],
  ])('%s', (_what, offered, taken) => {
    const { cache } = cacheOf(shadow(3, 7));
    expect(cache.offer(offered)).toBe(taken);
    expect(cache.current === offered).toBe(taken);
  });

  it('read live, an earlier report is the truth, a lower generation is not', () => {
    const { cache } = cacheOf(shadow(3, 7));
    expect(cache.offer(shadow(3, 6), true)).toBe(true);
    expect(cache.offer(shadow(2, 9), true)).toBe(false);
  });

  it('late news of a shadow that has a successor are dropped', () => {
    const { cache } = cacheOf(shadow(3, 7), shadow(1, 0, 'u2'));
    expect(cache.offer(shadow(9, 9))).toBe(false);
    expect(cache.current?.metadata.uid).toBe('u2');
  });

  it('never goes back, in whatever order things arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(5))), (offers) => {
        const { cache } = cacheOf();
        let highest = 0;
        for (const [generation, seq] of offers) {
          cache.offer(shadow(generation, seq));
          highest = Math.max(highest, generation);
          expect(cache.current?.metadata.generation).toBe(highest);
        }
      }),
    );
  });
});

describe('news', () => {
  const report = {
    uid: 'u1',
    generation: 3,
    seq: 8,
    current_state: 'Idle',
    current_version: '1',
    target_version: null,
    host: { bootId: 'b' },
  } as const;

  it('are a report that was recorded, but not its echo', () => {
    const { cache, seen } = cacheOf(shadow(3, 7));
    cache.recorded(report);
    expect(cache.current?.status?.host?.seq).toBe(8);
    expect(seen.news).toBe(1);
    cache.offer(shadow(3, 8));
    expect(seen.news).toBe(1);
  });

  it('are the end of the shadow, once', () => {
    const { cache, seen } = cacheOf(shadow(3, 7));
    cache.gone();
    cache.gone();
    expect(seen.news).toBe(1);
    expect(cache.current).toBeUndefined();
  });

  it('are none when the shadow has moved on before the answer came', () => {
    const { cache, seen } = cacheOf(shadow(3, 9));
    cache.recorded(report);
    cache.recorded({ ...report, uid: 'u0' });
    expect(seen.news).toBe(0);
    expect(cache.current?.status?.host?.seq).toBe(9);
  });
});
