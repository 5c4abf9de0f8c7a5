/** Deleting: preconditions, finalizers, grace periods, owners, namespaces. */
import { describe, expect, it } from 'vitest';
import { type ConfigMap, ConfigMaps, Namespaces, Pods } from '../../../src/api/core.ts';
import type { KubeObject } from '../../../src/runtime/kubernetes.ts';
import {
  type ContractWorld,
  eventually,
  expectFailure,
  gone,
  namespace,
  node,
  pod,
  type Widget,
  Widgets,
} from '../world.ts';

const FINALIZER = 'contract.brupop.test/hold';

const key = ({ metadata: { name, namespace: inNamespace = '' } }: KubeObject) => ({
  name,
  namespace: inNamespace,
});

export function deletionSuite(world: () => ContractWorld): void {
  const widget = async (metadata: Partial<Widget['metadata']> = {}): Promise<Widget> =>
    world().port.create(Widgets, {
      metadata: { name: 'w', namespace: await namespace(world()), ...metadata },
      spec: { size: 1 },
    });
  const onNode = async (phase?: 'Running' | 'Succeeded') =>
    pod(world(), {
      namespace: await namespace(world()),
      nodeName: await node(world()),
      ...(phase !== undefined && { phase }),
    });

  /** Of a built-in kind: the garbage collector takes half a minute to learn of others. */
  const owner = async (name = 'owner', inNamespace?: string): Promise<ConfigMap> =>
    world().port.create(ConfigMaps, {
      metadata: { name, namespace: inNamespace ?? (await namespace(world())) },
    });
  const owned = async (
    by: ConfigMap,
    options: { name: string; uid?: string; blockOwnerDeletion?: boolean },
  ) =>
    world().port.create(ConfigMaps, {
      metadata: {
        name: options.name,
        namespace: by.metadata.namespace ?? '',
        ownerReferences: [
          {
            apiVersion: by.apiVersion ?? '',
            kind: by.kind ?? '',
            name: by.metadata.name,
            uid: options.uid ?? by.metadata.uid ?? '',
            ...(options.blockOwnerDeletion === true && { blockOwnerDeletion: true }),
          },
        ],
      },
    });

  describe('a delete', () => {
    it('removes the object, and finds nothing the second time', async () => {
      const object = await widget();
      await world().port.delete(Widgets, key(object));
      await expectFailure(world().port.get(Widgets, key(object)), 'notFound');
      await expectFailure(world().port.delete(Widgets, key(object)), 'notFound');
    });

    it.each([
      ['another UID', { uid: 'another' }, 'the UID in the precondition (another) does not match'],
      [
        'an old version',
        { resourceVersion: '1' },
        'the ResourceVersion in the precondition (1) does not match',
      ],
    ])('for %s is a conflict and does nothing', async (_, options, message) => {
      const object = await widget();
      const error = await expectFailure(world().port.delete(Widgets, key(object), options), 'conflict');
      expect(error.message).toContain(message);
      expect(await world().port.get(Widgets, key(object))).toEqual(object);
    });

    it('with the right preconditions passes', async () => {
      const object = await widget();
      const { uid = '', resourceVersion = '' } = object.metadata;
      await world().port.delete(Widgets, key(object), { uid, resourceVersion });
      await expectFailure(world().port.get(Widgets, key(object)), 'notFound');
    });
  });

  describe('a finalizer', () => {
    it('keeps a deleted object, marked and with a new generation, until it is taken off', async () => {
      const { port } = world();
      const object = await widget({ finalizers: [FINALIZER] });
      await port.delete(Widgets, key(object));
      const held = await port.get(Widgets, key(object));
      expect(held.metadata).toMatchObject({ generation: 2, finalizers: [FINALIZER] });
      expect(held.metadata.deletionTimestamp).toMatch(/Z$/);
      await port.delete(Widgets, key(object));
      expect((await port.get(Widgets, key(object))).metadata).toEqual(held.metadata);
      const released = await port.patch(Widgets, key(object), { metadata: { finalizers: null } });
      expect(released.metadata.finalizers).toBeUndefined();
      await expectFailure(port.get(Widgets, key(object)), 'notFound');
    });

    it('cannot be added to what is being deleted, all else can be changed', async () => {
      const { port } = world();
      const object = await widget({ finalizers: [FINALIZER] });
      await port.delete(Widgets, key(object));
      const more = { metadata: { finalizers: [FINALIZER, 'contract.brupop.test/more'] } };
      const error = await expectFailure(port.patch(Widgets, key(object), more), 'invalid');
      expect(error.message).toContain('no new finalizers can be added if the object is being deleted');
      expect((await port.patch(Widgets, key(object), { spec: { size: 2 } })).metadata.generation).toBe(3);
      const reported = await port.patch(
        Widgets,
        key(object),
        { status: { phase: 'A' } },
        { subresource: 'status' },
      );
      expect(reported.status?.phase).toBe('A');
      await port.patch(Widgets, key(object), { metadata: { finalizers: [] } });
      await gone(world(), Widgets, key(object));
    });

    it('of the way with dependents gives way to that of a later delete', async () => {
      const { port } = world();
      const object = await widget({ finalizers: [FINALIZER] });
      const finalizersAfter = async (propagationPolicy?: 'Foreground' | 'Background') => {
        await port.delete(Widgets, key(object), {
          ...(propagationPolicy !== undefined && { propagationPolicy }),
        });
        return (await port.get(Widgets, key(object))).metadata.finalizers;
      };
      expect(await finalizersAfter('Foreground')).toContain('foregroundDeletion');
      expect(await finalizersAfter('Background')).toEqual([FINALIZER]);
    });

    it('taken off before the delete keeps nothing', async () => {
      const object = await widget({ finalizers: [FINALIZER] });
      await world().port.patch(Widgets, key(object), { metadata: { finalizers: null } });
      expect((await world().port.get(Widgets, key(object))).metadata.deletionTimestamp).toBeUndefined();
    });
  });

  describe('a pod', () => {
    it('on a node is marked and left to its kubelet, which ends it with grace period 0', async () => {
      const { port } = world();
      const object = await onNode('Running');
      await port.delete(Pods, key(object));
      const marked = (await port.get(Pods, key(object))).metadata as { deletionGracePeriodSeconds?: number };
      expect(marked).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
      await port.delete(Pods, key(object), { gracePeriodSeconds: 60 });
      expect((await port.get(Pods, key(object))).metadata).toEqual(marked);
      await port.delete(Pods, key(object), { gracePeriodSeconds: 0, uid: object.metadata.uid });
      await expectFailure(port.get(Pods, key(object)), 'notFound');
    });

    it('on a node may be given less time', async () => {
      const { port } = world();
      const object = await onNode('Running');
      await port.delete(Pods, key(object), { gracePeriodSeconds: 20 });
      await port.delete(Pods, key(object), { gracePeriodSeconds: 10 });
      const { metadata } = await port.get(Pods, key(object));
      expect((metadata as { deletionGracePeriodSeconds?: number }).deletionGracePeriodSeconds).toBe(10);
    });

    it('that has ended, or has no node, goes at once', async () => {
      const { port } = world();
      const ended = await onNode('Succeeded');
      await port.delete(Pods, key(ended));
      await expectFailure(port.get(Pods, key(ended)), 'notFound');
      const unbound = await pod(world(), { namespace: await namespace(world()) });
      await port.delete(Pods, key(unbound));
      await expectFailure(port.get(Pods, key(unbound)), 'notFound');
    });
  });

  describe('an owner', () => {
    it('takes its dependents with it, in the background', async () => {
      const first = await owner();
      const dependent = await owned(first, { name: 'dependent' });
      await world().port.delete(ConfigMaps, key(first));
      await gone(world(), ConfigMaps, key(dependent));
    });

    it('is known by its UID: a namesake does not count', async () => {
      const first = await owner();
      const dependent = await owned(first, {
        name: 'dependent',
        uid: '00000000-0000-4000-8000-000000000000',
      });
      await gone(world(), ConfigMaps, key(dependent));
      expect(await world().port.get(ConfigMaps, key(first))).toEqual(first);
    });

    it('of several must be the last', async () => {
      const { port } = world();
      const first = await owner();
      const other = await owner('other', first.metadata.namespace);
      const dependent = await owned(first, { name: 'dependent' });
      const references = [first, other].map(
        ({ apiVersion = '', kind = '', metadata: { name, uid = '' } }) => ({
          apiVersion,
          kind,
          name,
          uid,
        }),
      );
      await port.patch(ConfigMaps, key(dependent), { metadata: { ownerReferences: references } });
      await port.delete(ConfigMaps, key(first));
      const left = await eventually(world(), async () => {
        const { ownerReferences = [] } = (await port.get(ConfigMaps, key(dependent))).metadata;
        return ownerReferences.length === 1 ? ownerReferences : undefined;
      });
      expect(left.map(({ name }) => name)).toEqual(['other']);
      await port.delete(ConfigMaps, key(other));
      await gone(world(), ConfigMaps, key(dependent));
    });

    it('deleted in the foreground goes after those that block it', async () => {
      const { port } = world();
      const first = await owner();
      const dependent = await owned(first, { name: 'dependent', blockOwnerDeletion: true });
      await port.patch(ConfigMaps, key(dependent), { metadata: { finalizers: [FINALIZER] } });
      await port.delete(ConfigMaps, key(first), { propagationPolicy: 'Foreground' });
      await eventually(
        world(),
        async () => (await port.get(ConfigMaps, key(dependent))).metadata.deletionTimestamp,
      );
      expect((await port.get(ConfigMaps, key(first))).metadata.finalizers).toEqual(['foregroundDeletion']);
      await port.patch(ConfigMaps, key(dependent), { metadata: { finalizers: null } });
      await gone(world(), ConfigMaps, key(first));
    });

    it('that leaves orphans leaves them free', async () => {
      const { port } = world();
      const first = await owner();
      const dependent = await owned(first, { name: 'dependent' });
      // Only what the collector has seen as owned is set free.
      await world().clock.sleep(1000);
      await port.delete(ConfigMaps, key(first), { propagationPolicy: 'Orphan' });
      await gone(world(), ConfigMaps, key(first));
      expect((await port.get(ConfigMaps, key(dependent))).metadata.ownerReferences).toBeUndefined();
    });
  });

  describe('a namespace', () => {
    it('is terminating until what is in it is gone, and takes nothing new', async () => {
      const { port } = world();
      const object = await widget({ finalizers: [FINALIZER] });
      const inNamespace = object.metadata.namespace ?? '';
      await port.create(ConfigMaps, { metadata: { name: 'a', namespace: inNamespace } });
      await port.delete(Namespaces, { name: inNamespace });
      const terminating = await port.get(Namespaces, { name: inNamespace });
      expect(terminating.status?.phase).toBe('Terminating');
      expect(terminating.metadata.deletionTimestamp).toBeDefined();
      const refused = port.create(ConfigMaps, { metadata: { name: 'b', namespace: inNamespace } });
      const error = await expectFailure(refused, 'forbidden');
      expect(error.causes[0]?.reason).toBe('NamespaceTerminating');
      await gone(world(), ConfigMaps, { name: 'a', namespace: inNamespace });
      await eventually(
        world(),
        async () => (await port.get(Widgets, key(object))).metadata.deletionTimestamp,
      );
      await port.patch(Widgets, key(object), { metadata: { finalizers: null } });
      await gone(world(), Namespaces, { name: inNamespace });
    });
  });
}
