import { describe, expect, test } from 'vitest';
import type { Node, Pod } from '../../../api/core.ts';
import { MARKS_ANNOTATION, NAMESPACE } from '../../../api/names.ts';
import type { UpdatePolicy } from '../../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../../api/v2/bottlerocketshadow.ts';
import type { TimelineEvent } from '../events.ts';
import { RolloutObserver } from './observer.ts';

const told = (events: readonly TimelineEvent[]): string[] =>
  events.map(({ lane, kind, text }) => `${lane.name} ${kind}${text === '' ? '' : `: ${text}`}`);

interface NodeFields {
  cordon?: 'ours' | 'theirs';
  ready?: string;
  bootID?: string;
  version?: string;
}

const MARKS = JSON.stringify({
  cordon: { ours: true, was: false, owner: { shadowUid: 's', attempt: 1 }, at: '2026-11-21T05:00:00Z' },
});

const node = ({ cordon, ready = 'True', bootID = 'a', version = '1.42.0' }: NodeFields = {}): Node => ({
  metadata: { name: 'node-1', ...(cordon === 'ours' && { annotations: { [MARKS_ANNOTATION]: MARKS } }) },
  spec: { unschedulable: cordon !== undefined },
  status: {
    conditions: [{ type: 'Ready', status: ready, reason: 'KubeletStopped' }],
    nodeInfo: { bootID, osImage: `Bottlerocket OS ${version}` },
  },
});

type State = BottlerocketShadow['spec']['state'];
interface ShadowFields {
  state?: State;
  reported?: State;
  reason?: string;
  outcome?: string;
  intent?: string;
  available?: string[];
}

const shadow = (fields: ShadowFields = {}): BottlerocketShadow => {
  const { state = 'Idle', reported = 'Idle', reason = 'UpToDate', outcome, intent, available = [] } = fields;
  const end = outcome === undefined ? {} : { outcome: { attempt: 1, reason: outcome, message: 'Said so' } };
  const at = '2026-11-21T05:00:00Z';
  return {
    metadata: { name: 'brs-node-1' },
    spec: { state, version: '1.43.0', attempt: 1, ...end },
    status: {
      current_state: reported,
      current_version: '1.42.0',
      update: { reason, message: 'Because' },
      host: {
        seq: 1,
        generation: 1,
        bootId: 'a',
        available,
        rebootIntent: intent === undefined ? null : { version: '1.43.0', bootId: intent, generation: 1, at },
      },
    },
  };
};

const pod = (fields: Partial<Pod['metadata']> & { node?: string; ready?: boolean } = {}): Pod => {
  const { node: nodeName = 'node-1', ready = true, ...metadata } = fields;
  return {
    metadata: { name: 'web-1', namespace: 'shop', ...metadata },
    spec: { nodeName },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
};

describe('changes of a node', () => {
  const change = (before: NodeFields | undefined, after: NodeFields): string[] =>
    told(new RolloutObserver().node(0, 'node-1', { before: before && node(before), after: node(after) }));
  test.each<[string, NodeFields | undefined, NodeFields, string[]]>([
    ['nothing that matters', {}, {}, []],
    ['being seen first', undefined, {}, []],
    ['being seen cordoned', undefined, { cordon: 'theirs' }, ['node-1 cordoned: by somebody else']],
    ['our cordon', {}, { cordon: 'ours' }, ['node-1 cordoned']],
    ['an uncordon', { cordon: 'ours' }, {}, ['node-1 uncordoned']],
    ['going away', {}, { ready: 'Unknown' }, ['node-1 notReady: KubeletStopped']],
    ['coming back', { ready: 'False' }, {}, ['node-1 ready']],
    [
      'another boot',
      {},
      { bootID: 'b', version: '1.43.0' },
      ['node-1 booted: Bottlerocket OS 1.42.0 → Bottlerocket OS 1.43.0'],
    ],
  ])('%s', (...[, before, after, expected]) => expect(change(before, after)).toEqual(expected));

  test('its end', () => {
    const gone = { before: node(), after: undefined };
    expect(told(new RolloutObserver().node(0, 'node-1', gone))).toEqual(['node-1 removed']);
  });
});

describe('changes of a shadow', () => {
  test.each<[string, ShadowFields, ShadowFields, string[]]>([
    ['an offer', {}, { available: ['1.43.0'] }, ['updateAvailable: 1.42.0 → 1.43.0']],
    ['a start', {}, { state: 'StagedAndPerformedUpdate' }, ['started: attempt 1 to 1.43.0']],
    [
      'a report',
      { state: 'StagedAndPerformedUpdate' },
      { state: 'StagedAndPerformedUpdate', reported: 'StagedAndPerformedUpdate' },
      ['staged: 1.43.0'],
    ],
    [
      'the end of a drain',
      { state: 'StagedAndPerformedUpdate' },
      { state: 'RebootedIntoUpdate' },
      ['drained'],
    ],
    [
      'a boot that was reported',
      { state: 'RebootedIntoUpdate' },
      { state: 'MonitoringUpdate' },
      ['bootReported'],
    ],
    [
      'an intent',
      { state: 'RebootedIntoUpdate' },
      { state: 'RebootedIntoUpdate', intent: 'a' },
      ['rebootRequested: into 1.43.0'],
    ],
    [
      'an intent confirmed',
      { state: 'RebootedIntoUpdate', intent: 'a' },
      { state: 'RebootedIntoUpdate', intent: 'a' },
      [],
    ],
    [
      'success',
      { state: 'MonitoringUpdate', reported: 'MonitoringUpdate' },
      { reported: 'MonitoringUpdate', outcome: 'Updated' },
      ['updated: 1.42.0'],
    ],
    [
      'a failure',
      { state: 'RebootedIntoUpdate', reported: 'ErrorReset' },
      { reported: 'ErrorReset', outcome: 'BootFallback' },
      ['failed: BootFallback: Said so'],
    ],
    [
      'an end that is no failure',
      { state: 'StagedAndPerformedUpdate', reported: 'StagedAndPerformedUpdate' },
      { reported: 'StagedAndPerformedUpdate', outcome: 'WindowClosed' },
      ['putBack: WindowClosed: Said so'],
    ],
    [
      'an end before the host had begun',
      { state: 'StagedAndPerformedUpdate' },
      { outcome: 'Paused' },
      ['putBack: Paused: Said so', 'finished'],
    ],
    ['the host put back', { reported: 'ErrorReset' }, {}, ['finished']],
    [
      'a budget',
      { state: 'StagedAndPerformedUpdate', reason: 'Draining' },
      { state: 'StagedAndPerformedUpdate', reason: 'PodDisruptionBudget' },
      ['drainHeld: PodDisruptionBudget: Because'],
    ],
    [
      'a budget that gave way',
      { state: 'StagedAndPerformedUpdate', reason: 'PodDisruptionBudget' },
      { state: 'StagedAndPerformedUpdate', reason: 'Draining' },
      ['drainContinued'],
    ],
    ['a closed window', {}, { reason: 'WindowClosed' }, ['held: WindowClosed: Because']],
    ['its turn not yet', {}, { reason: 'NoSlot' }, []],
  ])('%s', (...[, before, after, expected]) => {
    const events = new RolloutObserver().shadow(0, 'node-1', {
      before: shadow(before),
      after: shadow(after),
    });
    expect(told(events)).toEqual(expected.map((each) => `node-1 ${each}`));
  });
});

const leaving = { deletionTimestamp: '2026-11-21T05:00:00Z' };

const drained = (): RolloutObserver => {
  const observer = new RolloutObserver();
  observer.shadow(0, 'node-1', { before: shadow(), after: shadow({ state: 'StagedAndPerformedUpdate' }) });
  const events = observer.node(1, 'node-1', { before: node(), after: node({ cordon: 'ours' }) });
  expect(told(events)).toEqual(['node-1 cordoned', 'node-1 drainStarted']);
  return observer;
};

describe('a pod that ends', () => {
  test('was evicted when its node is being drained, once', () => {
    const observer = drained();
    expect(told(observer.pod(2, { before: pod(), after: pod(leaving) }))).toEqual([
      'node-1 podEvicted: shop/web-1',
    ]);
    expect(told(observer.pod(3, { before: pod(leaving), after: undefined }))).toEqual([
      'node-1 podGone: shop/web-1',
    ]);
  });

  test('was evicted also when it was gone at once', () => {
    expect(told(drained().pod(2, { before: pod(), after: undefined }))).toEqual([
      'node-1 podEvicted: shop/web-1',
      'node-1 podGone: shop/web-1',
    ]);
  });

  test('is nothing elsewhere, nor when it belongs to a DaemonSet', () => {
    expect(new RolloutObserver().pod(0, { before: pod(), after: pod(leaving) })).toEqual([]);
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'd' };
    const daemon = { ownerReferences: [owner] };
    expect(drained().pod(2, { before: pod(daemon), after: pod({ ...daemon, ...leaving }) })).toEqual([]);
  });
});

const controller = (ready: boolean): Pod =>
  pod({
    name: 'brupop-controller-x',
    namespace: NAMESPACE,
    labels: { 'brupop.bottlerocket.aws/component': 'controller' },
    ready,
  });

const lease = (holderIdentity: string) => ({
  metadata: { name: 'brupop-controller' },
  spec: { holderIdentity },
});

describe('the operator', () => {
  test('has its pods come and go', () => {
    const observer = new RolloutObserver();
    expect(told(observer.pod(0, { before: undefined, after: controller(true) }))).toEqual([
      'controller podStarted: brupop-controller-x on node-1',
    ]);
    expect(told(observer.pod(1, { before: controller(true), after: undefined }))).toEqual([
      'controller podLeft: brupop-controller-x on node-1',
    ]);
  });

  test('has a leader', () => {
    const observer = new RolloutObserver();
    expect(told(observer.lease(0, { before: lease('a'), after: lease('b') }))).toEqual([
      'controller leads: b',
    ]);
    expect(observer.lease(1, { before: lease('b'), after: lease('b') })).toEqual([]);
  });
});

const policy = (status: UpdatePolicy['status']): UpdatePolicy => ({
  metadata: { name: 'all' },
  spec: {},
  ...(status && { status }),
});

/** What is told of a policy whose status changes. */
const policyChange = (before: UpdatePolicy['status'], after: UpdatePolicy['status']): string[] =>
  told(new RolloutObserver().policy(0, 'all', { before: policy(before), after: policy(after) }));

describe('a policy', () => {
  test('has a window that opens and closes', () => {
    expect(policyChange(undefined, { window: { open: true } })).toEqual(['policy all opened']);
    expect(policyChange({ window: { open: true } }, { window: { open: false } })).toEqual([
      'policy all closed',
    ]);
  });

  test('is halted, and loses a node', () => {
    const at = '2026-11-21T05:00:00Z';
    const halt = { reason: 'RebootTimeout', node: 'node-1', version: '1.43.0', attempt: 1, at };
    const entry = { node: 'node-1', uid: 'u', shadowUid: 's', version: '1.43.0', attempt: 1, since: at };
    expect(
      policyChange(
        { updating: [{ ...entry, phase: 'Reserved' }] },
        { halt, updating: [{ ...entry, phase: 'Lost' }] },
      ),
    ).toEqual([
      'policy all note: halted: RebootTimeout on node-1',
      'node-1 lost: not heard of since the reboot',
    ]);
  });
});
