import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { NAMESPACE } from '../../../src/api/names.ts';
import { bringUp, type BroughtUp } from '../story/bringup.ts';
import { RealCluster } from '../story/cluster.ts';
import { namespace, SHOP, webApp } from '../story/objects.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

describe('one machine only', () => {
  let running: BroughtUp;
  let cluster: RealCluster;
  let story: Story;
  let version: string;

  beforeAll(async () => {
    running = await bringUp({
      name: `single-${process.pid}`,
      machines: 1,
      ordinary: 0,
      image: inject('storyImage'),
      progress: (line) => console.error(line),
    });
    cluster = await RealCluster.open(running.dir);
    story = await Story.begin(cluster, {
      title: 'One machine only',
      about: 'The whole cluster is one machine. It is updated, and everything comes back.',
    });
    await story.apply(namespace(SHOP), ...webApp({ name: 'web', replicas: 2 }));
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '-n', SHOP, '--timeout=60s']);
    version = await story.publishNext();
    await story.applyPolicy('single');
    await story.updatedTo(version, 240_000);
  });
  afterAll(async () => {
    await story?.end();
    await cluster?.close();
    await running?.putAway();
  });

  test('it went through in order, with one reboot', () => {
    expect(faultsOf(story.timeline)).toEqual([]);
  });

  test('everything is back', async () => {
    const wait = ['--timeout=120s'];
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '-n', SHOP, ...wait]);
    for (const workload of [
      'deployment/brupop-controller',
      'deployment/brupop-apiserver',
      'daemonset/brupop-agent',
    ]) {
      await cluster.kubectl(['rollout', 'status', workload, '-n', NAMESPACE, ...wait]);
    }
    const [node] = await story.nodes();
    expect(node?.status?.nodeInfo?.osImage).toBe(`Bottlerocket OS ${version} (aws-k8s-1.36)`);
  });
});
