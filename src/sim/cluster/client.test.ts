import { describe, expect, it } from 'vitest';
import { ConfigMaps, type ConfigMap, Nodes } from '../../api/core.ts';
import { isKubernetesError, KubernetesError, type WatchEvent } from '../../runtime/kubernetes.ts';
import { VirtualClock } from '../clock.ts';
import { accessByRules, type Fault } from './call.ts';
import { SimCluster } from './cluster.ts';

const setUp = () => {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  return { clock, cluster };
};

const configMap = (name: string): ConfigMap => ({ metadata: { name, namespace: 'default' } });
const key = (name: string) => ({ name, namespace: 'default' });

/** How a promise stands: its value, its error, or that it is open. */
const outcome = async (
  clock: VirtualClock,
  promise: Promise<unknown>,
  withinMs: number,
): Promise<unknown> => {
  let result: unknown = 'open';
  promise.then(
    (value) => (result = value),
    (error: unknown) => (result = isKubernetesError(error) ? error.code : error),
  );
  await clock.advance(withinMs);
  return result;
};

describe('a client of the simulated cluster', () => {
  it('waits a millisecond each way', async () => {
    const { clock, cluster } = setUp();
    const created = cluster.client('test').create(ConfigMaps, configMap('a'));
    expect(await outcome(clock, created, 1)).toBe('open');
    expect(cluster.peek(ConfigMaps, key('a'))).toBeDefined();
    expect(await outcome(clock, created, 1)).toMatchObject({ metadata: { name: 'a' } });
  });

  const rows: [string, Fault, { seen: string; stored: boolean; afterMs: number }][] = [
    [
      'an error of the server',
      { error: new KubernetesError('server', 'Down') },
      { seen: 'server', stored: false, afterMs: 2 },
    ],
    ['a lost request', { loseRequest: true }, { seen: 'unknown', stored: false, afterMs: 2 }],
    ['a lost response', { loseResponse: true }, { seen: 'unknown', stored: true, afterMs: 2 }],
    [
      'a response that is too late',
      { responseDelayMs: 5000 },
      { seen: 'unknown', stored: true, afterMs: 4000 },
    ],
  ];
  it.each(rows)('tells %s', async (_, fault, { seen, stored, afterMs }) => {
    const { clock, cluster } = setUp();
    const client = cluster.client({ name: 'test', faults: () => fault });
    expect(await outcome(clock, client.create(ConfigMaps, configMap('a')), afterMs)).toBe(seen);
    expect(cluster.peek(ConfigMaps, key('a')) !== undefined).toBe(stored);
  });

  it('has given up on a write that the server carries out later', async () => {
    const { clock, cluster } = setUp();
    const client = cluster.client({ name: 'test', faults: () => ({ requestDelayMs: 10_000 }) });
    expect(await outcome(clock, client.create(ConfigMaps, configMap('a')), 4000)).toBe('unknown');
    expect(cluster.peek(ConfigMaps, key('a'))).toBeUndefined();
    await clock.advance(6001);
    expect(cluster.peek(ConfigMaps, key('a'))).toBeDefined();
  });

  it('hears nothing more once it has crashed, though what it sent arrives', async () => {
    const { clock, cluster } = setUp();
    const client = cluster.client('test');
    const created = client.create(ConfigMaps, configMap('a'));
    client.crash();
    expect(await outcome(clock, created, 60_000)).toBe('open');
    expect(await outcome(clock, client.get(ConfigMaps, key('a')), 60_000)).toBe('open');
    expect(cluster.peek(ConfigMaps, key('a'))).toBeDefined();
  });

  it('may do what its rules say and nothing else', async () => {
    const { clock, cluster } = setUp();
    cluster.add(Nodes, { metadata: { name: 'n1' } });
    const rule = { apiGroups: [''], resources: ['nodes'], verbs: ['get'], why: 'Reads nodes' } as const;
    const own = {
      apiGroups: [''],
      resources: ['configmaps'],
      verbs: ['create'],
      why: 'Keeps notes',
    } as const;
    const client = cluster.client({ name: 'test', access: accessByRules([rule], [own], 'default') });
    expect(await outcome(clock, client.get(Nodes, { name: 'n1' }), 2)).toMatchObject({ kind: 'Node' });
    expect(await outcome(clock, client.patch(Nodes, { name: 'n1' }, {}), 2)).toBe('forbidden');
    expect(await outcome(clock, client.create(ConfigMaps, configMap('a')), 2)).toMatchObject({
      kind: 'ConfigMap',
    });
    const elsewhere = { metadata: { name: 'a', namespace: 'kube-system' } };
    expect(await outcome(clock, client.create(ConfigMaps, elsewhere), 2)).toBe('forbidden');
  });

  it("knows how far the server's clock is from its own after an answer", async () => {
    const { clock, cluster } = setUp();
    const client = cluster.client({ name: 'test', clock: clock.skewed(-45_000) });
    expect(client.clockSkewMs()).toBeUndefined();
    await outcome(clock, client.list(Nodes), 2);
    expect(client.clockSkewMs()).toBe(45_000);
  });

  it('knows at once when its own clock jumps', async () => {
    const { clock, cluster } = setUp();
    const own = clock.skewed(0);
    const client = cluster.client({ name: 'test', clock: own });
    await outcome(clock, client.list(Nodes), 2);
    own.jump(3_600_000);
    expect(client.clockSkewMs()).toBe(-3_600_000);
  });
});

const follow = (cluster: SimCluster, fault: Fault = {}) => {
  const stop = new AbortController();
  const client = cluster.client({
    name: 'watcher',
    faults: ({ verb }) => (verb === 'watch' ? fault : undefined),
  });
  const seen: string[] = [];
  const tell = (event: WatchEvent<ConfigMap>): number =>
    seen.push(event.type === 'BOOKMARK' ? 'BOOKMARK' : `${event.type} ${event.object.metadata.name}`);
  const run = async (): Promise<void> => {
    try {
      const options = { resourceVersion: '0', namespace: 'default', signal: stop.signal };
      for await (const event of client.watch(ConfigMaps, options)) tell(event);
      seen.push('ended');
    } catch (error) {
      seen.push(isKubernetesError(error) ? error.code : String(error));
    }
  };
  void run();
  return { client, seen, stop };
};

describe('a watch of a simulated client', () => {
  it('delivers in order, a bookmark a minute, and ends when told to', async () => {
    const { clock, cluster } = setUp();
    const { seen, stop } = follow(cluster);
    await clock.advance(10);
    for (const name of ['a', 'b', 'c']) cluster.add(ConfigMaps, configMap(name));
    await clock.advance(60_000);
    expect(cluster.openWatches).toBe(1);
    stop.abort();
    await clock.advance(1);
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'ADDED c', 'BOOKMARK', 'ended']);
    expect(cluster.openWatches).toBe(0);
  });

  const rows: [string, Fault, string[]][] = [
    ['is cut', { cutAfterMs: 100 }, ['ADDED a', 'unknown']],
    [
      'is cut with an error',
      { cutAfterMs: 100, cutError: new KubernetesError('expired', 'Gone') },
      ['ADDED a', 'expired'],
    ],
    ['falls silent', { stallAfterMs: 100 }, ['ADDED a']],
    ['cannot be opened', { error: new KubernetesError('server', 'Down') }, ['server']],
  ];
  it.each(rows)('%s', async (_, fault, expected) => {
    const { clock, cluster } = setUp();
    const { seen } = follow(cluster, fault);
    await clock.advance(50);
    cluster.add(ConfigMaps, configMap('a'));
    await clock.advance(100);
    cluster.add(ConfigMaps, configMap('b'));
    await clock.advance(200_000);
    expect(seen).toEqual(expected);
  });

  it('can be cut from outside, and goes silent with its crashed owner', async () => {
    const { clock, cluster } = setUp();
    const cut = follow(cluster);
    const crashed = follow(cluster);
    await clock.advance(10);
    cut.client.cutWatches();
    crashed.client.crash();
    cluster.add(ConfigMaps, configMap('a'));
    await clock.advance(1000);
    expect([cut.seen, crashed.seen]).toEqual([['unknown'], []]);
    expect(cluster.openWatches).toBe(0);
  });
});

const run = async (seed: number): Promise<string> => {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock, seed });
  const actors = ['one', 'two'].map((name) => cluster.client(name));
  for (const actor of actors) void actor.create(ConfigMaps, configMap(actor.name));
  void actors[0]?.get(ConfigMaps, key('nothing')).catch(() => undefined);
  await clock.advance(10);
  return cluster.log.digest();
};

describe('the log of a simulated cluster', () => {
  it('is the same for the same seed and another for another', async () => {
    expect(await run(1)).toBe(await run(1));
    expect(await run(1)).not.toBe(await run(2));
  });
});
