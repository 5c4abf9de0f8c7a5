/** Metadata of objects, right and wrong. */
import * as fc from 'fast-check';
import type { KindName, Target } from '../call.ts';

const NAMES = ['a', 'b', 'c.d'] as const;

/** A value that is right most of the time. */
export const mostly = <T, U>(
  right: fc.Arbitrary<T>,
  wrong: fc.Arbitrary<U>,
  percent = 92,
): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: percent, arbitrary: right }, { weight: 100 - percent, arbitrary: wrong });

export const name = fc.constantFrom(...NAMES);

/** Few names, so that calls meet each other's objects. */
export const target = (kind: KindName): fc.Arbitrary<Target> => fc.record({ kind: fc.constant(kind), name });

const labelValue = mostly(
  fc.constantFrom('1', '2', ''),
  fc.constantFrom<unknown[]>('b c', 'x'.repeat(64), 5, {}),
  97,
);
const labelKey = mostly(
  fc.constantFrom('a', 'b', 'brupop.test/c'),
  fc.constantFrom('-a', 'a b', 'x/', 'A.b/c', 'x'.repeat(64)),
  97,
);

export const labels = fc.dictionary(labelKey, labelValue, { maxKeys: 3 });
const annotations = fc.dictionary(
  mostly(fc.constantFrom('note', 'brupop.test/Note', 'Brupop.Test/x'), fc.constantFrom('a b', '/x'), 97),
  mostly(fc.constantFrom('', 'x', '{"a": 1}'), fc.constant(1), 97),
  { maxKeys: 2 },
);
export const finalizers = fc.uniqueArray(
  mostly(
    fc.constantFrom('brupop.test/hold', 'brupop.test/more'),
    fc.constantFrom('hold', 'brupop.test/a b', 'kubernetes'),
    90,
  ),
  { maxLength: 2 },
);

const owner = fc.record({
  apiVersion: fc.constantFrom('v1', 'v1', 'v1', ''),
  kind: fc.constant('ConfigMap'),
  name: fc.constantFrom('a', 'b', 'gone', ''),
  uid: mostly(fc.constantFrom('$uid:configmaps/a', '$uid:configmaps/b'), fc.constantFrom('unknown', ''), 85),
});
const owners = fc.array(
  fc
    .tuple(
      owner,
      fc.constantFrom({}, {}, { controller: true }, { blockOwnerDeletion: true }, { controller: false }),
    )
    .map(([base, more]) => ({ ...base, ...more })),
  { maxLength: 2 },
);

/** Only what the server writes; a client may send it. */
const serverFields = fc.constantFrom<object[]>(
  { uid: 'mine' },
  { uid: '' },
  { creationTimestamp: '2020-01-01T00:00:00Z' },
  { deletionTimestamp: '2020-01-01T00:00:00Z' },
  { deletionGracePeriodSeconds: 5 },
  { resourceVersion: '7' },
  { resourceVersion: '' },
);

const sometimes = <T>(field: string, values: fc.Arbitrary<T>, percent: number): fc.Arbitrary<object> =>
  mostly(
    fc.constant({}),
    values.map((value) => ({ [field]: value })),
    100 - percent,
  );

const merged = (...parts: fc.Arbitrary<object>[]): fc.Arbitrary<object> =>
  fc.tuple(...parts).map((each) => Object.assign({}, ...each) as object);

/** Without the name, which the call knows. */
export const newMetadata = merged(
  sometimes('labels', labels, 50),
  sometimes('annotations', annotations, 20),
  sometimes('finalizers', finalizers, 25),
  sometimes('ownerReferences', owners, 20),
  mostly(fc.constant({}), serverFields, 96),
);

const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { freq: 4 });

/** A merge patch of metadata. */
export const metadataPatch = merged(
  sometimes('labels', orNull(fc.dictionary(labelKey, orNull(labelValue), { maxKeys: 2 })), 50),
  sometimes('annotations', orNull(annotations), 20),
  sometimes('finalizers', orNull(finalizers), 30),
  sometimes('ownerReferences', orNull(owners), 15),
  mostly(fc.constant({}), serverFields, 95),
  mostly(
    fc.constant({}),
    fc.constantFrom<object[]>({ name: 'other' }, { name: null }, { namespace: 'other' }, { name: '' }),
    98,
  ),
);

/** Of another kind; a status is taken whatever is around it. */
const otherKind = [{ kind: 'Other' }, { apiVersion: 'other/v9' }, { kind: null }, { apiVersion: null }];

/** Patches of what no patch may change, or of nothing. */
export const strangeStatus = fc.constantFrom<object[]>(
  {},
  { metadata: null },
  { metadata: {} },
  { spec: null },
  { status: null },
  { metadata: { labels: 'x' } },
  { metadata: { finalizers: {} } },
  { metadata: [] },
);

export const strangePatch = fc.oneof(fc.constantFrom<object[]>(...otherKind), strangeStatus);
