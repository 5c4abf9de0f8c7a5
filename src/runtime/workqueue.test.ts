import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import { PrometheusMetrics } from './prometheus.ts';
import { WorkQueue } from './workqueue.ts';

let clock: VirtualClock;
let queue: WorkQueue;
let metrics: PrometheusMetrics;

beforeEach(() => {
  clock = new VirtualClock();
  metrics = new PrometheusMetrics();
  queue = new WorkQueue({ name: 'test', clock, random: () => 1, metrics });
});

/** Takes what is ready now. */
const ready = async (): Promise<string[]> => {
  const keys: string[] = [];
  while (queue.depth > 0) {
    const key = await queue.take();
    if (key !== undefined) keys.push(key);
  }
  return keys;
};

describe('a key', () => {
  test('is given out once, in the order of arrival', async () => {
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(await ready()).toEqual(['a', 'b', 'c']);
  });

  test('added while it is worked on comes again afterwards, once', async () => {
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await ready()).toEqual(['a']);
  });

  test('not added while it is worked on does not come again', async () => {
    queue.add('a');
    await queue.take();
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  test('goes to a worker that already waits, and to one only', async () => {
    const [first, second] = [queue.take(), queue.take()];
    queue.add('a');
    queue.add('a');
    queue.add('b');
    expect([await first, await second, queue.depth]).toEqual(['a', 'b', 0]);
  });
});

describe('later', () => {
  test('a key comes when its time has come', async () => {
    queue.addAfter('a', 1_000);
    queue.addAfter('b', 500);
    await clock.advance(499);
    expect(await ready()).toEqual([]);
    await clock.advance(1);
    expect(await ready()).toEqual(['b']);
    await clock.advance(500);
    expect(await ready()).toEqual(['a']);
  });

  test.each([
    [1_000, 200],
    [200, 1_000],
  ])('of two wishes, %i and %i ms, the earlier is kept', async (first, second) => {
    queue.addAfter('a', first);
    queue.addAfter('a', second);
    await clock.advance(200);
    expect(await ready()).toEqual(['a']);
    queue.done('a');
    await clock.advance(10_000);
    expect(await ready()).toEqual([]);
  });

  test('no wait is now', async () => {
    queue.addAfter('a', 0);
    expect(await ready()).toEqual(['a']);
  });

  test('thousands of keys need one timer', async () => {
    for (let key = 0; key < 5_000; key++) queue.addAfter(String(key), 60_000 - key);
    expect(clock.pending).toBe(1);
    await clock.advance(60_000);
    expect(await ready()).toHaveLength(5_000);
  });
});

describe('failures', () => {
  test('each in a row doubles the wait, up to the maximum', async () => {
    const waits = Array.from({ length: 12 }, () => queue.addFailed('a'));
    expect(waits).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000,
    ]);
    expect(queue.addFailed('b')).toBe(500);
    await clock.advance(500);
    expect(await ready()).toEqual(['a', 'b']);
  });

  test('forgetting starts over; the server may ask for more', () => {
    queue.addFailed('a');
    queue.forget('a');
    expect([queue.failures('a'), queue.addFailed('a', 7_000), queue.failures('a')]).toEqual([0, 7_000, 1]);
  });
});

describe('closing', () => {
  test('ends waiting workers, forgets keys and timers', async () => {
    const waiting = queue.take();
    queue.addAfter('a', 10);
    queue.close();
    queue.add('b');
    queue.addAfter('c', 10);
    await clock.advance(100);
    expect([await waiting, await queue.take(), queue.depth, clock.pending]).toEqual([
      undefined,
      undefined,
      0,
      0,
    ]);
  });

  test('lets work in hand end', async () => {
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.close();
    queue.done('a');
    expect(queue.depth).toBe(0);
  });
});

test('the depth is a metric from the start', async () => {
  expect((await metrics.scrape()).body).toContain('workqueue_depth{controller="test"} 0');
  queue.add('a');
  expect((await metrics.scrape()).body).toContain('workqueue_depth{controller="test"} 1');
});
