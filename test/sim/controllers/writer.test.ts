import { describe, expect, it } from 'vitest';
import { ConfigMaps } from '../../../src/api/core.ts';
import type { ConfigMap } from '../../../src/api/core.ts';
import { Writer } from '../../../src/controllers/kube/writer.ts';
import { KubernetesError } from '../../../src/runtime/kubernetes.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { Reflector } from '../../../src/runtime/reflector.ts';
import type { Fault } from '../../../src/sim/cluster/call.ts';
import { SimCluster } from '../../../src/sim/cluster/cluster.ts';
import { VirtualClock } from '../../../src/sim/clock.ts';

const KEY = { namespace: 'default', name: 'a' };

/** A writer over a reflector, and the object `a` both know. */
async function world() {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  cluster.add(ConfigMaps, { metadata: KEY, data: { x: '0' } });
  const client = cluster.client('writer');
  const shared = { port: client, clock, random: () => 0.5, logger: silentLogger };
  const reflector = new Reflector<ConfigMap>({ ...shared, resource: ConfigMaps });
  void reflector.run(new AbortController().signal);
  let readied = 0;
  const writer = new Writer({
    ...shared,
    resource: ConfigMaps,
    copy: reflector,
    onReady: () => {
      readied++;
    },
  });
  await clock.advance(100);
  const version = (): string => reflector.store.get(KEY)?.metadata.resourceVersion ?? '';
  return {
    clock,
    cluster,
    client,
    reflector,
    writer,
    readied: () => readied,
    /** A patch that carries the version of the copy, or of `basis`. */
    patch: (x: string, basis = version()) =>
      writer.patch(KEY, { metadata: { resourceVersion: basis }, data: { x } }),
    version,
    stored: () => cluster.peek(ConfigMaps, KEY)?.data?.x,
  };
}

describe('after a write', () => {
  it('the object is ready once the copy shows it', async () => {
    const { clock, writer, patch } = await world();
    const patched = patch('1');
    await clock.advance(1);
    expect(writer.ready(KEY)).toBe(true);
    await clock.runUntil(() => !writer.ready(KEY), 100);
    expect(writer.holding.size).toBe(1);
    await clock.advance(100);
    await patched;
    expect(writer.ready(KEY)).toBe(true);
    expect(writer.holding.size).toBe(0);
  });

  it('that lost against another, it is ready once the copy shows the other', async () => {
    const { clock, cluster, writer, patch, version, stored } = await world();
    const old = version();
    const other = cluster.client('other').patch(ConfigMaps, KEY, { data: { x: 'theirs' } });
    await clock.advance(100);
    await other;
    const patched = patch('ours', old);
    await clock.advance(2);
    expect(await patched).toBeUndefined();
    expect(writer.ready(KEY)).toBe(true);
    expect(stored()).toBe('theirs');
  });
});

describe('a write of unknown outcome', () => {
  it.each<[string, Fault, string]>([
    ['that happened', { loseResponse: true }, '1'],
    ['that did not happen', { loseRequest: true }, '0'],
    ['that the server failed', { error: new KubernetesError('server', 'away', { status: 500 }) }, '0'],
  ])('%s is looked up before anything is decided', async (_name, fault, stored) => {
    const world_ = await world();
    const { clock, client, writer, patch } = world_;
    client.faults = ({ verb }) => (verb === 'patch' ? fault : undefined);
    const patched = patch('1');
    await clock.advance(10);
    expect(await patched).toBeUndefined();
    expect(writer.ready(KEY)).toBe(false);
    await clock.advance(1_000);
    expect(writer.ready(KEY)).toBe(false);
    const lookedUp = writer.lookUpDoubtful();
    await clock.advance(100);
    await lookedUp;
    expect(world_.readied()).toBe(1);
    expect(writer.ready(KEY)).toBe(true);
    expect(world_.stored()).toBe(stored);
  });

  it('stays open while the look-up fails, and is asked again less and less often', async () => {
    const { clock, client, writer, patch } = await world();
    client.faults = ({ verb }) => (verb === 'patch' || verb === 'get' ? { loseResponse: true } : undefined);
    const patched = patch('1');
    await clock.advance(10);
    await patched;
    for (let i = 0; i < 3; i++) {
      const lookedUp = writer.lookUpDoubtful();
      await clock.advance(10);
      await lookedUp;
    }
    expect(writer.ready(KEY)).toBe(false);
    expect(writer.nextDueMs).toBeGreaterThan(clock.monotonic());
  });
});

describe('a refusal', () => {
  it('is tried again after a while', async () => {
    const { clock, client, writer, patch } = await world();
    const refusal = new KubernetesError('throttled', 'slow down', { status: 429, retryAfterMs: 3_000 });
    client.faults = ({ verb }) => (verb === 'patch' ? { error: refusal } : undefined);
    const patched = patch('1');
    await clock.advance(10);
    await patched;
    expect(writer.ready(KEY)).toBe(false);
    await clock.advance(2_900);
    expect(writer.ready(KEY)).toBe(false);
    await clock.advance(200);
    expect(writer.ready(KEY)).toBe(true);
  });

  it('for want of the lease is passed on', async () => {
    const { clock, client, patch } = await world();
    client.faults = ({ verb }) =>
      verb === 'patch' ? { error: new KubernetesError('fenced', 'no lease') } : undefined;
    const patched = patch('1').catch((error: unknown) => error);
    await clock.advance(10);
    expect(await patched).toMatchObject({ code: 'fenced' });
  });
});

describe('a deleted object', () => {
  it('is ready once the copy shows that it is gone', async () => {
    const { clock, writer, reflector } = await world();
    const uid = reflector.store.get(KEY)?.metadata.uid ?? '';
    const deleted = writer.delete(KEY, { uid });
    await clock.runUntil(() => !writer.ready(KEY), 100);
    await clock.advance(100);
    expect(await deleted).toBe(true);
    expect(reflector.store.get(KEY)).toBeUndefined();
    expect(writer.ready(KEY)).toBe(true);
  });
});
