import { describe, expect, it } from 'vitest';
import { DaemonSets, Leases, Nodes, PodDisruptionBudgets, type Pod, Pods } from '../../api/core.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import { VirtualClock } from '../clock.ts';
import { SimCluster } from '../cluster/cluster.ts';
import { Deployments } from '../cluster/kinds.ts';
import type { DaemonWorkload } from './daemons.ts';
import { KubeletDouble } from './kubelet.ts';
import { startWorkloads } from './world.ts';

const template = {
  metadata: { labels: { app: 'cart' } },
  spec: { containers: [{ name: 'c', image: 'cart' }] },
};
const selector = { matchLabels: { app: 'cart' } };

/** A cluster with so many machines, all on, after half a minute. */
const machines = async (count: number) => {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  const stop = new AbortController();
  const story: string[] = [];
  startWorkloads(cluster, stop.signal);
  cluster.namespace('shop');
  const kubelets = Array.from({ length: count }, (_, index) => {
    const nodeName = `n${index + 1}`;
    const tell = (what: string) => (pod: Pod, cause?: string) =>
      void story.push([nodeName, what, pod.metadata.namespace, cause].filter(Boolean).join(' '));
    return new KubeletDouble({
      port: cluster.client(`kubelet-${nodeName}`),
      clock,
      nodeName,
      labels: { pool: index === 0 ? 'first' : 'rest' },
      bootId: `boot-1-of-${nodeName}`,
      onPodStarted: tell('started'),
      onPodStopped: tell('stopped'),
    });
  });
  for (const kubelet of kubelets) void kubelet.run(stop.signal);
  await clock.advance(30_000);
  const port = cluster.client('test');
  /** Runs a call to its end. */
  const settled = async <T>(call: Promise<T>): Promise<T | string> => {
    const told = call.catch((error: unknown) => (isKubernetesError(error) ? error.code : String(error)));
    await clock.advance(10);
    return told;
  };
  const ready = (name: string) =>
    cluster.peek(Nodes, { name })?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const taints = (name: string) => cluster.peek(Nodes, { name })?.spec?.taints?.map(({ key }) => key) ?? [];
  const podsOn = (name: string) =>
    cluster
      .peekAll(Pods)
      .filter(({ spec, metadata }) => spec?.nodeName === name && !metadata.deletionTimestamp);
  const runningPods = () => cluster.peekAll(Pods).filter(({ status }) => status?.phase === 'Running');
  return { clock, cluster, kubelets, port, settled, ready, taints, podsOn, runningPods, story, stop };
};

const deployment = (replicas: number) => ({
  metadata: { name: 'cart', namespace: 'shop' },
  spec: { replicas, selector, template },
});

describe('the double of a kubelet', () => {
  it('registers its Node, keeps its Lease and is Ready', async () => {
    const { cluster, ready, taints, clock } = await machines(1);
    expect(ready('n1')).toBe('True');
    expect(taints('n1')).toEqual([]);
    expect(cluster.peek(Nodes, { name: 'n1' })?.status?.nodeInfo).toMatchObject({
      bootID: 'boot-1-of-n1',
      osImage: 'Bottlerocket OS 1.42.0 (aws-k8s-1.36)',
    });
    const renewed = () => cluster.peek(Leases, { name: 'n1', namespace: 'kube-node-lease' })?.spec?.renewTime;
    const before = renewed();
    await clock.advance(10_000);
    expect(renewed()).not.toBe(before);
  });

  it('is silent when off: lost after 40 s, and back with another boot and image', async () => {
    const { cluster, clock, kubelets, ready, taints, story } = await machines(2);
    cluster.add(Deployments, deployment(2));
    await clock.advance(10_000);
    kubelets[0]?.powerOff();
    // The last renewal was up to 10 s ago.
    await clock.advance(29_000);
    expect(ready('n1')).toBe('True');
    await clock.advance(20_000);
    expect(ready('n1')).toBe('Unknown');
    expect(taints('n1')).toContain('node.kubernetes.io/unreachable');
    kubelets[0]?.powerOn({ bootId: 'boot-2', osImage: 'Bottlerocket OS 1.43.0 (aws-k8s-1.36)' });
    await clock.advance(10_000);
    expect(ready('n1')).toBe('True');
    expect(taints('n1')).toEqual([]);
    expect(cluster.peek(Nodes, { name: 'n1' })?.status?.nodeInfo).toMatchObject({
      bootID: 'boot-2',
      osImage: 'Bottlerocket OS 1.43.0 (aws-k8s-1.36)',
    });
    expect(story.filter((line) => line.startsWith('n1'))).toEqual([
      'n1 started shop',
      'n1 stopped shop powerOff',
      'n1 started shop',
    ]);
  });

  it('shows a pod Ready when its probe says so', async () => {
    const { cluster, clock, stop } = await machines(0);
    let isWell = false;
    const kubelet = new KubeletDouble({
      port: cluster.client('kubelet'),
      clock,
      nodeName: 'n9',
      bootId: 'b',
      probe: () => isWell,
    });
    void kubelet.run(stop.signal);
    cluster.add(Pods, { metadata: { name: 'p', namespace: 'shop' }, spec: { nodeName: 'n9' } });
    await clock.advance(10_000);
    const shown = () =>
      cluster
        .peek(Pods, { name: 'p', namespace: 'shop' })
        ?.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(shown()?.status).toBe('False');
    isWell = true;
    await clock.advance(5_000);
    expect(shown()?.status).toBe('True');
  });

  it('gets over an API server that is away', async () => {
    const clock = new VirtualClock();
    const cluster = new SimCluster({ clock });
    const stop = new AbortController();
    startWorkloads(cluster, stop.signal);
    const port = cluster.client({ name: 'kubelet', faults: () => ({ loseRequest: true }) });
    void new KubeletDouble({ port, clock, nodeName: 'n1', bootId: 'b' }).run(stop.signal);
    await clock.advance(30_000);
    expect(cluster.peek(Nodes, { name: 'n1' })).toBeUndefined();
    port.faults = undefined;
    await clock.advance(10_000);
    const status = () =>
      cluster.peek(Nodes, { name: 'n1' })?.status?.conditions?.map(({ status: value }) => value);
    expect(status()).toEqual(['True']);
    port.faults = () => ({ loseRequest: true });
    await clock.advance(60_000);
    expect(status()).toEqual(['Unknown']);
    port.faults = undefined;
    await clock.advance(20_000);
    expect(status()).toEqual(['True']);
  });
});

describe('workloads', () => {
  it('run where there is room, and elsewhere after an eviction from a cordoned node', async () => {
    const { cluster, clock, port, settled, podsOn, runningPods, taints } = await machines(3);
    cluster.add(Deployments, deployment(3));
    await clock.advance(10_000);
    expect(['n1', 'n2', 'n3'].map((name) => podsOn(name).length)).toEqual([1, 1, 1]);
    await settled(port.patch(Nodes, { name: 'n1' }, { spec: { unschedulable: true } }));
    const { name = '', uid = '' } = podsOn('n1')[0]?.metadata ?? {};
    await settled(port.evict({ name, namespace: 'shop' }, { uid }));
    await clock.advance(10_000);
    expect(taints('n1')).toEqual(['node.kubernetes.io/unschedulable']);
    expect(podsOn('n1')).toEqual([]);
    expect(runningPods()).toHaveLength(3);
  });

  it('hold evictions back while their budget is spent', async () => {
    const { cluster, clock, port, settled, runningPods } = await machines(3);
    cluster.add(Deployments, deployment(2));
    cluster.add(PodDisruptionBudgets, {
      metadata: { name: 'cart', namespace: 'shop' },
      spec: { selector, maxUnavailable: 1 },
    });
    await clock.advance(10_000);
    const [first, second] = runningPods().map(({ metadata: { name, uid = '' } }) => ({ name, uid }));
    const evict = (pod: typeof first) =>
      settled(port.evict({ name: pod?.name ?? '', namespace: 'shop' }, { uid: pod?.uid ?? '' }));
    expect(await evict(first)).toBeUndefined();
    expect(await evict(second)).toBe('throttled');
    await clock.advance(10_000);
    expect(await evict(second)).toBeUndefined();
  });

  it('of a DaemonSet have one pod a matching node, cordoned or not', async () => {
    const { cluster, clock, port, settled, podsOn } = await machines(3);
    await settled(port.patch(Nodes, { name: 'n2' }, { spec: { unschedulable: true } }));
    const daemon: DaemonWorkload = {
      metadata: { name: 'agent', namespace: 'shop' },
      spec: {
        selector,
        template: { ...template, spec: { ...template.spec, nodeSelector: { pool: 'rest' } } },
      },
    };
    cluster.add(DaemonSets, daemon);
    await clock.advance(10_000);
    expect(['n1', 'n2', 'n3'].map((name) => podsOn(name).length)).toEqual([0, 1, 1]);
    expect(cluster.peek(DaemonSets, { name: 'agent', namespace: 'shop' })?.status).toMatchObject({
      desiredNumberScheduled: 2,
      numberReady: 2,
    });
    const { name = '' } = podsOn('n2')[0]?.metadata ?? {};
    await settled(port.delete(Pods, { name, namespace: 'shop' }));
    await clock.advance(10_000);
    expect(podsOn('n2')).toHaveLength(1);
  });

  it('leave a node that stays lost, and one that is deleted', async () => {
    const { cluster, clock, kubelets, port, settled, runningPods } = await machines(3);
    cluster.add(Deployments, deployment(3));
    await clock.advance(10_000);
    kubelets[0]?.powerOff();
    await settled(port.delete(Nodes, { name: 'n2' }));
    kubelets[1]?.powerOff();
    await clock.advance(400_000);
    const live = runningPods().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(live.map(({ spec }) => spec?.nodeName)).toEqual(['n3', 'n3', 'n3']);
    expect(cluster.peek(Leases, { name: 'n2', namespace: 'kube-node-lease' })).toBeUndefined();
  });
});
