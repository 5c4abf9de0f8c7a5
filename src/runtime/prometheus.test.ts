import { describe, expect, test } from 'vitest';
import { combinations, PrometheusMetrics } from './prometheus.ts';

const text = async (metrics: PrometheusMetrics): Promise<string> => (await metrics.scrape()).body;

describe('series', () => {
  test('all combinations exist from the start', async () => {
    const metrics = new PrometheusMetrics({ prefix: 'brupop_' });
    const labels = { kind: ['a', 'b'], result: ['ok', 'bad'] };
    metrics.counter({ name: 'things_total', help: 'Things.', labels });
    metrics.gauge({ name: 'level', help: 'Level.' });
    metrics.histogram({ name: 'time_seconds', help: 'Time.', labels: { kind: ['a'] }, buckets: [1] });
    const body = await text(metrics);
    for (const kind of labels.kind)
      for (const result of labels.result)
        expect(body).toContain(`brupop_things_total{kind="${kind}",result="${result}"} 0`);
    expect(body).toContain('brupop_level 0');
    expect(body).toContain('brupop_time_seconds_bucket{le="1",kind="a"} 0');
  });

  test('labels with unknown values make none', () => {
    expect(combinations({ name: 'x', help: '', labels: { open: [], known: ['a'] } })).toEqual([]);
    expect(combinations({ name: 'x', help: '' })).toEqual([{}]);
  });
});

describe('values', () => {
  test('counters add, gauges are set, removed and reset', async () => {
    const metrics = new PrometheusMetrics();
    const counter = metrics.counter({ name: 'a_total', help: 'A.' });
    counter.inc();
    counter.inc({}, 4);
    const gauge = metrics.gauge({ name: 'b', help: 'B.', labels: { state: ['Idle'] } });
    gauge.set(7, { state: 'Idle' });
    gauge.set(3, { state: 'Odd' });
    expect(await text(metrics)).toMatch(/a_total 5[^]*b{state="Idle"} 7[^]*b{state="Odd"} 3/);
    gauge.remove({ state: 'Odd' });
    expect(await text(metrics)).not.toContain('Odd');
    gauge.set(3, { state: 'Odd' });
    gauge.reset();
    expect(await text(metrics)).toContain('b{state="Idle"} 0');
    expect(await text(metrics)).not.toContain('Odd');
  });

  test('collected gauges are set at each scrape', async () => {
    const metrics = new PrometheusMetrics();
    let value = 1;
    metrics.gauge({ name: 'c', help: 'C.', collect: (gauge) => gauge.set(value) });
    expect(await text(metrics)).toContain('c 1');
    value = 2;
    expect(await text(metrics)).toContain('c 2');
  });
});

describe('declared twice', () => {
  test('the same metric is shared, with the series of both', async () => {
    const metrics = new PrometheusMetrics();
    const declare = (name: string) =>
      metrics.counter({ name: 'x_total', help: 'X.', labels: { by: [name] } });
    declare('a').inc({ by: 'a' });
    declare('b');
    expect(await text(metrics)).toMatch(/x_total{by="a"} 1\nx_total{by="b"} 0/);
  });

  test('another kind or other labels are refused', () => {
    const metrics = new PrometheusMetrics();
    metrics.counter({ name: 'x', help: 'X.', labels: { a: ['1'] } });
    expect(() => metrics.gauge({ name: 'x', help: 'X.', labels: { a: ['1'] } })).toThrow('declared twice');
    expect(() => metrics.counter({ name: 'x', help: 'X.' })).toThrow('declared twice');
  });
});

test('process metrics are there when asked for', async () => {
  expect(await text(new PrometheusMetrics({ processMetrics: true }))).toContain('process_cpu_seconds_total');
  expect(await text(new PrometheusMetrics())).not.toContain('process_cpu_seconds_total');
});
