/** Writing and reading single objects. */
import { describe, expect, it } from 'vitest';
import { type ConfigMap, ConfigMaps, Nodes, Pods } from '../../../src/api/core.ts';
import type { KubeObject } from '../../../src/runtime/kubernetes.ts';
import { type ContractWorld, expectFailure, fresh, namespace, node, pod, Widgets } from '../world.ts';

const key = ({ metadata: { name, namespace: inNamespace = '' } }: KubeObject) => ({
  name,
  namespace: inNamespace,
});
const version = (object: KubeObject): number => Number(object.metadata.resourceVersion);

const taint = (taintKey: string) => ({ key: taintKey, effect: 'NoSchedule' });

export function objectSuite(world: () => ContractWorld): void {
  const configMap = async (data: Record<string, string> = { x: '1', y: '2' }): Promise<ConfigMap> =>
    world().port.create(ConfigMaps, { metadata: { name: 'a', namespace: await namespace(world()) }, data });

  describe('create', () => {
    it('gives the object a UID, a version and a time, and says what it is', async () => {
      const { port } = world();
      const inNamespace = await namespace(world());
      const created = await port.create(ConfigMaps, {
        metadata: { name: 'a', namespace: inNamespace },
        data: { x: '1' },
      });
      expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { x: '1' } });
      expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(Number(created.metadata.resourceVersion)).toBeGreaterThan(0);
      expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(created.metadata.generation).toBeUndefined();
      expect(await port.get(ConfigMaps, { name: 'a', namespace: inNamespace })).toEqual(created);
    });

    it('completes a generated name', async () => {
      const { port } = world();
      const metadata = { name: '', generateName: 'part-', namespace: await namespace(world()) };
      const [a, b] = [
        await port.create(ConfigMaps, { metadata }),
        await port.create(ConfigMaps, { metadata }),
      ];
      expect(a.metadata.name).toMatch(/^part-[a-z0-9]{5}$/);
      expect(b.metadata.name).not.toBe(a.metadata.name);
    });

    it('with dryRun checks and shows, and stores nothing', async () => {
      const { port } = world();
      const key = { name: 'dry', namespace: await namespace(world()) };
      const shown = await port.create(ConfigMaps, { metadata: key }, { dryRun: true });
      expect(shown.metadata.uid).toBeDefined();
      expect(shown.metadata.resourceVersion).toBeUndefined();
      await expectFailure(port.get(ConfigMaps, key), 'notFound');
      await expectFailure(
        port.create(ConfigMaps, { metadata: { ...key, name: 'No' } }, { dryRun: true }),
        'invalid',
      );
    });

    it('refuses a name that is taken, whatever the rest', async () => {
      const { port } = world();
      const metadata = { name: 'twice', namespace: await namespace(world()) };
      await port.create(ConfigMaps, { metadata });
      const error = await expectFailure(
        port.create(ConfigMaps, { metadata, data: { y: '2' } }),
        'alreadyExists',
      );
      expect([error.status, error.message]).toEqual([409, 'configmaps "twice" already exists']);
    });

    const wrong: [
      string,
      (inNamespace: string) => ConfigMap,
      { code: 'invalid' | 'notFound' | 'server'; status: number },
    ][] = [
      [
        'a name with capitals',
        (ns) => ({ metadata: { name: 'Bad', namespace: ns } }),
        { code: 'invalid', status: 422 },
      ],
      ['no name', (ns) => ({ metadata: { name: '', namespace: ns } }), { code: 'invalid', status: 422 }],
      [
        'a label that is none',
        (ns) => ({ metadata: { name: 'l', namespace: ns, labels: { a: 'b c' } } }),
        { code: 'invalid', status: 422 },
      ],
      [
        'a finalizer without a domain',
        (ns) => ({ metadata: { name: 'f', namespace: ns, finalizers: ['f'] } }),
        { code: 'invalid', status: 422 },
      ],
      [
        'a resourceVersion',
        (ns) => ({ metadata: { name: 'v', namespace: ns, resourceVersion: '7' } }),
        { code: 'server', status: 500 },
      ],
      [
        'a namespace that is not there',
        () => ({ metadata: { name: 'n', namespace: 'no-such-namespace' } }),
        { code: 'notFound', status: 404 },
      ],
    ];
    it.each(wrong)('refuses %s', async (_, object, { code, status }) => {
      const inNamespace = await namespace(world());
      const error = await expectFailure(world().port.create(ConfigMaps, object(inNamespace)), code);
      expect(error.status).toBe(status);
    });

    it('names the field that is wrong', async () => {
      const error = await expectFailure(world().port.create(Nodes, { metadata: { name: 'Bad' } }), 'invalid');
      expect(error.causes[0]).toMatchObject({ field: 'metadata.name', reason: 'FieldValueInvalid' });
    });

    it('of a node taints it as not ready', async () => {
      const created = await world().port.create(Nodes, { metadata: { name: fresh('node') } });
      expect(created.spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
    });
  });

  describe('get', () => {
    it('of what is not there says so', async () => {
      const error = await expectFailure(world().port.get(Nodes, { name: 'no-such-node' }), 'notFound');
      expect([error.status, error.message]).toEqual([404, 'nodes "no-such-node" not found']);
    });

    it('of a resource that is not there says so', async () => {
      const Nothings = { ...Widgets, plural: 'nothings' };
      await expectFailure(world().port.get(Nothings, { name: 'a', namespace: 'default' }), 'notFound');
      await expectFailure(world().port.list({ ...Widgets, version: 'v9' }), 'notFound');
    });
  });

  describe('patch', () => {
    it('merges maps, removes what is null and leaves the rest', async () => {
      const before = await configMap();
      const after = await world().port.patch(ConfigMaps, key(before), { data: { x: null, z: '3' } });
      expect(after.data).toEqual({ y: '2', z: '3' });
      expect(version(after)).toBeGreaterThan(version(before));
      expect(after.metadata.uid).toBe(before.metadata.uid);
    });

    it('replaces lists whole', async () => {
      const name = await node(world());
      await world().port.patch(Nodes, { name }, { spec: { taints: [taint('a'), taint('b')] } });
      const after = await world().port.patch(Nodes, { name }, { spec: { taints: [taint('c')] } });
      expect(after.spec?.taints).toEqual([taint('c')]);
      expect(
        (await world().port.patch(Nodes, { name }, { spec: { taints: [] } })).spec?.taints,
      ).toBeUndefined();
    });

    it('drops what is null inside the items of lists, too', async () => {
      const before = await world().port.create(Widgets, {
        metadata: { name: 'w', namespace: await namespace(world()) },
        spec: { size: 1 },
      });
      const steps = [{ id: 'a', note: null }, { id: 'b' }];
      const status = await world().port.patch(
        Widgets,
        key(before),
        { status: { steps } },
        { subresource: 'status' },
      );
      expect(status.status).toEqual({ steps: [{ id: 'a' }, { id: 'b' }] });
    });

    it('that changes nothing is no write', async () => {
      const before = await configMap();
      expect(await world().port.patch(ConfigMaps, key(before), { data: { x: '1' } })).toEqual(before);
    });

    it('with the right resourceVersion passes, with an old one conflicts', async () => {
      const { port } = world();
      const before = await configMap();
      const { resourceVersion } = before.metadata;
      await port.patch(ConfigMaps, key(before), { metadata: { resourceVersion }, data: { x: '9' } });
      const error = await expectFailure(
        port.patch(ConfigMaps, key(before), { metadata: { resourceVersion }, data: { x: '8' } }),
        'conflict',
      );
      expect(error.status).toBe(409);
      expect(error.message).toContain(
        'the object has been modified; please apply your changes to the latest version',
      );
      expect((await port.get(ConfigMaps, key(before))).data?.x).toBe('9');
    });

    it('with an old resourceVersion conflicts even when it would change nothing', async () => {
      const { port } = world();
      const before = await configMap();
      const { resourceVersion } = before.metadata;
      await port.patch(ConfigMaps, key(before), { data: { x: '9' } });
      await expectFailure(port.patch(ConfigMaps, key(before), { metadata: { resourceVersion } }), 'conflict');
    });

    it('with dryRun shows the outcome and stores nothing', async () => {
      const before = await configMap();
      const shown = await world().port.patch(ConfigMaps, key(before), { data: { x: '9' } }, { dryRun: true });
      expect(shown.data?.x).toBe('9');
      expect(await world().port.get(ConfigMaps, key(before))).toEqual(before);
    });

    it('cannot change what only the server writes', async () => {
      const before = await configMap();
      const changes = { creationTimestamp: '2020-01-01T00:00:00Z', generation: 9, selfLink: null };
      expect((await world().port.patch(ConfigMaps, key(before), { metadata: changes })).metadata).toEqual(
        before.metadata,
      );
    });

    it.each([
      ['another UID', { metadata: { uid: 'other' } }, 422],
      ['a deletion time', { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } }, 422],
      ['another name', { metadata: { name: 'b' } }, 400],
      ['no name', { metadata: { name: null } }, 400],
      ['another namespace', { metadata: { namespace: 'default' } }, 400],
      ['a label that is none', { metadata: { labels: { '-x/y': 'v' } } }, 422],
      ['data that is no map of texts', { data: { x: 5 } }, 422],
    ])('is refused with %s', async (_, body, status) => {
      const before = await configMap();
      const error = await expectFailure(world().port.patch(ConfigMaps, key(before), body), 'invalid');
      expect(error.status).toBe(status);
    });

    it('of what is not there says so', async () => {
      await expectFailure(world().port.patch(Nodes, { name: 'no-such-node' }, {}), 'notFound');
    });

    it('of a pod cannot move it', async () => {
      const inNamespace = await namespace(world());
      const { metadata } = await pod(world(), { namespace: inNamespace, nodeName: await node(world()) });
      const body = { spec: { nodeName: 'elsewhere' } };
      await expectFailure(
        world().port.patch(Pods, { name: metadata.name, namespace: inNamespace }, body),
        'invalid',
      );
    });
  });
}
