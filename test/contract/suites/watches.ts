/** Watches. */
import { describe, expect, it } from 'vitest';
import { ConfigMaps, Nodes, Pods } from '../../../src/api/core.ts';
import type { WatchEvent } from '../../../src/runtime/kubernetes.ts';
import {
  collect,
  type ContractWorld,
  expectFailure,
  namespace,
  node,
  pod,
  told,
  type Widget,
  Widgets,
} from '../world.ts';

const isEvent = (event: WatchEvent<Widget>): boolean => event.type !== 'BOOKMARK';
const count = (wanted: number) => (events: WatchEvent<Widget>[]) => events.filter(isEvent).length >= wanted;

export function watchSuite(world: () => ContractWorld): void {
  const at = async (inNamespace: string): Promise<string> =>
    (await world().port.list(Widgets, { namespace: inNamespace })).resourceVersion;
  const add = (inNamespace: string, name: string, labels: Record<string, string> = {}): Promise<Widget> =>
    world().port.create(Widgets, { metadata: { name, namespace: inNamespace, labels }, spec: { size: 1 } });

  describe('a watch', () => {
    it('shows what happened since its version, in order, with versions that only grow', async () => {
      const { port } = world();
      const inNamespace = await namespace(world());
      const from = await at(inNamespace);
      await add(inNamespace, 'a');
      await port.patch(Widgets, { name: 'a', namespace: inNamespace }, { spec: { size: 2 } });
      await add(inNamespace, 'b');
      await port.delete(Widgets, { name: 'a', namespace: inNamespace });
      const events = await collect(
        world(),
        { resource: Widgets, from, selection: { namespace: inNamespace } },
        count(4),
      );
      expect(told(events.filter(isEvent))).toEqual(['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a']);
      const versions = events.map((event) =>
        Number(event.type === 'BOOKMARK' ? 0 : event.object.metadata.resourceVersion),
      );
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      expect(events.at(-1)).toMatchObject({ type: 'DELETED', object: { kind: 'Widget', spec: { size: 2 } } });
    });

    it('shows what was deleted at once as it was, and what was held as it was marked', async () => {
      const { port } = world();
      const inNamespace = await namespace(world());
      const from = await at(inNamespace);
      await add(inNamespace, 'a');
      await port.delete(Widgets, { name: 'a', namespace: inNamespace });
      await port.create(Widgets, {
        metadata: { name: 'b', namespace: inNamespace, finalizers: ['contract.brupop.test/hold'] },
        spec: { size: 1 },
      });
      const held = { name: 'b', namespace: inNamespace };
      await port.delete(Widgets, held);
      await port.patch(Widgets, held, { metadata: { finalizers: null } });
      const options = { resource: Widgets, from, selection: { namespace: inNamespace } };
      const events = await collect(world(), options, count(5));
      const deleted = events.flatMap((event) => (event.type === 'DELETED' ? [event.object.metadata] : []));
      expect(deleted.map(({ name, deletionTimestamp }) => [name, deletionTimestamp !== undefined])).toEqual([
        ['a', false],
        ['b', true],
      ]);
    });

    it('goes on from where another ended, without gap or repetition', async () => {
      const inNamespace = await namespace(world());
      const selection = { namespace: inNamespace };
      const from = await at(inNamespace);
      await add(inNamespace, 'a');
      const [first] = await collect(world(), { resource: Widgets, from, selection }, count(1));
      await add(inNamespace, 'b');
      const next = first?.type === 'ADDED' ? (first.object.metadata.resourceVersion ?? '') : '';
      const events = await collect(world(), { resource: Widgets, from: next, selection }, count(1));
      expect(told(events.filter(isEvent))).toEqual(['ADDED b']);
    });

    it('shows what happens while it is open, after it said that it is', async () => {
      const inNamespace = await namespace(world());
      const options = {
        resource: Widgets,
        from: await at(inNamespace),
        selection: { namespace: inNamespace },
      };
      let added: Promise<unknown> | undefined;
      const onOpen = (): void => void (added = add(inNamespace, 'late'));
      expect(told((await collect(world(), { ...options, onOpen }, count(1))).filter(isEvent))).toEqual([
        'ADDED late',
      ]);
      await added;
    });

    it('from version 0 begins with what is there', async () => {
      const inNamespace = await namespace(world());
      await add(inNamespace, 'a');
      await add(inNamespace, 'b');
      const events = await collect(
        world(),
        { resource: Widgets, from: '0', selection: { namespace: inNamespace } },
        count(2),
      );
      expect(told(events.filter(isEvent))).toEqual(['ADDED a', 'ADDED b']);
    });

    it('shows objects come and go as labels begin and cease to match', async () => {
      const { port } = world();
      const inNamespace = await namespace(world());
      const from = await at(inNamespace);
      await add(inNamespace, 'a', { k: '1' });
      const relabel = (k: string) =>
        port.patch(Widgets, { name: 'a', namespace: inNamespace }, { metadata: { labels: { k } } });
      await relabel('2');
      await relabel('3');
      const back = await relabel('1');
      await port.delete(Widgets, { name: 'a', namespace: inNamespace });
      const selection = { namespace: inNamespace, labelSelector: 'k=1' };
      const events = await collect(world(), { resource: Widgets, from, selection }, count(4));
      expect(told(events.filter(isEvent))).toEqual(['ADDED a', 'DELETED a', 'ADDED a', 'DELETED a']);
      const [, left, again] = events as { object: Widget }[];
      // What left is shown as it last matched, at the version of the write that took it away.
      expect(left?.object.metadata.labels).toEqual({ k: '1' });
      expect(Number(left?.object.metadata.resourceVersion)).toBeLessThan(
        Number(again?.object.metadata.resourceVersion),
      );
      expect(again?.object.metadata.resourceVersion).toBe(back.metadata.resourceVersion);
    });

    it('of the pods of one node, or of one object, shows no others', async () => {
      const inNamespace = await namespace(world());
      const nodes = [await node(world()), await node(world())];
      const from = (await world().port.list(Pods)).resourceVersion;
      for (const [index, nodeName] of nodes.entries())
        await pod(world(), { namespace: inNamespace, name: `p${index}`, nodeName });
      const onNode = { resource: Pods, from, selection: { fieldSelector: `spec.nodeName=${nodes[1]}` } };
      expect(told(await collect(world(), onNode, (events) => events.length > 0))).toEqual(['ADDED p1']);
      const named = { resource: Nodes, from: '0', selection: { fieldSelector: `metadata.name=${nodes[0]}` } };
      expect(told(await collect(world(), named, (events) => events.length > 0))).toEqual([
        `ADDED ${nodes[0]}`,
      ]);
    });

    it('ends quietly after its time, with a bookmark before', async () => {
      const inNamespace = await namespace(world());
      const from = await at(inNamespace);
      const options = { resource: Widgets, from, selection: { namespace: inNamespace }, timeoutSeconds: 5 };
      let added: Promise<Widget> | undefined;
      const onOpen = (): void => void (added = add(inNamespace, 'a'));
      const began = world().clock.monotonic();
      const events = await collect(world(), { ...options, onOpen }, () => false);
      const lasted = world().clock.monotonic() - began;
      expect(lasted).toBeGreaterThan(4_500);
      expect(lasted).toBeLessThan(8_000);
      expect(told(events).slice(0, 2)).toEqual(['ADDED a', 'BOOKMARK']);
      const bookmark = events.at(-1);
      const position = bookmark?.type === 'BOOKMARK' ? bookmark.resourceVersion : '';
      expect(Number(position)).toBeGreaterThanOrEqual(Number((await added)?.metadata.resourceVersion));
      await add(inNamespace, 'b');
      const rest = await collect(
        world(),
        { resource: Widgets, from: position, selection: { namespace: inNamespace } },
        count(1),
      );
      expect(told(rest)).toEqual(['ADDED b']);
    });

    it('ends quietly when its signal aborts, before it began or while it waits', async () => {
      const inNamespace = await namespace(world());
      const follow = async (signal: AbortSignal): Promise<string[]> => {
        const events: WatchEvent<Widget>[] = [];
        const resourceVersion = await at(inNamespace);
        for await (const event of world().port.watch(Widgets, {
          namespace: inNamespace,
          resourceVersion,
          signal,
        }))
          events.push(event);
        return told(events.filter(isEvent));
      };
      expect(await follow(AbortSignal.abort())).toEqual([]);
      const stop = new AbortController();
      const following = follow(stop.signal);
      await world().clock.sleep(500);
      await add(inNamespace, 'a');
      await world().clock.sleep(500);
      stop.abort();
      expect(await following).toEqual(['ADDED a']);
    });

    it('from a forgotten version is refused as expired', async () => {
      const options = { resource: Widgets, from: '1' };
      const error = await expectFailure(
        collect(world(), options, () => true),
        'expired',
      );
      expect(error.status).toBe(410);
      expect(error.message).toContain('too old resource version: 1');
    });

    it('from a version that is no number is refused', async () => {
      await expectFailure(
        collect(world(), { resource: ConfigMaps, from: 'x' }, () => true),
        'server',
      );
    });
  });
}
