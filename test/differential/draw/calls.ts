/** Sequences of calls. */
import * as fc from 'fast-check';
import type { Call, KindName } from '../call.ts';
import { BODIES } from './bodies.ts';
import { metadataPatch, mostly, name, newMetadata, strangePatch, strangeStatus, target } from './metadata.ts';

type Calls = fc.Arbitrary<Call>;

const LABEL_SELECTORS = [
  'a',
  '!a',
  'a=1',
  'a==1,b=2',
  'a!=1',
  'a in (1,3)',
  'b notin (2)',
  'brupop.test/c',
  'a in (1), !b',
  'a=',
  ' a = 1 ',
];
const WRONG_SELECTORS = ['a in', 'a=b c', '=1', 'a in ()', '-x', 'a,,b', 'a=1=2', '!a=1'];
const FIELD_SELECTORS: Partial<Record<KindName, string[]>> = {
  pods: [
    'spec.nodeName=n1',
    'spec.nodeName=',
    'status.phase!=Running',
    'status.phase=Pending,spec.nodeName=n2',
    'spec.restartPolicy=Always',
  ],
  nodes: ['spec.unschedulable=true', 'spec.unschedulable=false', 'metadata.name='],
  secrets: ['type=Opaque', 'type!=Opaque'],
  namespaces: ['status.phase=Active'],
};
const NAME_SELECTORS = [
  'metadata.name=a',
  'metadata.name!=a',
  'metadata.namespace=default',
  'metadata.name=a,metadata.name=b',
];
const WRONG_FIELDS = ['spec.x=1', 'metadata.name', 'metadata.name>a', 'metadata.uid=1'];

const optional = <T>(values: fc.Arbitrary<T>, percent: number): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { weight: percent, arbitrary: values },
    { weight: 100 - percent, arbitrary: fc.constant(undefined) },
  );

/** Leaves out what is undefined. */
const compact = <T extends object>(
  calls: fc.Arbitrary<{ [K in keyof T]: T[K] | undefined }>,
): fc.Arbitrary<T> =>
  calls.map(
    (call) => Object.fromEntries(Object.entries(call).filter(([, value]) => value !== undefined)) as T,
  );

const selects = (kind: KindName) =>
  compact<{ labelSelector?: string; fieldSelector?: string }>(
    fc.record({
      labelSelector: optional(
        mostly(fc.constantFrom(...LABEL_SELECTORS), fc.constantFrom(...WRONG_SELECTORS), 90),
        40,
      ),
      fieldSelector: optional(
        mostly(
          fc.constantFrom(...NAME_SELECTORS, ...(FIELD_SELECTORS[kind] ?? [])),
          fc.constantFrom(...WRONG_FIELDS),
          92,
        ),
        30,
      ),
    }),
  );

const version = mostly(
  fc.constantFrom('$latest', '$latest', '$first'),
  fc.constantFrom('0', '', 'x', '$null'),
  94,
);

const creates = (kind: KindName): Calls =>
  compact(
    fc
      .tuple(
        target(kind),
        fc.tuple(newMetadata, BODIES[kind].create).map(([metadata, body]) => ({ ...body, metadata })),
        optional(fc.constant(true), 7),
        optional(fc.constant(true), 5),
      )
      .map(([on, body, dryRun, generated]) => ({ verb: 'create' as const, on, body, dryRun, generated })),
  );

const patchBody = (kind: KindName, status: boolean): fc.Arbitrary<object> => {
  const own = status ? BODIES[kind].status : BODIES[kind].patch;
  return fc.oneof(
    { weight: 5, arbitrary: own },
    { weight: 5, arbitrary: fc.tuple(own, metadataPatch).map(([body, metadata]) => ({ ...body, metadata })) },
    { weight: 4, arbitrary: metadataPatch.map((metadata) => ({ metadata })) },
    { weight: 1, arbitrary: status ? strangeStatus : strangePatch },
  );
};

const patches = (kind: KindName, status: boolean): Calls =>
  compact(
    fc.record({
      verb: fc.constant('patch' as const),
      on: target(kind),
      body: patchBody(kind, status),
      version: optional(version, 40),
      status: fc.constant(status ? true : undefined),
      dryRun: optional(fc.constant(true), 6),
    }),
  );

const deletes = (kind: KindName): Calls =>
  compact(
    fc
      .record({
        verb: fc.constant('delete' as const),
        on: target(kind),
        uid: optional(mostly(fc.constant('$uid'), fc.constantFrom('another', '$uid:configmaps/a'), 85), 30),
        version: optional(version, 15),
        graceSeconds: optional(fc.constantFrom(0, 60, 90, 120), kind === 'pods' ? 60 : 8),
        propagation: optional(
          fc.constantFrom('Background' as const, 'Foreground' as const, 'Orphan' as const),
          20,
        ),
      })
      // A version and a way with dependents, both at once: the real one takes two steps, and stumbles over the first.
      .map((call) => (call.propagation === undefined ? call : { ...call, version: undefined })),
  );

const lists = (kind: KindName): Calls =>
  compact(
    fc.record({
      verb: fc.constant('list' as const),
      kind: fc.constant(kind),
      select: selects(kind),
      limit: optional(fc.integer({ min: 1, max: 3 }), isClusterWide(kind) ? 0 : 45),
      version: optional(mostly(fc.constant('0'), fc.constantFrom('x', '$latest'), 70), 20),
    }),
  );

const isClusterWide = (kind: KindName): boolean => ['namespaces', 'nodes', 'policies'].includes(kind);

const pages = (kind: KindName): Calls =>
  compact(
    fc.record({
      verb: fc.constant('page' as const),
      kind: fc.constant(kind),
      select: fc.oneof(fc.constant({}), selects(kind)),
      limit: optional(fc.integer({ min: 1, max: 3 }), 70),
    }),
  );

const evicts: Calls = compact(
  fc.record({
    verb: fc.constant('evict' as const),
    name,
    // Of another UID only with a budget in between: the others are answered after many seconds.
    uid: fc.constant('$uid'),
    graceSeconds: optional(fc.constantFrom(60, 120), 20),
    dryRun: optional(fc.constant(true), 15),
  }),
);

const watchId = fc.constantFrom('w1', 'w2');
const watches = (kind: KindName): Calls =>
  fc.record({
    verb: fc.constant('watch' as const),
    id: watchId,
    kind: fc.constant(kind),
    select: selects(kind),
    from: mostly(fc.constantFrom('$list', '$list', '$resume', '0'), fc.constantFrom('x', '1'), 95),
  });
const looks: Calls = watchId.map((id) => ({ verb: 'look', id }));

const HAS_STATUS: readonly KindName[] = ['nodes', 'pods', 'budgets', 'policies', 'shadows', 'namespaces'];

function about(kind: KindName): Calls {
  const hasStatus = HAS_STATUS.includes(kind);
  return fc.oneof(
    { weight: 10, arbitrary: creates(kind) },
    { weight: 2, arbitrary: target(kind).map((on) => ({ verb: 'get' as const, on })) },
    { weight: 8, arbitrary: patches(kind, false) },
    { weight: hasStatus ? 8 : 1, arbitrary: patches(kind, true) },
    { weight: 4, arbitrary: deletes(kind) },
    { weight: 4, arbitrary: lists(kind) },
    { weight: isClusterWide(kind) ? 0 : 2, arbitrary: pages(kind) },
    { weight: 2, arbitrary: watches(kind) },
    { weight: 2, arbitrary: looks },
    { weight: kind === 'pods' ? 8 : 0, arbitrary: evicts },
  );
}

const reviews: Calls = fc
  .constantFrom('', 'x', 'a.b.c', 'eyJhbGciOiJSUzI1NiJ9.e30.x')
  .map((token) => ({ verb: 'review', token }));

/** Most calls are about one of these kinds, by their weights. */
export function stories(kinds: Partial<Record<KindName, number>>, maxLength = 40): fc.Arbitrary<Call[]> {
  const weighted = Object.entries(kinds).map(([kind, weight]) => ({
    weight: weight * 20,
    arbitrary: about(kind as KindName),
  }));
  return fc.array(fc.oneof(...weighted, { weight: 1, arbitrary: reviews }), {
    minLength: 1,
    maxLength,
    size: 'max',
  });
}
