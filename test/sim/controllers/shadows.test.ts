import { describe, expect, it } from 'vitest';
import { Events, Namespaces, Nodes, Pods } from '../../../src/api/core.ts';
import type { Node } from '../../../src/api/core.ts';
import { INTERFACE_VERSION_LABEL, IN_FLIGHT_FINALIZER, NAMESPACE } from '../../../src/api/names.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { EventRecorder } from '../../../src/controllers/events/recorder.ts';
import { Caches } from '../../../src/controllers/kube/caches.ts';
import { Writer } from '../../../src/controllers/kube/writer.ts';
import { ShadowsController } from '../../../src/controllers/shadows/controller.ts';
import { KubernetesError } from '../../../src/runtime/kubernetes.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { SimCluster } from '../../../src/sim/cluster/cluster.ts';
import { VirtualClock } from '../../../src/sim/clock.ts';
import { accessByRules } from '../../../src/sim/cluster/call.ts';
import type { Fault } from '../../../src/sim/cluster/call.ts';
import { namespaceRules, rules } from '../../../src/controllers/rbac.ts';

const OS_IMAGE = 'Bottlerocket OS 1.42.0 (aws-k8s-1.36)';
const key = (node: string) => ({ namespace: NAMESPACE, name: `brs-${node}` });

const random = (): number => 0.5;

/** A cluster with the shadows controller running in it. */
async function world(options: { autoLabel?: boolean; before?: (cluster: SimCluster) => void } = {}) {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  cluster.install(BottlerocketShadows);
  cluster.install(UpdatePolicies);
  cluster.add(Namespaces, { metadata: { name: NAMESPACE } });
  options.before?.(cluster);
  const client = cluster.client({
    name: 'controller',
    access: accessByRules(rules, namespaceRules, NAMESPACE),
  });

  const shared = { port: client, clock, random, logger: silentLogger };
  const caches = new Caches({ ...shared, namespace: NAMESPACE });
  const events = new EventRecorder({ ...shared, instance: 'test' });
  const onReady = (): void => controller.trigger();
  const controller: ShadowsController = new ShadowsController({
    ...shared,
    caches,
    events,
    autoLabel: options.autoLabel ?? true,
    writers: {
      nodes: new Writer({ ...shared, resource: Nodes, copy: caches.nodes, onReady }),
      shadows: new Writer({ ...shared, resource: BottlerocketShadows, copy: caches.shadows, onReady }),
      pods: new Writer({ ...shared, resource: Pods, copy: caches.pods, onReady }),
    },
  });
  const { signal } = new AbortController();
  void caches.run(signal);
  void events.run(signal);
  void caches.whenSynced(signal).then(() => controller.run(signal));
  await clock.advance(1_000);
  return { clock, cluster, client };
}

const addNode = (cluster: SimCluster, name: string, osImage = OS_IMAGE): Node =>
  cluster.add(Nodes, {
    metadata: { name },
    status: { nodeInfo: { bootID: `${name}-boot-1`, osImage } },
  });

const addAgent = (cluster: SimCluster, node: string): void => {
  cluster.add(Pods, {
    metadata: { name: `agent-${node}`, namespace: NAMESPACE },
    spec: { nodeName: node, serviceAccountName: 'brupop-agent' },
  });
};

async function setLabel(clock: VirtualClock, cluster: SimCluster, value: string | null): Promise<void> {
  const body = { metadata: { labels: { [INTERFACE_VERSION_LABEL]: value } } };
  const patched = cluster.client('admin').patch(Nodes, { name: 'a' }, body);
  await clock.advance(2);
  await patched;
}

describe('a Bottlerocket node', () => {
  it('gets the label and a shadow, once', async () => {
    const { clock, cluster, client } = await world();
    addNode(cluster, 'a');
    await clock.advance(2_000);
    expect(cluster.peek(Nodes, { name: 'a' })?.metadata.labels).toEqual({
      [INTERFACE_VERSION_LABEL]: '2.0.0',
    });
    const shadow = cluster.peek(BottlerocketShadows, key('a'));
    expect(shadow?.spec).toEqual({ state: 'Idle' });
    expect(shadow?.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'a' }]);
    const before = client.calls;
    await clock.advance(200_000);
    expect(client.calls).toBe(before);
  });

  it('is told from others, and from one that is too old', async () => {
    const { clock, cluster } = await world();
    addNode(cluster, 'ubuntu', 'Ubuntu 24.04');
    addNode(cluster, 'old', 'Bottlerocket OS 0.4.0 (aws-k8s-1.17)');
    await clock.advance(2_000);
    expect(cluster.peekAll(BottlerocketShadows)).toEqual([]);
    expect(cluster.peekAll(Events).map(({ reason, regarding }) => [reason, regarding?.name])).toEqual([
      ['UnsupportedOS', 'old'],
    ]);
  });

  it('keeps no shadow when its label is taken away, and is not labelled again', async () => {
    const { clock, cluster } = await world();
    addNode(cluster, 'a');
    await clock.advance(2_000);
    await setLabel(clock, cluster, null);
    await clock.advance(2_000);
    expect(cluster.peekAll(BottlerocketShadows)).toEqual([]);
    expect(cluster.peek(Nodes, { name: 'a' })?.metadata.labels?.[INTERFACE_VERSION_LABEL]).toBeUndefined();
    await setLabel(clock, cluster, '2.0.0');
    await clock.advance(2_000);
    expect(cluster.peek(BottlerocketShadows, key('a'))).toBeDefined();
  });

  it('is labelled by people when the switch is off', async () => {
    const { clock, cluster } = await world({ autoLabel: false });
    addNode(cluster, 'a');
    await clock.advance(2_000);
    expect(cluster.peekAll(BottlerocketShadows)).toEqual([]);
    await setLabel(clock, cluster, '2.0.0');
    await clock.advance(2_000);
    expect(cluster.peek(BottlerocketShadows, key('a'))).toBeDefined();
  });

  it('that is created again under its name gets a shadow of its own', async () => {
    const { clock, cluster } = await world();
    addNode(cluster, 'a');
    await clock.advance(2_000);
    const first = cluster.peek(BottlerocketShadows, key('a'))?.metadata.uid;
    const gone = cluster.client('admin').delete(Nodes, { name: 'a' });
    await clock.advance(2);
    await gone;
    const second = addNode(cluster, 'a');
    await clock.advance(5_000);
    const shadow = cluster.peek(BottlerocketShadows, key('a'));
    expect(shadow?.metadata.uid).not.toBe(first);
    expect(shadow?.metadata.ownerReferences?.[0]?.uid).toBe(second.metadata.uid);
  });

  it('loses the agent pod of an earlier node of its name', async () => {
    const { clock, cluster } = await world();
    addAgent(cluster, 'a');
    await clock.advance(60_000);
    addNode(cluster, 'a');
    await clock.advance(2_000);
    expect(cluster.peekAll(Pods).filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toEqual(
      [],
    );
  });
});

describe('an update that Brupop had begun', () => {
  it('is put back, its cordon left alone', async () => {
    const { cluster } = await world({
      before: (before) => {
        const node = before.add(Nodes, {
          metadata: { name: 'a', labels: { [INTERFACE_VERSION_LABEL]: '2.0.0' } },
          spec: { unschedulable: true },
          status: { nodeInfo: { bootID: 'b', osImage: OS_IMAGE } },
        });
        before.add(BottlerocketShadows, {
          metadata: {
            ...key('a'),
            finalizers: [IN_FLIGHT_FINALIZER],
            ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'a', uid: node.metadata.uid ?? '' }],
          },
          spec: { state: 'StagedAndPerformedUpdate', version: '1.43.0' },
        });
      },
    });
    expect(cluster.peek(BottlerocketShadows, key('a'))?.spec).toEqual({ state: 'Idle' });
    expect(cluster.peek(Nodes, { name: 'a' })?.spec?.unschedulable).toBe(true);
  });
});

describe('an unreliable API server', () => {
  it.each<[string, Fault]>([
    ['loses answers', { loseResponse: true }],
    ['loses requests', { loseRequest: true }],
    ['answers 500', { error: new KubernetesError('server', 'away', { status: 500 }) }],
    ['answers 409', { error: new KubernetesError('conflict', 'changed', { status: 409 }) }],
    [
      'answers 429',
      { error: new KubernetesError('throttled', 'slow', { status: 429, retryAfterMs: 1_000 }) },
    ],
  ])('that %s for a while delays a node, and that is all', async (_name, fault) => {
    const { clock, cluster, client } = await world();
    client.faults = ({ verb }) => (verb === 'watch' || verb === 'list' ? undefined : fault);
    for (const name of ['a', 'b', 'c']) addNode(cluster, name);
    await clock.advance(30_000);
    client.faults = undefined;
    await clock.advance(90_000);
    expect(cluster.peekAll(BottlerocketShadows).map(({ metadata }) => metadata.name)).toEqual([
      'brs-a',
      'brs-b',
      'brs-c',
    ]);
  });
});
