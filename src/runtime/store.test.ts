import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from './kubernetes.ts';
import { keyText, parseKey, Store } from './store.ts';

interface Pod extends KubeObject {
  nodes: string[];
}
const pod = (name: string, ...nodes: string[]): Pod => ({ metadata: { name }, nodes });
const names = (pods: Pod[]): string[] => pods.map(({ metadata }) => metadata.name);
const empty = (): Store<Pod, 'node'> => new Store<Pod, 'node'>({ node: (object) => object.nodes });

describe('keys', () => {
  test.each([{ name: 'a' }, { name: 'a', namespace: 'b' }])('%j survives being text', (key) => {
    expect(parseKey(keyText(key))).toEqual(key);
  });

  test('a namespaced name is namespace/name', () => {
    expect(keyText({ name: 'a', namespace: 'b' })).toBe('b/a');
  });
});

describe('store', () => {
  test('objects are found by key and by index', () => {
    const store = empty();
    store.set('a', pod('a', 'n1'));
    store.set('b', pod('b', 'n1', 'n2'));
    expect(store.get({ name: 'a' })?.nodes).toEqual(['n1']);
    expect(names(store.byIndex('node', 'n1'))).toEqual(['a', 'b']);
    expect(names(store.byIndex('node', 'n2'))).toEqual(['b']);
    expect(store.byIndex('node', 'n3')).toEqual([]);
  });

  test('the index follows every change', () => {
    const change = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      nodes: fc.option(fc.array(fc.constantFrom('n1', 'n2', 'n3')), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const store = empty();
        const model = new Map<string, string[]>();
        for (const { key, nodes } of changes) {
          store.set(key, nodes && pod(key, ...nodes));
          if (nodes === undefined) model.delete(key);
          else model.set(key, nodes);
        }
        expect(store.size).toBe(model.size);
        for (const node of ['n1', 'n2', 'n3']) {
          const expected = [...model].filter(([, nodes]) => nodes.includes(node)).map(([key]) => key);
          expect(names(store.byIndex('node', node)).toSorted()).toEqual(expected.toSorted());
        }
      }),
    );
  });

  test('an index function that throws changes nothing', () => {
    const store = new Store<Pod, 'node'>({
      node: (object) => {
        if (object.nodes.includes('bad')) throw new Error('bad');
        return object.nodes;
      },
    });
    store.set('a', pod('a', 'n1'));
    expect(() => store.set('a', pod('a', 'bad'))).toThrow('bad');
    expect(names(store.byIndex('node', 'n1'))).toEqual(['a']);
  });
});
