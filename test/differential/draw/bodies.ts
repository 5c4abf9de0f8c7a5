/** What is in objects besides metadata, by kind. */
import * as fc from 'fast-check';
import { UpdatePolicyKind, BottlerocketShadowKind } from '../../../src/api/definitions.ts';
import { objectSchema } from '../../../src/api/structural.ts';
import type { StructuralSchema } from '../../../src/api/structural.ts';
import { fromSchema } from '../../support/draw/schema.ts';
import type { KindName } from '../call.ts';
import { labels, mostly } from './metadata.ts';

export interface Bodies {
  /** Of a new object. */
  create: fc.Arbitrary<object>;
  /** A merge patch of the object. */
  patch: fc.Arbitrary<object>;
  /** A merge patch of its status. */
  status: fc.Arbitrary<object>;
}

type Values = fc.Arbitrary<unknown>;

const fields = (model: Record<string, Values>, required: string[] = []): fc.Arbitrary<object> =>
  fc.record(model, { requiredKeys: required as never[] });
const orNull = (values: Values): Values => fc.option(values, { freq: 5 });
const nothing = fc.constant({});

const data = fc.dictionary(
  fc.constantFrom('x', 'y', 'z.crt'),
  mostly(fc.constantFrom('', '1', 'two\nlines'), fc.constantFrom<unknown[]>(5, true, {}), 97),
  { maxKeys: 2 },
);
const secretData = fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('', 'AQ==', 'aGVsbG8='), {
  maxKeys: 2,
});

const microTime = mostly(
  fc.constantFrom('2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.123456Z'),
  fc.constantFrom('2026-01-01T00:00:00Z', 'now', ''),
  92,
);
const leaseSpec = fields({
  holderIdentity: orNull(fc.constantFrom('one', 'two', '')),
  leaseDurationSeconds: orNull(mostly(fc.constantFrom(15, 1), fc.constantFrom(0, -1), 92)),
  acquireTime: orNull(microTime),
  renewTime: orNull(microTime),
  leaseTransitions: orNull(mostly(fc.constantFrom(0, 1, 2), fc.constant(-1), 92)),
});

const regarding = fc.constantFrom<unknown[]>(
  { apiVersion: 'v1', kind: 'Node', name: 'n1' },
  { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: '$namespace' },
  { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'elsewhere' },
);
const event = fc.record({
  eventTime: microTime,
  reportingController: mostly(fc.constant('brupop.test/suite'), fc.constantFrom('', 'x'.repeat(254)), 95),
  reportingInstance: fc.constantFrom('one', 'two'),
  action: mostly(fc.constant('Test'), fc.constant('x'.repeat(129)), 96),
  reason: mostly(fc.constant('Tested'), fc.constant(''), 96),
  note: mostly(fc.constantFrom('', 'A note'), fc.constant('x'.repeat(1025)), 96),
  type: mostly(fc.constantFrom('Normal', 'Warning'), fc.constantFrom('Other', ''), 96),
  regarding,
});
const series = fc.record({ count: fc.nat(5), lastObservedTime: microTime });

const taint = fields(
  {
    key: mostly(fc.constantFrom('a', 'brupop.test/b'), fc.constantFrom('', 'a b'), 95),
    value: fc.constantFrom('', 'v'),
    effect: mostly(
      fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
      fc.constantFrom('Other', ''),
      95,
    ),
  },
  ['key', 'effect'],
);
const nodeSpec = fields({
  unschedulable: orNull(fc.boolean()),
  taints: orNull(fc.array(taint, { maxLength: 3 })),
  providerID: fc.constantFrom('aws:///one', ''),
});
const condition = (types: string[]): fc.Arbitrary<object> =>
  fc.record({
    type: fc.constantFrom(...types),
    status: fc.constantFrom('True', 'False', 'Unknown'),
    reason: fc.constantFrom('Reason'),
    lastTransitionTime: fc.constant('2026-01-01T00:00:00Z'),
  });
const nodeStatus = fields({
  conditions: orNull(
    fc.uniqueArray(condition(['Ready', 'MemoryPressure']), {
      maxLength: 2,
      selector: (each) => (each as { type: string }).type,
    }),
  ),
  nodeInfo: fields({
    bootID: fc.constantFrom('boot-1', 'boot-2'),
    osImage: fc.constantFrom('Bottlerocket OS 1.40.0 (aws-k8s-1.36)', ''),
    kubeletVersion: fc.constantFrom('v1.36.1'),
    architecture: fc.constantFrom('arm64'),
  }),
});

const podSpec = fc.record(
  {
    containers: fc.constant([{ name: 'main', image: 'none' }]),
    nodeName: fc.constantFrom('n1', 'n2'),
    terminationGracePeriodSeconds: fc.constantFrom(60, 90),
    nodeSelector: fc.constant({ 'brupop.test/none': 'true' }),
  },
  { requiredKeys: ['containers'] },
);
const podStatus = fields({
  phase: fc.constantFrom('Pending', 'Running', 'Running', 'Running', 'Succeeded', 'Failed'),
  conditions: orNull(
    fc.uniqueArray(condition(['Ready', 'Initialized']), {
      maxLength: 2,
      selector: (each) => (each as { type: string }).type,
    }),
  ),
});

const amount = mostly(
  fc.constantFrom<unknown[]>(0, 1, 2, '50%'),
  fc.constantFrom<unknown[]>(-1, 'x', '50'),
  95,
);
const selector = fc.constantFrom<object[]>(
  { matchLabels: { a: '1' } },
  { matchLabels: {} },
  {},
  { matchExpressions: [{ key: 'a', operator: 'Exists' }] },
  { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] },
  { matchLabels: { b: '2' }, matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] },
);
const budgetSpec = fields({ selector, minAvailable: amount }, ['selector']);
const budgetStatus = fc.record({
  disruptionsAllowed: fc.constantFrom(0, 1, 2),
  currentHealthy: fc.constantFrom(0, 1, 2),
  desiredHealthy: fc.constantFrom(0, 1),
  expectedPods: fc.constantFrom(0, 2),
  observedGeneration: fc.constantFrom(0, 1, 1, 1, 2),
});

const part = (schema: StructuralSchema, field: string, options = {}): Values =>
  fromSchema(schema.properties?.[field] ?? {}, { wrongPercent: 1, ...options });

function custom(schema: StructuralSchema): Bodies {
  const spec = part(schema, 'spec');
  const few = part(schema, 'spec', { presentPercent: 12 });
  const status = fc.oneof(
    part(schema, 'status', { presentPercent: 25 }),
    part(schema, 'status', { presentPercent: 70, wrongPercent: 0 }),
  );
  const unknown = mostly(nothing, fc.constantFrom<object[]>({ extra: 1 }, { data: {} }), 96);
  return {
    create: fc
      .tuple(fc.record({ spec: fc.oneof(few, spec), status }, { requiredKeys: ['spec'] }), unknown)
      .map(([body, more]) => ({ ...body, ...more })),
    patch: fc.oneof(
      few.map((each) => ({ spec: each })),
      fc.record({ spec: orNull(few), status: orNull(status) }, { requiredKeys: [] }),
    ),
    status: status.map((each) => ({ status: each })),
  };
}

const onlyMain = (body: fc.Arbitrary<object>): Bodies => ({ create: body, patch: body, status: body });
const specAndStatus = (spec: fc.Arbitrary<object>, status: fc.Arbitrary<object>): Bodies => ({
  create: fields({ spec, status: mostly(status, status) }, ['spec']),
  patch: fc.oneof(
    spec.map((each) => ({ spec: each })),
    fields({ spec, status }),
  ),
  status: fc.oneof(
    { weight: 9, arbitrary: status.map((each) => ({ status: each })) },
    { weight: 1, arbitrary: fields({ status, spec, metadata: fields({ labels }) }) },
  ),
});

/** A pod cannot be changed but for its metadata. */
const podPatch = fc.oneof(
  nothing,
  fc.constantFrom<object[]>({ spec: { nodeName: 'n2' } }, { status: { phase: 'Failed' } }),
);

export const BODIES: Readonly<Record<KindName, Bodies>> = {
  configmaps: onlyMain(fields({ data: orNull(data) })),
  secrets: onlyMain(fields({ data: secretData, type: fc.constantFrom('Opaque', 'brupop.test/own') })),
  serviceaccounts: onlyMain(nothing),
  leases: onlyMain(fields({ spec: leaseSpec })),
  events: {
    create: event,
    patch: fc.oneof(fields({ series }), fields({ note: fc.constant('changed') })),
    status: nothing,
  },
  namespaces: onlyMain(nothing),
  nodes: specAndStatus(nodeSpec, nodeStatus),
  pods: {
    create: fc.record({ spec: podSpec, status: podStatus }, { requiredKeys: ['spec'] }),
    patch: podPatch,
    status: podStatus.map((each) => ({ status: each })),
  },
  budgets: specAndStatus(budgetSpec, budgetStatus),
  policies: custom(objectSchema(UpdatePolicyKind)),
  shadows: custom(objectSchema(BottlerocketShadowKind)),
};
