import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../api/core.ts';
import { INTERFACE_VERSION_LABEL, IN_FLIGHT_FINALIZER, MARKS_ANNOTATION } from '../../api/names.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { isSupported } from './osimage.ts';
import { planNode } from './plan.ts';
import type { NodeSnapshot, ShadowAction } from './plan.ts';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const CREATED = '2026-11-20T10:00:00Z';

interface NodeFields {
  osImage?: string;
  uid?: string;
  label?: string | null;
  annotations?: Record<string, string>;
  deleting?: boolean;
}

const node = (fields: NodeFields = {}): Node => {
  const { osImage = 'Bottlerocket OS 1.42.0 (aws-k8s-1.36)', uid = 'n1', label = '2.0.0' } = fields;
  return {
    metadata: {
      name: 'a',
      uid,
      resourceVersion: '7',
      creationTimestamp: CREATED,
      labels: label === null ? {} : { [INTERFACE_VERSION_LABEL]: label },
      annotations: fields.annotations ?? {},
      ...(fields.deleting === true ? { deletionTimestamp: CREATED } : {}),
    },
    status: { nodeInfo: { bootID: 'b', osImage } },
  };
};

const shadow = (fields: { spec?: object; status?: object; metadata?: object } = {}): BottlerocketShadow => ({
  metadata: {
    name: 'brs-a',
    namespace: 'ns',
    uid: 's1',
    resourceVersion: '9',
    generation: 3,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'n1' }],
    ...fields.metadata,
  },
  spec: { state: 'Idle', ...fields.spec },
  status: { ...fields.status },
});

const plan = (fields: Partial<NodeSnapshot>): ShadowAction[] =>
  planNode({
    name: 'a',
    now: NOW,
    node: undefined,
    shadow: undefined,
    agentPods: [],
    isInLedger: false,
    autoLabel: true,
    namespace: 'ns',
    ...fields,
  });

const verbs = (fields: Partial<NodeSnapshot>): string[] => plan(fields).map((action) => action.do);

const labelMark = (was: string | null): Record<string, string> => ({
  [MARKS_ANNOTATION]: JSON.stringify({
    [`label/${INTERFACE_VERSION_LABEL}`]: { ours: '2.0.0', was, at: CREATED },
  }),
});

describe('the label', () => {
  it('is set on a Bottlerocket node, together with its mark', () => {
    const [action] = plan({ node: node({ label: null }) });
    expect(action).toMatchObject({
      do: 'label',
      patch: { metadata: { resourceVersion: '7', labels: { [INTERFACE_VERSION_LABEL]: '2.0.0' } } },
    });
    expect(JSON.stringify(action)).toContain('was');
  });

  it.each<[string, Partial<NodeSnapshot>]>([
    ['when the switch is off', { node: node({ label: null }), autoLabel: false }],
    ['on another operating system', { node: node({ label: null, osImage: 'Ubuntu 24.04' }) }],
    ['when somebody took it away', { node: node({ label: null, annotations: labelMark(null) }) }],
    ['when somebody set another value', { node: node({ label: '1.0.0' }) }],
    [
      'when the marks cannot be read',
      { node: node({ label: null, annotations: { [MARKS_ANNOTATION]: '{' } }) },
    ],
    ['on a node that is being deleted', { node: node({ label: null, deleting: true }) }],
  ])('is not set %s', (_name, fields) => {
    expect(verbs(fields)).toEqual([]);
  });

  it('is not set on a host that is too old, which is said', () => {
    const old = node({ label: null, osImage: 'Bottlerocket OS 0.4.0 (aws-k8s-1.17)' });
    expect(verbs({ node: old })).toEqual(['unsupported']);
  });
});

describe('the shadow', () => {
  it('is created, owned by its Node, Idle', () => {
    expect(plan({ node: node() })).toMatchObject([
      {
        do: 'create',
        shadow: {
          metadata: {
            name: 'brs-a',
            namespace: 'ns',
            ownerReferences: [{ kind: 'Node', name: 'a', uid: 'n1' }],
          },
          spec: { state: 'Idle' },
        },
      },
    ]);
  });

  it('waits for the label', () => {
    expect(verbs({ node: node({ label: null }) })).toEqual(['label']);
  });

  it.each<[string, Partial<NodeSnapshot>, string]>([
    ['the node is gone', { node: undefined }, 'NodeGone'],
    ['the label is gone', { node: node({ label: null, annotations: labelMark(null) }) }, 'LabelGone'],
    ['the node was created again', { node: node({ uid: 'n2' }) }, 'NodeReplaced'],
  ])('goes when %s', (_name, fields, why) => {
    expect(plan({ ...fields, shadow: shadow() })).toMatchObject([{ do: 'delete', why }]);
  });

  it.each<[string, Partial<NodeSnapshot>]>([
    ['while a ledger knows it', { shadow: shadow(), isInLedger: true }],
    [
      'while it is not Idle',
      { shadow: shadow({ spec: { state: 'RebootedIntoUpdate', policy: { name: 'p', uid: 'p' } } }) },
    ],
    ['while it is going already', { shadow: shadow({ metadata: { deletionTimestamp: CREATED } }) }],
  ])('stays, though its node is gone, %s', (_name, fields) => {
    expect(verbs(fields)).toEqual([]);
  });

  it('stays while the node has not said what it runs', () => {
    const booting = node({ label: null });
    delete booting.status;
    expect(verbs({ node: booting, shadow: shadow() })).toEqual([]);
  });

  it('of an earlier node of the name goes before a new one is made', () => {
    const replaced = node({ uid: 'n2' });
    expect(verbs({ node: replaced, shadow: shadow() })).toEqual(['delete']);
    expect(verbs({ node: replaced })).toEqual(['create']);
  });
});

describe('an update that Brupop had begun', () => {
  it('is set to Idle against what was read', () => {
    const inherited = shadow({ spec: { state: 'RebootedIntoUpdate', version: '1.40.0' } });
    expect(plan({ node: node(), shadow: inherited })).toMatchObject([
      {
        do: 'inherit',
        patch: { metadata: { resourceVersion: '9' }, spec: { state: 'Idle', version: null } },
      },
    ]);
  });

  it('is left while a reboot may be under way', () => {
    const rebootIntent = { version: '1.43.0', bootId: 'b', generation: 3, at: CREATED };
    const inherited = shadow({
      spec: { state: 'RebootedIntoUpdate' },
      status: { host: { seq: 1, generation: 3, bootId: 'b', rebootIntent } },
    });
    expect(verbs({ node: node(), shadow: inherited })).toEqual([]);
  });

  it('is not ours', () => {
    const ours = shadow({ spec: { state: 'RebootedIntoUpdate', policy: { name: 'p', uid: 'p' } } });
    expect(verbs({ node: node(), shadow: ours })).toEqual([]);
  });
});

describe('the finalizer in-flight', () => {
  const metadata = { finalizers: ['other', IN_FLIGHT_FINALIZER] };
  const settled = { current_state: 'Idle', host: { seq: 4, generation: 3, bootId: 'b' } };

  it('goes once the agent has put the host back, and leaves those of others', () => {
    expect(plan({ node: node(), shadow: shadow({ metadata, status: settled }) })).toMatchObject([
      { do: 'unfinalize', patch: { metadata: { resourceVersion: '9', finalizers: ['other'] } } },
    ]);
  });

  it('goes when the node is gone', () => {
    expect(
      verbs({
        shadow: shadow({ metadata, status: { ...settled, current_state: 'StagedAndPerformedUpdate' } }),
      }),
    ).toEqual(['unfinalize']);
  });

  it.each<[string, Partial<NodeSnapshot>]>([
    ['while the ledger has an entry', { shadow: shadow({ metadata, status: settled }), isInLedger: true }],
    [
      'while something is staged',
      {
        shadow: shadow({
          metadata,
          status: {
            ...settled,
            host: { ...settled.host, staged: { version: '1', attempt: 1, bootId: 'b', timestamp: 't' } },
          },
        }),
      },
    ],
    [
      'while the agent has not seen the present spec',
      { shadow: shadow({ metadata, status: { ...settled, host: { ...settled.host, generation: 2 } } }) },
    ],
  ])('stays %s', (_name, fields) => {
    expect(verbs({ node: node(), ...fields })).toEqual([]);
  });
});

const agent = (createdAt: string): Pod => ({
  metadata: { name: 'agent', namespace: 'ns', uid: 'p', creationTimestamp: createdAt },
});

describe('an agent pod', () => {
  it('that is older than its Node is deleted', () => {
    expect(verbs({ node: node(), shadow: shadow(), agentPods: [agent('2026-11-20T09:59:59Z')] })).toEqual([
      'deleteAgent',
    ]);
    expect(verbs({ node: node(), shadow: shadow(), agentPods: [agent(CREATED)] })).toEqual([]);
  });
});

describe('the oldest host', () => {
  it.each([
    ['Bottlerocket OS 0.4.0 (aws-k8s-1.17)', false],
    ['Bottlerocket OS 0.4.1 (aws-k8s-1.17)', true],
    ['Bottlerocket OS 1.42.0 (aws-k8s-1.36)', true],
    ['Bottlerocket OS', true],
  ])('%s: %s', (osImage, supported) => {
    expect(isSupported(node({ osImage }))).toBe(supported);
  });
});
