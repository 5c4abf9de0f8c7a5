import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import { Controller, type ControllerOptions, DONE, type Outcome } from './controller.ts';
import { TerminalError } from './errors.ts';
import { KubernetesError } from './kubernetes.ts';
import { silentLogger } from './log.ts';
import { PrometheusMetrics } from './prometheus.ts';

let clock: VirtualClock;
let metrics: PrometheusMetrics;
let stop: AbortController;
let reconciled: string[];
let controller: Controller;
let running: Promise<void>;

const start = async (
  reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>,
  options: Partial<ControllerOptions> = {},
): Promise<void> => {
  controller = new Controller({
    name: 'test',
    clock,
    random: () => 1,
    logger: silentLogger,
    metrics,
    reconcile: (key, signal) => {
      reconciled.push(`${clock.monotonic()} ${key}`);
      return reconcile(key, signal);
    },
    ...options,
  });
  running = controller.run(stop.signal);
  await clock.settle();
};

const enqueue = async (...keys: string[]): Promise<void> => {
  for (const key of keys) controller.enqueue(key);
  await clock.settle();
};

/** Fails with the errors one by one, then is done. */
const failing = (...errors: Error[]) => {
  return (): Promise<Outcome> => {
    const error = errors.shift();
    return error === undefined ? Promise.resolve(DONE) : Promise.reject(error);
  };
};

beforeEach(() => {
  clock = new VirtualClock();
  metrics = new PrometheusMetrics();
  stop = new AbortController();
  reconciled = [];
});

describe('outcomes', () => {
  test('done: not before something changes', async () => {
    await start(() => Promise.resolve(DONE));
    await enqueue('a');
    await clock.advance(3_600_000);
    expect(reconciled).toEqual(['0 a']);
  });

  test('requeue: again after the time asked for', async () => {
    await start(() => Promise.resolve({ requeueAfterMs: 1_000 }));
    await enqueue('a');
    await clock.advance(2_500);
    expect(reconciled).toEqual(['0 a', '1000 a', '2000 a']);
  });

  test('error: again with back-off, which a success ends', async () => {
    await start(failing(new Error('1'), new Error('2')));
    await enqueue('a');
    await clock.advance(60_000);
    expect(reconciled).toEqual(['0 a', '500 a', '1500 a']);
  });

  test('a throttled call is not repeated before the server wants it', async () => {
    await start(failing(new KubernetesError('throttled', 'slow down', { retryAfterMs: 30_000 })));
    await enqueue('a');
    await clock.advance(60_000);
    expect(reconciled).toEqual(['0 a', '30000 a']);
  });

  test('terminal error: not before something changes', async () => {
    await start(failing(new TerminalError('the spec is nonsense')));
    await enqueue('a');
    await clock.advance(3_600_000);
    expect(reconciled).toEqual(['0 a']);
    await enqueue('a');
    expect(reconciled).toHaveLength(2);
  });

  test('a failing key does not hold up the others', async () => {
    await start((key) => (key === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve(DONE)));
    await enqueue('bad', 'good');
    expect(reconciled).toEqual(['0 bad', '0 good']);
  });
});

describe('concurrency', () => {
  test('is bounded, and a key is never worked on twice at a time', async () => {
    const active: string[] = [];
    let most = 0;
    await start(
      async (key) => {
        expect(active).not.toContain(key);
        active.push(key);
        most = Math.max(most, active.length);
        await clock.sleep(100);
        active.splice(active.indexOf(key), 1);
        return DONE;
      },
      { concurrency: 3 },
    );
    await enqueue('a', 'b', 'c', 'd', 'e');
    await enqueue('a', 'b');
    await clock.advance(1_000);
    expect(most).toBe(3);
    expect(reconciled.filter((line) => line.endsWith(' a'))).toHaveLength(2);
  });
});

describe('shutdown', () => {
  test('finishes the step in hand and begins no other', async () => {
    let finished = 0;
    await start(async () => {
      await clock.sleep(100);
      finished += 1;
      return DONE;
    });
    await enqueue('a', 'b');
    stop.abort();
    await clock.advance(1_000);
    await running;
    expect([finished, reconciled]).toEqual([1, ['0 a']]);
  });

  test('tells the step in hand, and what breaks off counts as no error', async () => {
    await start((_, signal) => clock.sleep(60_000, signal).then(() => DONE));
    await enqueue('a');
    stop.abort();
    await running;
    expect((await metrics.scrape()).body).toContain('reconcile_errors_total{controller="test"} 0');
  });

  test('before the start nothing begins', async () => {
    stop.abort();
    await start(() => Promise.resolve(DONE));
    await enqueue('a');
    await running;
    expect(reconciled).toEqual([]);
  });
});

test('metrics tell duration and outcomes', async () => {
  await start(async () => {
    await clock.sleep(2_000);
    throw new Error('bad');
  });
  expect((await metrics.scrape()).body).toContain('reconcile_total{controller="test",outcome="error"} 0');
  await enqueue('a');
  await clock.advance(2_000);
  const { body } = await metrics.scrape();
  expect(body).toContain('reconcile_total{controller="test",outcome="error"} 1');
  expect(body).toContain('reconcile_errors_total{controller="test"} 1');
  expect(body).toContain('reconcile_duration_seconds_sum{controller="test"} 2');
});
