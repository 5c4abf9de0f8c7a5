import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Nodes } from '../../api/core.ts';
import { VirtualClock } from '../clock.ts';
import { SimCluster } from '../cluster/cluster.ts';
import { InvariantMonitor } from './monitor.ts';
import { plainRule } from './rule.ts';
import { RULES } from './rules.ts';

const noCordon = plainRule({ name: 'noCordon', invariant: 4, of: ['node'] }, ({ after, by }) => {
  if (after === undefined) return undefined;
  return after.spec?.unschedulable === true ? `${after.metadata.name} was cordoned by ${by}` : '';
});
const neverQuiet = plainRule({ name: 'neverQuiet', invariant: 4, of: ['quiet'] }, () => 'it is quiet');

function begin() {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  const monitor = new InvariantMonitor({ cluster, rules: [noCordon, neverQuiet] });
  const stop = new AbortController();
  monitor.start(stop.signal);
  cluster.add(Nodes, { metadata: { name: 'n1' } });
  const cordon = (by: string, unschedulable = true): Promise<unknown> =>
    Promise.all([
      cluster.client(by).patch(Nodes, { name: 'n1' }, { spec: { unschedulable } }),
      clock.advance(1000),
    ]);
  return { clock, cluster, monitor, stop, cordon };
}

describe('the monitor', () => {
  it('judges every write, with who did it and when', async () => {
    const { monitor, cordon } = begin();
    await cordon('controller-1');
    expect(monitor.breaches).toEqual([
      { rule: 'noCordon', invariant: 4, message: 'n1 was cordoned by controller-1', atMs: 1 },
    ]);
    expect(Object.fromEntries(monitor.judged)).toEqual({ noCordon: 2, neverQuiet: 0 });
  });

  it('says the same thing once', async () => {
    const { monitor, cordon } = begin();
    await cordon('admin');
    await cordon('admin', false);
    await cordon('admin');
    expect(monitor.breaches).toHaveLength(1);
    expect(monitor.judged.get('noCordon')).toBe(4);
  });

  it('is told what is no write', () => {
    const { monitor } = begin();
    monitor.tell('quiet', {});
    expect(monitor.breaches.map(({ rule }) => rule)).toEqual(['neverQuiet']);
  });

  it('ends with its signal', async () => {
    const { monitor, cordon, stop } = begin();
    stop.abort();
    await cordon('admin');
    expect(monitor.breaches).toEqual([]);
  });
});

describe('the rules', () => {
  it('have names of their own, and cover every invariant', () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
    const invariants = [...new Set(RULES.map(({ invariant }) => invariant))].toSorted((a, b) => a - b);
    expect(invariants).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('are each broken on purpose by a test', () => {
    const folder = join(import.meta.dirname, 'rules');
    const tests = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
    const text = tests.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    const untested = RULES.filter(({ name }) => !new RegExp(`\\(${name}[),]|, ${name}, '`).test(text));
    expect(untested.map(({ name }) => name)).toEqual([]);
  });
});
