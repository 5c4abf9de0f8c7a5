/** The status subresource, generations, and schemas of custom resources. */
import { describe, expect, it } from 'vitest';
import { ConfigMaps, Nodes, Pods } from '../../../src/api/core.ts';
import { type ContractWorld, expectFailure, namespace, node, pod, type Widget, Widgets } from '../world.ts';

const key = ({ metadata: { name, namespace: inNamespace = '' } }: Widget) => ({
  name,
  namespace: inNamespace,
});
const status = { subresource: 'status' } as const;

export function statusSuite(world: () => ContractWorld): void {
  const widget = async (spec: Widget['spec'] = { size: 1 }): Promise<Widget> =>
    world().port.create(Widgets, { metadata: { name: 'w', namespace: await namespace(world()) }, spec });

  describe('a custom resource', () => {
    it('is created without the status that was sent, at generation 1', async () => {
      const inNamespace = await namespace(world());
      const object = {
        metadata: { name: 'w', namespace: inNamespace },
        spec: { size: 1 },
        status: { phase: 'A' },
      };
      const created = await world().port.create(Widgets, object);
      expect(created.status).toBeUndefined();
      expect(created.metadata.generation).toBe(1);
    });

    it('counts changes of its spec, not those of metadata and status', async () => {
      const { port } = world();
      const created = await widget();
      const relabelled = await port.patch(Widgets, key(created), { metadata: { labels: { a: 'b' } } });
      expect(relabelled.metadata.generation).toBe(1);
      const reported = await port.patch(Widgets, key(created), { status: { phase: 'A' } }, status);
      expect(reported.metadata.generation).toBe(1);
      const resized = await port.patch(Widgets, key(created), { spec: { size: 2 } });
      expect(resized.metadata.generation).toBe(2);
      expect((await port.patch(Widgets, key(created), { spec: { size: 2 } })).metadata).toEqual(
        resized.metadata,
      );
    });

    it('keeps its status from a patch of the rest, and the rest from one of the status', async () => {
      const { port } = world();
      const created = await widget();
      await port.patch(Widgets, key(created), { status: { phase: 'A' } }, status);
      const main = await port.patch(Widgets, key(created), { spec: { size: 2 }, status: { phase: 'B' } });
      expect([main.spec?.size, main.status?.phase]).toEqual([2, 'A']);
      const metadata = {
        labels: { a: 'b' },
        annotations: { c: 'd' },
        finalizers: ['contract.brupop.test/f'],
      };
      const body = { metadata, spec: { size: 3 }, status: { phase: 'C' } };
      const reported = await port.patch(Widgets, key(created), body, status);
      expect([reported.spec?.size, reported.status?.phase]).toEqual([2, 'C']);
      expect([reported.metadata.labels, reported.metadata.finalizers]).toEqual([undefined, undefined]);
    });

    it('takes the resourceVersion as precondition of a status, but no UID', async () => {
      const { port } = world();
      const created = await widget();
      const { resourceVersion } = created.metadata;
      await port.patch(
        Widgets,
        key(created),
        { metadata: { resourceVersion }, status: { phase: 'A' } },
        status,
      );
      const late = { metadata: { resourceVersion }, status: { phase: 'B' } };
      await expectFailure(port.patch(Widgets, key(created), late, status), 'conflict');
      const stranger = { metadata: { uid: 'another' }, status: { phase: 'C' } };
      expect((await port.patch(Widgets, key(created), stranger, status)).status?.phase).toBe('C');
    });

    it('is defaulted and pruned by its schema', async () => {
      const created = await widget({ size: 1, unknown: 'x' } as Widget['spec']);
      expect(created.spec).toEqual({ size: 1, color: 'red' });
    });

    it.each([
      ['a value out of bounds', { size: -1 }, 'spec.size'],
      ['a value not in the list', { size: 1, color: 'green' }, 'spec.color'],
      ['a missing value', {}, 'spec.size'],
      ['a value of another type', { size: 'big' }, 'spec.size'],
    ])('is refused with %s', async (_, spec, field) => {
      const error = await expectFailure(widget(spec as unknown as Widget['spec']), 'invalid');
      expect([error.status, error.causes.map((cause) => cause.field)]).toEqual([422, [field]]);
    });

    it('is checked on patches, its status too', async () => {
      const { port } = world();
      const created = await widget();
      await expectFailure(port.patch(Widgets, key(created), { spec: { size: null } }), 'invalid');
      await expectFailure(port.patch(Widgets, key(created), { status: { phase: 5 } }, status), 'invalid');
    });

    it('may have a status that is null, or empties it', async () => {
      const { port } = world();
      const created = await widget();
      await port.patch(Widgets, key(created), { status: { phase: 'A' } }, status);
      expect((await port.patch(Widgets, key(created), { status: { phase: null } }, status)).status).toEqual(
        {},
      );
      expect((await port.patch(Widgets, key(created), { status: null }, status)).status).toBeUndefined();
    });

    it('cannot be patched without a precondition by removing it', async () => {
      const created = await widget();
      const body = { metadata: { resourceVersion: null }, spec: { size: 2 } };
      await expectFailure(world().port.patch(Widgets, key(created), body), 'invalid');
    });
  });

  describe('a built-in kind', () => {
    it('keeps status and spec of a node apart, but lets a status write its labels', async () => {
      const { port } = world();
      const name = await node(world());
      await port.patch(
        Nodes,
        { name },
        { status: { nodeInfo: { bootID: 'no' } }, spec: { unschedulable: true } },
      );
      const body = {
        metadata: { labels: { a: 'b' } },
        spec: { unschedulable: null },
        status: { nodeInfo: { bootID: 'yes', osImage: 'Bottlerocket OS 1.0.0' } },
      };
      const reported = await port.patch(Nodes, { name }, body, status);
      expect(reported.status?.nodeInfo).toMatchObject({ bootID: 'yes', osImage: 'Bottlerocket OS 1.0.0' });
      expect([reported.spec?.unschedulable, reported.metadata.labels?.a]).toEqual([true, 'b']);
      expect(
        (await port.patch(Nodes, { name }, { spec: { unschedulable: false } })).spec?.unschedulable,
      ).toBeUndefined();
    });

    it('lets a pod status not touch owners', async () => {
      const inNamespace = await namespace(world());
      const { metadata } = await pod(world(), { namespace: inNamespace, nodeName: await node(world()) });
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }];
      const body = { metadata: { ownerReferences }, status: { phase: 'Running' } };
      const reported = await world().port.patch(
        Pods,
        { name: metadata.name, namespace: inNamespace },
        body,
        status,
      );
      expect([reported.status?.phase, reported.metadata.ownerReferences]).toEqual(['Running', undefined]);
    });

    it('without a status has none to patch', async () => {
      const inNamespace = await namespace(world());
      await world().port.create(ConfigMaps, { metadata: { name: 'a', namespace: inNamespace } });
      await expectFailure(
        world().port.patch(ConfigMaps, { name: 'a', namespace: inNamespace }, {}, status),
        'notFound',
      );
    });

    it('takes an absent unschedulable for false in a selector', async () => {
      const name = await node(world());
      const find = async (value: boolean) => {
        const fieldSelector = `metadata.name=${name},spec.unschedulable=${value}`;
        return (await world().port.list(Nodes, { fieldSelector })).items.length;
      };
      expect([await find(false), await find(true)]).toEqual([1, 0]);
    });

    it('of two taints with one key and effect is refused', async () => {
      const name = await node(world());
      const taint = { key: 'a', effect: 'NoSchedule' };
      await expectFailure(
        world().port.patch(Nodes, { name }, { spec: { taints: [taint, taint] } }),
        'invalid',
      );
    });
  });
}
