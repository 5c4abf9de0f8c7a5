import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { INFRA_LABEL } from '../../../hack/cluster/spec.ts';
import { mostAtOnce } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { namespace, SHOP, webApp, webClient } from '../story/objects.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

interface Said {
  atMs: number;
  ok?: number;
  failed?: string;
}

describe('nobody notices', () => {
  let cluster: RealCluster;
  let story: Story;
  let version: string;
  const heard = async (): Promise<Said[]> =>
    (await cluster.kubectl(['logs', 'client', '-n', SHOP]))
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Said);
  const answered = async (): Promise<number> =>
    (await heard()).findLast(({ ok }) => ok !== undefined)?.ok ?? 0;

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    story = await Story.begin(cluster, {
      title: 'Nobody notices',
      about:
        'A web application of three replicas, of which two have to be there, and a client that asks it forty times a second, each time over a new connection. Three machines are updated.',
    });
    await story.apply(namespace(SHOP), ...webApp({ name: 'web', replicas: 3, minAvailable: 2 }));
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '-n', SHOP, '--timeout=60s']);
    await story.apply(webClient('web', INFRA_LABEL));
    await story.waitFor('the client is answered', 60_000, async () => (await answered()) > 40);
    version = await story.publishNext();
    await story.applyPolicy('nobody-notices');
    await story.updatedTo(version, 240_000);
  });
  afterAll(async () => {
    await story.end();
    await cluster.close();
  });

  test('no request failed', async () => {
    const said = await heard();
    for (const { atMs, failed } of said) {
      if (failed !== undefined)
        story.note({ actor: 'client' }, { kind: 'requestFailed', text: failed, atMs });
    }
    const ok = await answered();
    story.tell(`${ok} requests were answered.`);
    expect(said.filter(({ failed }) => failed !== undefined)).toEqual([]);
    expect(ok).toBeGreaterThan(1_000);
  });

  test('one machine at a time was taken through cordon, drain, reboot', () => {
    expect(faultsOf(story.timeline)).toEqual([]);
    expect(mostAtOnce(story.timeline, 'cordoned')).toBe(1);
    expect(mostAtOnce(story.timeline, 'starting')).toBe(1);
  });

  test('every machine runs the new version, and its Node says so', async () => {
    const images = (await story.nodes()).map(({ status }) => status?.nodeInfo?.osImage);
    expect(images).toEqual(cluster.nodes.map(() => `Bottlerocket OS ${version} (aws-k8s-1.36)`));
  });
});
