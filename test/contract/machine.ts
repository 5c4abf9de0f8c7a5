/** What a double of a kubelet does for a cluster: the same in memory and with the real controllers and scheduler. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Leases, type Node, Nodes, Pods } from '../../src/api/core.ts';
import { Deployments } from '../../src/sim/cluster/kinds.ts';
import { KubeletDouble } from '../../src/sim/workloads/kubelet.ts';
import { type ContractWorld, eventually, fresh, gone, namespace } from './world.ts';

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;

/** @param start makes a cluster with controllers and a scheduler */
export function machineSuite(name: string, start: () => Promise<ContractWorld>): void {
  describe(`a machine of ${name}`, () => {
    const stop = new AbortController();
    const nodeName = fresh('machine');
    const label = { [`contract.brupop.test/${nodeName}`]: 'true' };
    const story: string[] = [];
    let world: ContractWorld;
    let kubelet: KubeletDouble;
    let running: Promise<void>;

    beforeAll(async () => {
      world = await start();
      const { port, clock } = world;
      kubelet = new KubeletDouble({
        port,
        clock,
        nodeName,
        labels: label,
        bootId: 'boot-1',
        readyMs: 100,
        podStartMs: 100,
        podStopMs: 100,
        leaseEveryMs: 1000,
        onPodStarted: () => story.push('started'),
        onPodStopped: (_, cause) => story.push(`stopped: ${cause}`),
      });
      running = kubelet.run(stop.signal);
    });

    afterAll(async () => {
      stop.abort();
      await running;
      await world.stop();
    });

    const node = (is: (found: Node) => boolean): Promise<Node> =>
      eventually(world, async () => {
        const found = await world.port.get(Nodes, { name: nodeName }).catch(() => undefined);
        return found !== undefined && is(found) ? found : undefined;
      });
    const readyPod = (inNamespace: string, not?: string) =>
      eventually(world, async () => {
        const { items } = await world.port.list(Pods, {
          namespace: inNamespace,
          fieldSelector: `spec.nodeName=${nodeName}`,
        });
        return items.find(
          ({ metadata, status }) =>
            metadata.uid !== not &&
            metadata.deletionTimestamp === undefined &&
            status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ===
              true,
        );
      });

    it('joins: Ready, schedulable, with a Lease that it renews', async () => {
      const found = await node((candidate) => isReady(candidate) && candidate.spec?.taints === undefined);
      expect(found.status?.nodeInfo).toMatchObject({
        bootID: 'boot-1',
        osImage: 'Bottlerocket OS 1.42.0 (aws-k8s-1.36)',
      });
      const renewTime = async () =>
        (await world.port.get(Leases, { name: nodeName, namespace: 'kube-node-lease' })).spec?.renewTime;
      const before = (await eventually(world, () => renewTime().catch(() => undefined))) as string;
      await eventually(world, async () => ((await renewTime()) === before ? undefined : true));
    });

    it('runs what is scheduled to it, ends what is evicted, and reboots', async () => {
      const inNamespace = await namespace(world);
      const labels = { app: 'cart' };
      await world.port.create(Deployments, {
        metadata: { name: 'cart', namespace: inNamespace },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { containers: [{ name: 'main', image: 'none' }], nodeSelector: label },
          },
        },
      });
      const first = await readyPod(inNamespace);
      const { name: podName, uid = '' } = first.metadata;
      await world.port.evict({ name: podName, namespace: inNamespace }, { uid });
      await gone(world, Pods, { name: podName, namespace: inNamespace });
      const second = await readyPod(inNamespace, uid);
      kubelet.powerOff();
      expect(kubelet.isOn).toBe(false);
      await world.clock.sleep(500);
      kubelet.powerOn({ bootId: 'boot-2', osImage: 'Bottlerocket OS 1.43.0 (aws-k8s-1.36)' });
      const back = await node((found) => found.status?.nodeInfo?.bootID === 'boot-2' && isReady(found));
      expect(back.status?.nodeInfo?.osImage).toBe('Bottlerocket OS 1.43.0 (aws-k8s-1.36)');
      await eventually(world, async () => (story.length >= 5 ? true : undefined));
      expect((await readyPod(inNamespace)).metadata.uid).toBe(second.metadata.uid);
      // The replacement may start before the evicted pod has ended.
      expect(story.toSorted()).toEqual([
        'started',
        'started',
        'started',
        'stopped: deleted',
        'stopped: powerOff',
      ]);
    });
  });
}
