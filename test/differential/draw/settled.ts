/** Stories in which controllers act: after each write the story waits until they have come to rest. */
import * as fc from 'fast-check';
import type { Call } from '../call.ts';
import { finalizers, name } from './metadata.ts';

const owner = fc
  .record({
    name: fc.constantFrom('a', 'b'),
    // Of another UID: a namesake that is long gone.
    isGone: fc.nat(4).map((chance) => chance === 0),
    blockOwnerDeletion: fc.boolean(),
  })
  .map(({ name: of, isGone, blockOwnerDeletion }) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: of,
    uid: isGone ? '00000000-0000-4000-8000-000000000000' : `$uid:configmaps/${of}`,
    ...(blockOwnerDeletion && { blockOwnerDeletion }),
  }));
const owners = fc.uniqueArray(owner, { maxLength: 2, selector: (each) => each.name });
const held = finalizers.map((each) => each.filter((finalizer) => finalizer.startsWith('brupop.test/hold')));

const owned: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(name, owners, held).map(([of, ownerReferences, kept]): Call => ({
      verb: 'create',
      on: { kind: 'configmaps', name: of },
      body: { metadata: { ownerReferences, finalizers: kept } },
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, fc.constantFrom('Background' as const, 'Foreground' as const, 'Orphan' as const))
      .map(([of, propagation]): Call => ({
        verb: 'delete',
        on: { kind: 'configmaps', name: of },
        propagation,
      })),
  },
  {
    weight: 2,
    arbitrary: name.map((of): Call => ({
      verb: 'patch',
      on: { kind: 'configmaps', name: of },
      body: { metadata: { finalizers: null } },
    })),
  },
);

const labels = fc.constantFrom({ a: '1' }, { a: '2' }, {});
const budgeted: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(name, labels).map(([of, each]): Call => ({
      verb: 'create',
      on: { kind: 'pods', name: of },
      body: {
        metadata: { labels: each },
        spec: { containers: [{ name: 'main', image: 'none' }], nodeName: 'n1' },
      },
    })),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(name, fc.constantFrom('True', 'True', 'True', 'False')).map(([of, ready]): Call => ({
      verb: 'patch',
      on: { kind: 'pods', name: of },
      body: { status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] } },
      status: true,
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom(0, 1, 2), fc.constantFrom('1', '2'))
      .map(([of, minAvailable, value]): Call => ({
        verb: 'create',
        on: { kind: 'budgets', name: of },
        body: { metadata: {}, spec: { minAvailable, selector: { matchLabels: { a: value } } } },
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('a', 'b')
      .map((of): Call => ({ verb: 'delete', on: { kind: 'budgets', name: of } })),
  },
  {
    weight: 5,
    arbitrary: name.map((of): Call => ({ verb: 'evict', name: of, uid: '$uid' })),
  },
  {
    weight: 1,
    arbitrary: name.map((of): Call => ({ verb: 'delete', on: { kind: 'pods', name: of }, graceSeconds: 0 })),
  },
);

/** Each write with its consequences. */
export const settledStories = (): fc.Arbitrary<Call[]> =>
  fc
    .oneof(
      fc.array(owned, { minLength: 1, maxLength: 9, size: 'max' }),
      fc.array(budgeted, { minLength: 1, maxLength: 14, size: 'max' }),
    )
    .map((calls) => calls.flatMap((call): Call[] => [call, { verb: 'settle' }]));
