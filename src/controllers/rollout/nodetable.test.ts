import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../api/core.ts';
import { AGENT_SERVICE_ACCOUNT, shadowName } from '../../api/names.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { KubeObject } from '../../runtime/kubernetes.ts';
import { Store, keyText } from '../../runtime/store.ts';
import type { IndexFunction } from '../../runtime/store.ts';
import { NodeTable } from './nodetable.ts';
import type { NodeFacts } from './snapshot.ts';

type Listener<T> = (key: string, old: T | undefined, object: T | undefined) => void;

/** A copy that changes when it is told to. */
class Copy<T extends KubeObject, I extends string = never> {
  readonly store: Store<T, I>;
  #listener: Listener<T> = () => undefined;

  constructor(indexes: Record<I, IndexFunction<T>>) {
    this.store = new Store(indexes);
  }

  readonly onChange = (listener: Listener<T>): (() => void) => {
    this.#listener = listener;
    return () => undefined;
  };

  set(key: string, object: T | undefined): void {
    this.#listener(key, this.store.set(key, object), object);
  }
}

const NAMESPACE = 'ns';

class Cluster {
  readonly namespace = NAMESPACE;
  readonly nodes = new Copy<Node>({});
  readonly shadows = new Copy<BottlerocketShadow>({});
  readonly pods = new Copy<Pod, 'node' | 'serviceAccount'>({
    node: ({ spec }) => [spec?.nodeName ?? ''],
    serviceAccount: ({ spec }) => [spec?.serviceAccountName ?? ''],
  });

  putNode(name: string, life: number, os = 'Bottlerocket OS 1.42.0 (aws)'): void {
    const nodeInfo = { bootID: 'b', osImage: os };
    this.nodes.set(name, { metadata: { name, uid: `${name}-${life}` }, status: { nodeInfo } });
  }

  /** The shadow of the node that lived as `life`. */
  putShadow(name: string, life: number): void {
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid: `${name}-${life}` };
    const metadata = { name: shadowName(name), namespace: NAMESPACE, uid: `shadow-${name}-${life}` };
    const shadow = { metadata: { ...metadata, ownerReferences: [owner] }, spec: { state: 'Idle' as const } };
    this.shadows.set(keyText(metadata), shadow);
  }

  dropShadow(name: string): void {
    this.shadows.set(keyText({ name: shadowName(name), namespace: NAMESPACE }), undefined);
  }

  putAgent(name: string): void {
    const metadata = { name: `agent-${name}`, namespace: NAMESPACE };
    const spec = { nodeName: name, serviceAccountName: AGENT_SERVICE_ACCOUNT, containers: [] };
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    this.pods.set(keyText(metadata), { metadata, spec, status });
  }
}

const followed = (cluster: Cluster): NodeTable => {
  const table = new NodeTable(cluster);
  table.follow();
  return table;
};

/** All but the place in the table. */
const contents = (rows: ReadonlyMap<string, NodeFacts>) =>
  Object.fromEntries([...rows].map(([name, facts]) => [name, { ...facts, row: 0 }]));

describe('the table of nodes', () => {
  it('keeps the same object for a node of which nothing changed', () => {
    const cluster = new Cluster();
    const table = followed(cluster);
    for (const name of ['a', 'b', 'c']) cluster.putNode(name, 1);
    const [a, b, c] = [...table.rows([]).values()];
    cluster.putShadow('a', 1);
    cluster.putAgent('b');
    const rows = table.rows([]);
    expect(rows.get('a')).not.toBe(a);
    expect(rows.get('b')).not.toBe(b);
    expect(rows.get('c')).toBe(c);
  });

  it('leaves out machines of another system', () => {
    const cluster = new Cluster();
    const table = followed(cluster);
    cluster.putNode('a', 1, 'Ubuntu 24.04');
    expect(table.rows([]).size).toBe(0);
  });

  it('after any changes holds what one made anew would, each node at a place of its own', () => {
    const step = fc.record({
      what: fc.constantFrom('node', 'otherSystem', 'noNode', 'shadow', 'noShadow', 'agent', 'look', 'look'),
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      life: fc.constantFrom(1, 2),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const cluster = new Cluster();
        const table = followed(cluster);
        const changes: Record<string, (name: string, life: number) => unknown> = {
          node: (name, life) => cluster.putNode(name, life),
          otherSystem: (name, life) => cluster.putNode(name, life, 'Ubuntu 24.04'),
          noNode: (name) => cluster.nodes.set(name, undefined),
          shadow: (name, life) => cluster.putShadow(name, life),
          noShadow: (name) => cluster.dropShadow(name),
          agent: (name) => cluster.putAgent(name),
          look: () => table.rows([]),
        };
        for (const { what, name, life } of steps) changes[what]?.(name, life);
        const rows = table.rows([]);
        expect(contents(rows)).toEqual(contents(new NodeTable(cluster).rows([])));
        const places = [...rows.values()].map(({ row }) => row);
        expect(new Set(places).size).toBe(rows.size);
        for (const name of ['a', 'b', 'c', 'd']) {
          for (const life of [1, 2]) {
            const uid = `shadow-${name}-${life}`;
            const owner = [...rows.values()].find(({ shadow }) => shadow?.metadata.uid === uid);
            expect(table.ofShadow(uid)).toBe(owner);
          }
        }
      }),
    );
  });
});
