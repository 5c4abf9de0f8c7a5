import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INTERFACE_VERSION_LABEL, POLICY_FINALIZER } from '../../api/names.ts';
import type { LedgerEntry, UpdatePolicy, UpdatePolicySpec } from '../../api/v1/updatepolicy.ts';
import { policySelector } from '../../policy/select.ts';
import type { Action } from './actions.ts';
import { compilePolicy } from './compile.ts';
import { needsCare } from './nodecare.ts';
import { planRollout } from './plan.ts';
import type { RolloutPlan } from './plan.ts';
import type { AttemptFacts, NodeFacts, Snapshot } from './snapshot.ts';

const NOW = Date.parse('2026-01-10T10:00:00Z');
const [OLD, NEW] = ['1.42.0', '1.43.0'];

interface NodeFields {
  zone?: string;
  version?: string;
  isReady?: boolean;
  unschedulable?: boolean;
  isSettled?: boolean;
  /** Phase of its entry in the ledger; none when absent. */
  phase?: LedgerEntry['phase'];
}

interface Fields {
  nodes: Record<string, NodeFields>;
  spec?: UpdatePolicySpec;
  policy?: Partial<UpdatePolicy['metadata']>;
  status?: UpdatePolicy['status'];
  snapshot?: Partial<Snapshot>;
}

const entryOf = (name: string, phase: LedgerEntry['phase']): LedgerEntry => ({
  node: name,
  uid: `node-${name}`,
  shadowUid: `shadow-${name}`,
  version: NEW,
  attempt: 1,
  phase,
  since: '2026-01-10T09:00:00Z',
  until: '2026-01-10T11:00:00Z',
});

const nodeOf = (name: string, { zone = 'z1', unschedulable = false, isReady = true }: NodeFields) => ({
  metadata: {
    name,
    uid: `node-${name}`,
    resourceVersion: '1',
    labels: { 'topology.kubernetes.io/zone': zone, [INTERFACE_VERSION_LABEL]: '2.0.0' },
  },
  spec: { unschedulable },
  status: {
    conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    nodeInfo: { bootID: 'b', osImage: `Bottlerocket OS ${OLD} (aws)` },
  },
});

const shadowOf = (name: string, { version = OLD, isSettled = true, phase }: NodeFields) => ({
  metadata: {
    name: `brs-${name}`,
    namespace: 'ns',
    uid: `shadow-${name}`,
    resourceVersion: '1',
    generation: 3,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: `node-${name}` }],
  },
  spec: {
    state: 'Idle' as const,
    ...(phase === undefined ? {} : { attempt: 1, policy: { name: 'p', uid: 'p' } }),
  },
  status: {
    current_state: 'Idle' as const,
    current_version: version,
    host: {
      uid: `shadow-${name}`,
      seq: 1,
      generation: isSettled ? 3 : 2,
      bootId: 'b',
      updateState: 'Idle',
      available: [NEW, OLD],
      checkedAt: '2026-01-10T09:00:00Z',
    },
  },
});

/** A snapshot of one policy `p` and its nodes. */
function snapshotOf({ nodes, spec = {}, policy = {}, status = {}, snapshot = {} }: Fields): Snapshot {
  const updating = Object.entries(nodes).flatMap(([name, { phase }]) =>
    phase === undefined ? [] : [entryOf(name, phase)],
  );
  const source: UpdatePolicy = {
    metadata: {
      name: 'p',
      uid: 'p',
      generation: 1,
      resourceVersion: '1',
      finalizers: [POLICY_FINALIZER],
      ...policy,
    },
    spec,
    status: { ...status, updating },
  };
  const compiled = compilePolicy(source);
  const select = policySelector([compiled]);
  const facts = new Map<string, NodeFacts>(
    Object.entries(nodes).map(([name, fields], row) => {
      const node = nodeOf(name, fields);
      const rest = {
        name,
        row,
        node,
        shadow: shadowOf(name, fields),
        isReady: fields.isReady ?? true,
        isAgentReporting: true,
        runsOperator: false,
        selection: select(node.metadata.labels),
        hasAttemptMarks: false,
      };
      return [name, { ...rest, needsCare: needsCare(rest), seen: undefined }];
    }),
  );
  const attempts = updating.map((entry): AttemptFacts => ({
    entry,
    isInLedger: true,
    shadow: facts.get(entry.node)?.shadow,
    node: facts.get(entry.node)?.node,
    facts: facts.get(entry.node),
    isFresh: true,
    lookups: [],
    drain: undefined,
    drainNextAtMs: 0,
    health: { message: '' },
    verifyAtMs: undefined,
  }));
  return {
    now: NOW,
    sightSinceMs: 0,
    blindSinceMs: NOW,
    isClockWrong: false,
    nodes: facts,
    isFresh: () => true,
    policies: [{ compiled, isFresh: true }],
    attempts: new Map([['p', attempts]]),
    orphans: [],
    ledger: new Map(updating.map(({ shadowUid }) => [shadowUid, { policyUid: 'p', policyName: 'p' }])),
    nodeOfShadow: (uid) => [...facts.values()].find(({ shadow }) => shadow?.metadata.uid === uid),
    podsOf: () => undefined,
    lastPodsOf: () => undefined,
    podsDueMs: () => 0,
    hasPlaceFor: () => true,
    policyWritten: () => undefined,
    ...snapshot,
  };
}

const plan = (fields: Fields): RolloutPlan => planRollout(snapshotOf(fields));

const patchesOf = (actions: readonly Action[]): { updating?: LedgerEntry[] }[] =>
  actions.flatMap((action) =>
    action.do === 'patchPolicy' && action.subresource === 'status'
      ? [(action.patch as { status: { updating?: LedgerEntry[] } }).status]
      : [],
  );

/** Names of the nodes that a plan reserves. */
const reserved = (fields: Fields): string[] => {
  const before = new Set(
    Object.entries(fields.nodes).flatMap(([name, { phase }]) => (phase === undefined ? [] : [name])),
  );
  return ledgerAfter(fields)
    .map(({ node }) => node)
    .filter((name) => !before.has(name));
};

/** The ledger as a plan leaves it. */
const ledgerAfter = (fields: Fields): LedgerEntry[] => patchesOf(plan(fields).actions)[0]?.updating ?? [];

const reasonsIn = (snapshot: Snapshot): Record<string, string> => {
  const { reasons } = planRollout(snapshot);
  return Object.fromEntries(
    [...snapshot.nodes.values()].flatMap((facts) => {
      const found = reasons.get(facts);
      return found === undefined ? [] : [[facts.name, found.reason]];
    }),
  );
};

const reasonsOf = (fields: Fields): Record<string, string> => reasonsIn(snapshotOf(fields));

describe('admission', () => {
  it('reserves up to the limit, in one write', () => {
    const fields = { nodes: { a: {}, b: {}, c: {} }, spec: { maxConcurrentUpdates: 2 } };
    expect(reserved(fields)).toEqual(['a', 'b']);
    expect(patchesOf(plan(fields).actions)).toHaveLength(1);
    expect(reasonsOf(fields)).toEqual({ c: 'NoSlot' });
  });

  it('takes the oldest version first, zone by zone', () => {
    const nodes = { a: { zone: 'z2' }, b: { zone: 'z1' }, c: { zone: 'z1', version: '1.41.0' } };
    expect(reserved({ nodes, spec: { maxConcurrentUpdates: 2 } })).toEqual(['c', 'b']);
  });

  it.each<[string, Omit<Fields, 'nodes'> & { node?: NodeFields }, string | undefined]>([
    ['a slot is held by a node that failed', { node: { phase: 'Failed', isSettled: false } }, 'NoSlot'],
    ['a slot is held by a node that rests', { node: { phase: 'Resting' } }, 'NoSlot'],
    ['a failed machine that is silent is outside the limit', { node: { phase: 'Lost' } }, undefined],
    ['the policy is paused', { spec: { mode: 'Paused' } }, 'PolicyPaused'],
    [
      'the policy is being deleted',
      { policy: { deletionTimestamp: '2026-01-10T09:00:00Z' } },
      'PolicyDeleted',
    ],
    ['the clock is wrong', { snapshot: { isClockWrong: true } }, 'ClockSkew'],
    ['nobody can see', { snapshot: { sightSinceMs: undefined } }, 'AgentNotReporting'],
    [
      'a blackout is on',
      { spec: { blackoutWindows: [{ from: '2026-01-10T09:00:00Z', until: '2026-01-10T11:00:00Z' }] } },
      'Blackout',
    ],
    [
      'the window is closed',
      { spec: { maintenanceWindows: [{ schedule: '0 1 * * *', duration: '2h' }] } },
      'WindowClosed',
    ],
    [
      'a failure halts the policy',
      {
        status: {
          halt: { reason: 'BootFallback', node: 'x', version: NEW, attempt: 1, at: '2026-01-10T09:00:00Z' },
        },
      },
      'Halted',
    ],
    ['the range is no range', { spec: { version: { range: 'newest' } } }, 'PolicyInvalid'],
  ])('when %s: %o', (...[, { node, ...fields }, reason]) => {
    const all = { ...fields, nodes: { a: node ?? {}, b: {} } };
    expect(reasonsOf(all)['b']).toBe(reason);
    expect(reserved(all).includes('b')).toBe(reason === undefined);
  });

  it('waits for an agent that has not seen the present spec', () => {
    expect(reserved({ nodes: { a: { isSettled: false } } })).toEqual([]);
  });

  it('waits until the last write of a node has been seen', () => {
    expect(reserved({ nodes: { a: {} }, snapshot: { isFresh: () => false } })).toEqual([]);
  });

  it('holds the policy by a finalizer first', () => {
    const { actions } = plan({ nodes: { a: {} }, policy: { finalizers: [] } });
    expect(actions).toMatchObject([
      { do: 'patchPolicy', patch: { metadata: { finalizers: [POLICY_FINALIZER] } } },
    ]);
  });

  it('goes on after a person has resumed, and forgets the halt', () => {
    const fields = {
      nodes: { a: {} },
      policy: { annotations: { 'brupop.bottlerocket.aws/resume': '2026-01-10T09:30:00Z' } },
      status: {
        halt: { reason: 'BootFallback', node: 'x', version: NEW, attempt: 1, at: '2026-01-10T09:00:00Z' },
      },
    };
    expect(reserved(fields)).toEqual(['a']);
    expect(patchesOf(plan(fields).actions)).toMatchObject([{ halt: null }]);
  });
});

describe('whatever the nodes are', () => {
  const node = fc.record({
    zone: fc.constantFrom('z1', 'z2', 'z3'),
    version: fc.constantFrom(OLD, NEW),
    isReady: fc.boolean(),
    unschedulable: fc.boolean(),
    isSettled: fc.boolean(),
    phase: fc.constantFrom(undefined, undefined, 'Failed' as const, 'Resting' as const, 'Lost' as const),
  });
  const nodes = fc
    .array(node, { minLength: 1, maxLength: 12 })
    .map((list) => Object.fromEntries(list.map((fields, i) => [`n${i}`, fields as NodeFields])));
  const limits = fc.record({
    limit: fc.integer({ min: 0, max: 5 }),
    perZone: fc.integer({ min: 1, max: 3 }),
    unavailable: fc.integer({ min: 0, max: 6 }),
  });

  it('no limit is passed, and every node that does not move has a reason', () => {
    fc.assert(
      fc.property(nodes, limits, (all, { limit, perZone, unavailable }) => {
        const spec: UpdatePolicySpec = {
          maxConcurrentUpdates: limit,
          maxUnavailable: unavailable,
          topology: { key: 'topology.kubernetes.io/zone', maxConcurrentUpdates: perZone },
        };
        const fields = { nodes: all, spec };
        const started = reserved(fields);
        const left = ledgerAfter(fields);
        if (started.length > 0) {
          expect(left.filter(({ phase }) => phase !== 'Lost').length).toBeLessThanOrEqual(limit);
          const names = new Set(left.map(({ node: name }) => name));
          const down = Object.entries(all).filter(
            ([name, each]) => names.has(name) || !each.isReady || each.unschedulable,
          );
          expect(down.length).toBeLessThanOrEqual(unavailable);
        }
        for (const name of started) {
          const { zone } = all[name] ?? {};
          const there = left.filter(({ node: other }) => all[other]?.zone === zone);
          expect(there.length).toBeLessThanOrEqual(perZone);
        }
        const reasons = reasonsOf(fields);
        for (const [name, each] of Object.entries(all)) {
          const isMoving = started.includes(name) || each.phase !== undefined || each.isSettled === false;
          if (!isMoving) expect(reasons[name]).toBeDefined();
        }
      }),
    );
  });
});
