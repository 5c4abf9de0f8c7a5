/** Lists: pages, selectors, versions. */
import { describe, expect, it } from 'vitest';
import { ConfigMaps, Namespaces, Nodes, Pods } from '../../../src/api/core.ts';
import type { KubeObject, KubernetesError, List, ListOptions } from '../../../src/runtime/kubernetes.ts';
import { type ContractWorld, expectFailure, namespace, node, pod, Widgets } from '../world.ts';

const names = (list: List<KubeObject>): string[] => list.items.map(({ metadata }) => metadata.name);

export function listSuite(world: () => ContractWorld): void {
  const filled = async (count: number): Promise<string> => {
    const inNamespace = await namespace(world());
    for (let index = 0; index < count; index++)
      await world().port.create(Widgets, {
        metadata: {
          name: `w${index}`,
          namespace: inNamespace,
          labels: { parity: index % 2 === 0 ? 'even' : 'odd' },
        },
        spec: { size: index },
      });
    return inNamespace;
  };

  describe('a list', () => {
    it('is in the order of names and has a version that a watch may begin at', async () => {
      const { port } = world();
      const inNamespace = await namespace(world());
      for (const name of ['b', 'a.b', 'a-b', 'a'])
        await port.create(ConfigMaps, { metadata: { name, namespace: inNamespace } });
      const list = await port.list(ConfigMaps, {
        namespace: inNamespace,
        fieldSelector: 'metadata.name!=kube-root-ca.crt',
      });
      expect(names(list)).toEqual(['a', 'a-b', 'a.b', 'b']);
      const versions = list.items.map(({ metadata }) => Number(metadata.resourceVersion));
      expect(Number(list.resourceVersion)).toBeGreaterThanOrEqual(Math.max(...versions));
      expect(list.continue).toBeUndefined();
    });

    it('of built-in kinds does not repeat what the items are, of custom ones it does', async () => {
      const inNamespace = await filled(1);
      const [widget] = (await world().port.list(Widgets, { namespace: inNamespace })).items;
      expect([widget?.apiVersion, widget?.kind]).toEqual(['contract.brupop.test/v1', 'Widget']);
      const [first] = (await world().port.list(Namespaces)).items;
      expect([first?.apiVersion, first?.kind]).toEqual([undefined, undefined]);
    });

    it('comes in pages of one and the same moment', async () => {
      const { port } = world();
      const inNamespace = await filled(5);
      const first = await port.list(Widgets, { namespace: inNamespace, limit: 2 });
      expect(names(first)).toEqual(['w0', 'w1']);
      await port.delete(Widgets, { name: 'w2', namespace: inNamespace });
      await port.patch(Widgets, { name: 'w3', namespace: inNamespace }, { spec: { size: 99 } });
      await port.create(Widgets, { metadata: { name: 'w25', namespace: inNamespace }, spec: { size: 0 } });
      const second = await port.list(Widgets, {
        namespace: inNamespace,
        limit: 2,
        continue: first.continue ?? '',
      });
      expect(names(second)).toEqual(['w2', 'w3']);
      expect(second.items[1]?.spec?.size).toBe(3);
      const third = await port.list(Widgets, {
        namespace: inNamespace,
        limit: 2,
        continue: second.continue ?? '',
      });
      expect([names(third), third.continue]).toEqual([['w4'], undefined]);
      expect(new Set([first, second, third].map(({ resourceVersion }) => resourceVersion)).size).toBe(1);
    });

    it('of exactly one page has no other', async () => {
      const inNamespace = await filled(2);
      expect(
        (await world().port.list(Widgets, { namespace: inNamespace, limit: 2 })).continue,
      ).toBeUndefined();
    });

    it('in pages counts what the selector lets through', async () => {
      const inNamespace = await filled(6);
      const options = { namespace: inNamespace, labelSelector: 'parity=odd', limit: 2 };
      const first = await world().port.list(Widgets, options);
      const second = await world().port.list(Widgets, { ...options, continue: first.continue ?? '' });
      expect([names(first), names(second)]).toEqual([['w1', 'w3'], ['w5']]);
    });

    it('has another page after a full one as long as there is anything more, selected or not', async () => {
      const inNamespace = await filled(6);
      const options = { namespace: inNamespace, labelSelector: 'parity=even', limit: 3 };
      const first = await world().port.list(Widgets, options);
      expect(names(first)).toEqual(['w0', 'w2', 'w4']);
      const second = await world().port.list(Widgets, { ...options, continue: first.continue ?? '' });
      expect([first.continue, names(second), second.continue]).toEqual([expect.any(String), [], undefined]);
    });

    it('at resourceVersion 0 takes no notice of a limit', async () => {
      await filled(3);
      expect(
        (await world().port.list(Namespaces, { resourceVersion: '0', limit: 1 })).items.length,
      ).toBeGreaterThan(1);
    });

    it('of a future version is refused after a while', async () => {
      const error = await expectFailure(
        world().port.list(Namespaces, { resourceVersion: '99999999' }),
        'server',
      );
      expect([error.status, error.causes[0]?.reason]).toEqual([504, 'ResourceVersionTooLarge']);
    });

    it.each<[string, ListOptions]>([
      ['a label selector', { labelSelector: 'a in' }],
      ['a field selector', { fieldSelector: 'spec.size=1' }],
      ['a page token', { continue: 'nonsense', limit: 1 }],
    ])('with %s that cannot be read is refused', async (_, options) => {
      expect((await expectFailure(world().port.list(Widgets, options), 'invalid')).status).toBe(400);
    });

    it('goes on in its moment, as long as that is remembered', async () => {
      const { port, compact } = world();
      const inNamespace = await filled(3);
      const first = await port.list(Widgets, { namespace: inNamespace, limit: 2 });
      await port.delete(Widgets, { name: 'w2', namespace: inNamespace });
      const rest = { namespace: inNamespace, limit: 2, continue: first.continue ?? '' };
      expect(names(await port.list(Widgets, rest))).toEqual(['w2']);
      // A real server forgets after five minutes; nobody waits for that here.
      compact?.();
      const again = await port.list(Widgets, rest).then(
        () => 'remembered',
        (error: KubernetesError) => error.status,
      );
      expect(again).toBe(compact === undefined ? 'remembered' : 410);
    });
  });

  describe('a selector', () => {
    it.each([
      ['a=1', ['both', 'one']],
      ['a==1,b=2', ['both']],
      ['a!=1', ['none', 'two']],
      ['a', ['both', 'one']],
      ['!a', ['none', 'two']],
      ['a in (1,3)', ['both', 'one']],
      ['b notin (2)', ['none', 'one']],
      ['b in (2), a', ['both']],
    ])('by labels: %s', async (labelSelector, expected) => {
      const { port } = world();
      const inNamespace = await namespace(world());
      const labelled = { none: {}, one: { a: '1' }, two: { b: '2' }, both: { a: '1', b: '2' } };
      for (const [name, labels] of Object.entries(labelled))
        await port.create(Widgets, { metadata: { name, namespace: inNamespace, labels }, spec: { size: 1 } });
      expect(names(await port.list(Widgets, { namespace: inNamespace, labelSelector }))).toEqual(expected);
    });

    it('by fields of pods: node, phase, name, namespace', async () => {
      const { port } = world();
      const inNamespace = await namespace(world());
      const nodeName = await node(world());
      const make = (name: string, wish: object) => pod(world(), { namespace: inNamespace, name, ...wish });
      await make('a', { nodeName, phase: 'Running' });
      await make('b', { nodeName, phase: 'Succeeded' });
      await make('c', {});
      const find = async (fieldSelector: string) =>
        names(await port.list(Pods, { namespace: inNamespace, fieldSelector }));
      expect(await find(`spec.nodeName=${nodeName}`)).toEqual(['a', 'b']);
      expect(await find(`spec.nodeName=${nodeName},status.phase!=Succeeded`)).toEqual(['a']);
      expect(await find('spec.nodeName=')).toEqual(['c']);
      expect(await find('metadata.name=b')).toEqual(['b']);
      const everywhere = await port.list(Pods, { fieldSelector: `metadata.namespace=${inNamespace}` });
      expect(names(everywhere)).toEqual(['a', 'b', 'c']);
    });

    it('by the name of a node', async () => {
      const name = await node(world());
      await node(world());
      expect(names(await world().port.list(Nodes, { fieldSelector: `metadata.name=${name}` }))).toEqual([
        name,
      ]);
    });
  });
}
