import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from './clock.ts';

describe('the virtual clock', () => {
  it('stands still until it is driven', async () => {
    const clock = new VirtualClock({ startMs: 1000 });
    let woken = false;
    void clock.sleep(10).then(() => (woken = true));
    await clock.settle();
    expect([clock.now(), clock.monotonic(), woken, clock.pending]).toEqual([1000, 0, false, 1]);
    await clock.advance(9);
    expect(woken).toBe(false);
    await clock.advance(1);
    expect([clock.now(), clock.monotonic(), woken, clock.pending]).toEqual([1010, 10, true, 0]);
  });

  it('fires timers in the order of instant, then of creation, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 }), async (delays) => {
        const clock = new VirtualClock();
        const fired: [number, number][] = [];
        delays.forEach(
          (ms, index) => void clock.sleep(ms).then(() => fired.push([clock.monotonic(), index])),
        );
        await clock.run(20);
        const expected = delays.map((ms, index): [number, number] => [ms, index]);
        expect(fired).toEqual(expected.toSorted(([a, i], [b, j]) => a - b || i - j));
      }),
      { numRuns: 50 },
    );
  });

  it('finishes all promise work of one timer before the next fires', async () => {
    const clock = new VirtualClock();
    const story: string[] = [];
    const actor = async (name: string): Promise<void> => {
      await clock.sleep(5);
      for (let turn = 0; turn < 100; turn++) await Promise.resolve();
      story.push(name);
    };
    void actor('first');
    void actor('second');
    await clock.advance(5);
    expect(story).toEqual(['first', 'second']);
  });

  it('lets a loop of sleeps that asks for no time go on', async () => {
    const clock = new VirtualClock();
    let turns = 0;
    const loop = async (): Promise<void> => {
      while (turns < 3) {
        await clock.sleep(0);
        turns++;
      }
    };
    void loop();
    await clock.advance(3);
    expect(turns).toBe(3);
  });

  it('ends a sleep with the reason of its signal', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const sleeping = clock.sleep(10, abort.signal);
    abort.abort(new Error('Enough'));
    await expect(sleeping).rejects.toThrow('Enough');
    await expect(clock.sleep(10, abort.signal)).rejects.toThrow('Enough');
    expect(clock.pending).toBe(0);
  });

  it('runs until a condition holds and says whether it does', async () => {
    const clock = new VirtualClock();
    let done = false;
    clock.after(30, () => (done = true));
    expect(await clock.runUntil(() => done, 20)).toBe(false);
    expect(clock.monotonic()).toBe(20);
    expect(await clock.runUntil(() => done, 20)).toBe(true);
    expect(clock.monotonic()).toBe(30);
  });

  it('keeps wall clocks apart from monotonic time', async () => {
    const clock = new VirtualClock({ startMs: 0 });
    const host = clock.skewed(-7000);
    await clock.advance(10_000);
    host.jump(1000);
    clock.jump(500);
    expect([clock.now(), clock.monotonic()]).toEqual([10_500, 10_000]);
    expect([host.now(), host.monotonic()]).toEqual([4500, 10_000]);
  });

  it('never wakes those who sleep on a halted view', async () => {
    const clock = new VirtualClock();
    const process = clock.skewed(0);
    const abort = new AbortController();
    let settled = 0;
    void process.sleep(5).then(() => settled++);
    process.sleep(50, abort.signal).catch(() => settled++);
    process.halt();
    await clock.advance(10);
    abort.abort();
    await clock.settle();
    expect(settled).toBe(0);
  });
});
