import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pods } from '../../api/core.ts';
import { VirtualClock } from '../clock.ts';
import { define } from './definition.ts';
import type { ApiObject } from './object.ts';
import { Store } from './store.ts';

/** A write to a node, or a removal. */
interface Step {
  name: string;
  node: string | undefined;
}

const steps = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    node: fc.option(fc.constantFrom('n1', 'n2', ''), { nil: undefined }),
  }),
  { maxLength: 40 },
);

/** A table after the steps, and what it held after each of them, kept the slow way. */
function play(written: Step[]) {
  const store = new Store(new VirtualClock(), 60_000);
  const table = store.define(define(Pods, { indexed: ['spec.nodeName'] }));
  const past = new Map<number, ApiObject[]>([[store.revision, []]]);
  for (const { name, node } of written) {
    const previous = table.get({ name });
    if (node !== undefined) store.put(table, { metadata: { name }, spec: { nodeName: node } }, previous);
    else if (previous !== undefined) store.remove(table, previous, previous);
    past.set(store.revision, table.all());
  }
  return { store, table, past };
}

const names = (objects: ApiObject[]): string[] => objects.map(({ metadata }) => metadata.name);

describe('a table', () => {
  it('remembers what it held at every revision', () => {
    fc.assert(
      fc.property(steps, (written) => {
        const { table, past } = play(written);
        for (const [revision, objects] of past) expect(table.at(revision)).toEqual(objects);
      }),
    );
  });

  it('finds by its index what a scan finds, in the order of names', () => {
    fc.assert(
      fc.property(steps, (written) => {
        const { table } = play(written);
        for (const node of ['n1', 'n2', '']) {
          const scanned = table.all().filter(({ spec }) => (spec as { nodeName: string }).nodeName === node);
          expect(names(table.having('spec.nodeName', node))).toEqual(names(scanned));
          expect(table.countHaving('spec.nodeName', node)).toBe(scanned.length);
        }
        expect(names(table.all())).toEqual(names(table.all()).toSorted());
      }),
    );
  });

  it('tells every change after a revision once, and nothing of what it has forgotten', () => {
    fc.assert(
      fc.property(steps, (written) => {
        const { store, table, past } = play(written);
        const [first] = past.keys();
        const revisions = table.since(first ?? 0)?.map(({ revision }) => revision);
        expect(revisions).toEqual([...past.keys()].slice(1));
        store.compact();
        expect(table.since(store.revision)).toEqual([]);
        if (past.size > 1)
          expect([table.since(first ?? 0), table.at(first ?? 0)]).toEqual([undefined, undefined]);
      }),
    );
  });
});
