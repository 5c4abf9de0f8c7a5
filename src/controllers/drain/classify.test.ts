import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../api/core.ts';
import { classify, classifyPod, hasPlaceFor, nextEvictions, pendingPods } from './classify.ts';
import type { DrainContext, PodClass } from './classify.ts';

const CORDONED_AT = Date.parse('2026-11-21T10:00:00Z');
const BEFORE = '2026-11-21T09:00:00Z';
const AFTER = '2026-11-21T10:00:01Z';

const context = (fields: Partial<DrainContext> = {}): DrainContext => ({
  isIgnored: () => false,
  cordonedAtMs: CORDONED_AT,
  canMove: () => true,
  ...fields,
});

interface PodFields {
  name?: string;
  namespace?: string;
  createdAt?: string;
  deletedAt?: string;
  owner?: string;
  annotations?: Record<string, string>;
  phase?: string;
  serviceAccount?: string;
  nodeSelector?: Record<string, string>;
}

const pod = (fields: PodFields = {}): Pod => ({
  metadata: {
    name: fields.name ?? 'cart-0',
    namespace: fields.namespace ?? 'shop',
    uid: fields.name ?? 'cart-0',
    creationTimestamp: fields.createdAt ?? BEFORE,
    ...(fields.deletedAt === undefined ? {} : { deletionTimestamp: fields.deletedAt }),
    ...(fields.annotations === undefined ? {} : { annotations: fields.annotations }),
    ...(fields.owner === undefined
      ? {}
      : {
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: fields.owner, name: 'owner', uid: 'o', controller: true },
          ],
        }),
  },
  spec: {
    ...(fields.serviceAccount === undefined ? {} : { serviceAccountName: fields.serviceAccount }),
    ...(fields.nodeSelector === undefined ? {} : { nodeSelector: fields.nodeSelector }),
  },
  status: { phase: fields.phase ?? 'Running' },
});

const ownPod = (fields: PodFields = {}): Pod =>
  pod({
    name: 'brupop-controller-x',
    namespace: 'brupop-bottlerocket-aws',
    serviceAccount: 'brupop-controller',
    ...fields,
  });

describe('the class of a pod', () => {
  it.each<[string, Pod, PodClass, Partial<DrainContext>?]>([
    ['of a ReplicaSet', pod({ owner: 'ReplicaSet' }), 'evictable'],
    ['without an owner', pod(), 'evictable'],
    ['that is Pending', pod({ phase: 'Pending' }), 'evictable'],
    ['of a DaemonSet', pod({ owner: 'DaemonSet' }), 'daemonSet'],
    ['made from a file', pod({ annotations: { 'kubernetes.io/config.mirror': 'x' } }), 'mirror'],
    ['that succeeded', pod({ phase: 'Succeeded', owner: 'Job' }), 'completed'],
    ['that failed', pod({ phase: 'Failed' }), 'completed'],
    ['that ignorePods selects', pod(), 'ignored', { isIgnored: () => true }],
    ['that is terminating', pod({ deletedAt: AFTER }), 'terminating'],
    ['that is terminating and ignored', pod({ deletedAt: AFTER }), 'ignored', { isIgnored: () => true }],
    ['of the controller', ownPod(), 'own'],
    ['of the API server', ownPod({ serviceAccount: 'brupop-apiserver' }), 'own'],
    ['of the controller, bound after the cordon', ownPod({ createdAt: AFTER }), 'ownStays'],
    ['of the controller, with nowhere to go', ownPod(), 'ownStays', { canMove: () => false }],
    ['of the controller, terminating', ownPod({ deletedAt: AFTER }), 'terminating'],
    ['that carries our account name elsewhere', ownPod({ namespace: 'shop' }), 'evictable'],
    ['of another account in our namespace', ownPod({ serviceAccount: 'default' }), 'evictable'],
    ['bound after the cordon, not ours', pod({ createdAt: AFTER }), 'evictable'],
  ])('%s', (...[, subject, expected, fields]) => {
    expect(classifyPod(subject, context(fields))).toBe(expected);
  });
});

describe('the order of evictions', () => {
  it('leaves pods of the operator until every other pod is gone', () => {
    const all = classify([ownPod(), pod(), pod({ name: 'old', deletedAt: AFTER })], context());
    expect(pendingPods(all)).toBe(3);
    expect(nextEvictions(all).map(({ metadata }) => metadata.name)).toEqual(['cart-0']);
  });

  it('does not evict pods of the operator while another pod still terminates', () => {
    const left = classify([ownPod(), pod({ deletedAt: AFTER })], context());
    expect(nextEvictions(left)).toEqual([]);
    expect(pendingPods(left)).toBe(2);
  });

  it('evicts pods of the operator last', () => {
    const left = classify([ownPod(), pod({ owner: 'DaemonSet' })], context());
    expect(nextEvictions(left).map(({ metadata }) => metadata.name)).toEqual(['brupop-controller-x']);
  });

  it('has nothing to wait for when only pods that stay are left', () => {
    const left = classify([pod({ owner: 'DaemonSet' }), ownPod({ createdAt: AFTER })], context());
    expect(pendingPods(left)).toBe(0);
  });
});

const node = (
  name: string,
  fields: Partial<Node['spec']> & { ready?: string; labels?: Record<string, string> } = {},
): Node => {
  const { ready = 'True', labels = {}, ...spec } = fields;
  return { metadata: { name, labels }, spec, status: { conditions: [{ type: 'Ready', status: ready }] } };
};

describe('a place for a pod of the operator', () => {
  it.each<[string, Node[], boolean]>([
    ['another node', [node('b')], true],
    ['the same node only', [node('a')], false],
    ['a cordoned node', [node('b', { unschedulable: true })], false],
    ['a node that is not Ready', [node('b', { ready: 'Unknown' })], false],
    ['a tainted node', [node('b', { taints: [{ key: 'x', effect: 'NoSchedule' }] })], false],
    [
      'a node that is only less liked',
      [node('b', { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] })],
      true,
    ],
    ['no node', [], false],
  ])('%s', (_name, nodes, expected) => {
    expect(hasPlaceFor(ownPod(), nodes, 'a')).toBe(expected);
  });

  it('must have the labels the pod asks for', () => {
    const arm = ownPod({ nodeSelector: { arch: 'arm64' } });
    expect(hasPlaceFor(arm, [node('b', { labels: { arch: 'amd64' } })], 'a')).toBe(false);
    expect(hasPlaceFor(arm, [node('b', { labels: { arch: 'arm64' } })], 'a')).toBe(true);
  });
});
