import { describe, expect, it } from 'vitest';
import { Nodes, PodDisruptionBudgets } from '../../api/core.ts';
import { VirtualClock } from '../clock.ts';
import { SimCluster } from '../cluster/cluster.ts';
import { Actor } from './actor.ts';
import { Wants } from './wants.ts';

const setUp = () => {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  const wants = new Wants();
  cluster.add(Nodes, { metadata: { name: 'n1' } });
  const actor = new Actor('admin', { clock, cluster, wants });
  const node = () => cluster.peek(Nodes, { name: 'n1' });
  const uid = node()?.metadata.uid ?? '';
  /** Lets something of the actor come to its end. */
  const done = async <T>(work: Promise<T>): Promise<T> => {
    const [value] = await Promise.all([work, clock.advance(30_000)]);
    return value;
  };
  return { clock, cluster, wants, actor, node, uid, done };
};

describe('an actor', () => {
  it('is remembered by what it last wanted of each key, and by whether that changed anything', async () => {
    const { actor, wants, uid, done, node } = setUp();
    expect(await done(actor.cordon('n1', true))).toBe(true);
    expect(wants.of(uid, 'cordon')).toMatchObject({ actor: 'admin', value: true, found: false });
    expect(await done(actor.cordon('n1', true))).toBe(false);
    expect(wants.of(uid, 'cordon')).toMatchObject({ value: true, found: true });
    await done(actor.cordon('n1', false));
    await done(actor.label('n1', 'pool', 'blue'));
    expect(wants.all().map(({ key, value }) => [key, value])).toEqual([
      ['cordon', false],
      ['label/pool', 'blue'],
    ]);
    expect(node()?.spec?.unschedulable).toBeUndefined();
  });

  it('adds and removes its own taint and leaves those of others', async () => {
    const { actor, done, node } = setUp();
    const taints = () => node()?.spec?.taints?.map(({ key }) => key) ?? [];
    const before = taints();
    await done(actor.taint('n1', { key: 'example.test/dedicated', effect: 'NoSchedule' }));
    expect(taints()).toEqual([...before, 'example.test/dedicated']);
    await done(actor.taint('n1', { key: 'example.test/dedicated', effect: 'NoSchedule' }, false));
    expect(taints()).toEqual(before);
  });

  it('wants nothing of a node that is not there', async () => {
    const { actor, wants, done } = setUp();
    expect(await done(actor.cordon('n2', true))).toBe(false);
    expect(wants.all()).toEqual([]);
  });

  it('can put a spec back as it was, what it had not had taken away again', async () => {
    const { actor, cluster, done } = setUp();
    const key = { name: 'cart', namespace: 'default' };
    cluster.add(PodDisruptionBudgets, { metadata: key, spec: { maxUnavailable: 1 } });
    const change = { maxUnavailable: null, minAvailable: '100%' };
    const before = await done(actor.editSpec(PodDisruptionBudgets, key, change));
    expect(cluster.peek(PodDisruptionBudgets, key)?.spec).toEqual({ minAvailable: '100%' });
    await done(actor.editSpec(PodDisruptionBudgets, key, before ?? {}));
    expect(cluster.peek(PodDisruptionBudgets, key)?.spec).toEqual({ maxUnavailable: 1 });
  });
});
