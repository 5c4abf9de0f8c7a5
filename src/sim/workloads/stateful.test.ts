import { describe, expect, it } from 'vitest';
import { Nodes, Pods } from '../../api/core.ts';
import { VirtualClock } from '../clock.ts';
import { SimCluster } from '../cluster/cluster.ts';
import { VolumeAttachments } from '../cluster/kinds.ts';
import { behaviourOf } from './behaviour.ts';
import { KubeletDouble } from './kubelet.ts';
import { installWorkload } from './plan.ts';
import type { WorkloadPlan } from './plan.ts';
import { areVolumesAttached } from './volumes.ts';
import { startWorkloads } from './world.ts';

const SECOND = 1000;
const at = { namespace: 'shop' };

/** Two machines with these workloads, after a minute. */
const running = async (...plans: WorkloadPlan[]) => {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  const { signal } = new AbortController();
  startWorkloads(cluster, signal);
  const kubelets = ['n1', 'n2'].map((nodeName) => {
    const port = cluster.client(`kubelet-${nodeName}`);
    const mayStart = areVolumesAttached.bind(undefined, cluster);
    return new KubeletDouble({ port, clock, nodeName, bootId: 'b', podTimes: behaviourOf, mayStart });
  });
  for (const kubelet of kubelets) void kubelet.run(signal);
  for (const plan of plans) installWorkload(cluster, plan);
  await clock.advance(60 * SECOND);
  const port = cluster.client('test');
  const pod = (name: string) => cluster.peek(Pods, { ...at, name });
  const remove = async (name: string) => {
    await Promise.all([port.delete(Pods, { ...at, name }), clock.advance(10)]);
  };
  return {
    clock,
    cluster,
    kubelets,
    pod,
    remove,
    phases: () => cluster.peekAll(Pods).map(({ metadata, status }) => `${metadata.name} ${status?.phase}`),
    isReady: (name: string) =>
      pod(name)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ===
      true,
    volumes: () =>
      cluster
        .peekAll(VolumeAttachments)
        .map(({ metadata, status }) => `${metadata.name} ${status?.attached}`),
  };
};

const db: WorkloadPlan = { ...at, kind: 'StatefulSet', name: 'db', replicas: 2, volumes: true };

describe('the double of the StatefulSet controller', () => {
  it('makes pods one after the other, each with its volume', async () => {
    const { phases, volumes } = await running(db);
    expect(phases()).toEqual(['db-0 Running', 'db-1 Running']);
    expect(volumes()).toEqual(['data-db-0.n1 true', 'data-db-1.n2 true']);
  });

  it('puts a pod back only once it is gone, and the pod starts only once its volume has moved', async () => {
    const { pod, remove, clock, cluster, isReady, volumes } = await running({
      ...db,
      replicas: 1,
      pod: { stopMs: 20 * SECOND, detachMs: 60 * SECOND },
    });
    const before = pod('db-0')?.metadata.uid;
    await Promise.all([
      cluster.client('test').patch(Nodes, { name: 'n1' }, { spec: { unschedulable: true } }),
      clock.advance(10),
    ]);
    await remove('db-0');
    await clock.advance(15 * SECOND);
    expect(pod('db-0')?.metadata.uid).toBe(before);
    await clock.advance(20 * SECOND);
    expect(pod('db-0')?.spec?.nodeName).toBe('n2');
    expect(volumes()).toEqual(['data-db-0.n1 true']);
    expect(isReady('db-0')).toBe(false);
    await clock.advance(70 * SECOND);
    expect(volumes()).toEqual(['data-db-0.n2 true']);
    expect(isReady('db-0')).toBe(true);
  });

  it('leaves a volume where it is while nobody is there to end its pod', async () => {
    const { kubelets, clock, volumes } = await running({ ...db, replicas: 1 });
    kubelets[0]?.powerOff();
    // Silent for 40 s, then its pods are given up after 5 min; nobody is there to end them.
    await clock.advance(11 * 60 * SECOND);
    expect(volumes()).toEqual(['data-db-0.n1 true']);
  });
});

describe('the double of the Job controller', () => {
  it('makes pods until as many have succeeded', async () => {
    const job: WorkloadPlan = {
      ...at,
      kind: 'Job',
      name: 'bill',
      completions: 2,
      parallelism: 1,
      pod: { runMs: 40 * SECOND },
    };
    const { phases, clock } = await running(job);
    expect(phases().map((text) => text.split(' ')[1])).toEqual(['Succeeded', 'Running']);
    await clock.advance(60 * SECOND);
    expect(phases().map((text) => text.split(' ')[1])).toEqual(['Succeeded', 'Succeeded']);
  });
});

describe('a pod', () => {
  it('that ignores SIGTERM takes its whole grace period', async () => {
    const { pod, remove, clock } = await running({
      ...at,
      kind: 'Pod',
      name: 'stubborn',
      pod: { graceSeconds: 90, stopMs: 1e9 },
    });
    await remove('stubborn');
    await clock.advance(85 * SECOND);
    expect(pod('stubborn')).toBeDefined();
    await clock.advance(10 * SECOND);
    expect(pod('stubborn')).toBeUndefined();
  });

  it('that starts slowly is not ready before', async () => {
    const { isReady, clock } = await running({
      ...at,
      kind: 'Pod',
      name: 'slow',
      pod: { startMs: 90 * SECOND },
    });
    expect(isReady('slow')).toBe(false);
    await clock.advance(60 * SECOND);
    expect(isReady('slow')).toBe(true);
  });
});
