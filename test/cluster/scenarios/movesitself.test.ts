import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { NAMESPACE } from '../../../src/api/names.ts';
import { leftCordoned, orderOf } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

const DEPLOYMENTS = ['brupop-controller', 'brupop-apiserver'];
/** The machine that is not updated; here it takes no pods. */
const INFRA = 'infra-1';

/** Starts controller and API server anew on the machines that take pods now. */
async function moveOperator(cluster: RealCluster): Promise<void> {
  for (const name of DEPLOYMENTS) {
    await cluster.kubectl(['rollout', 'restart', `deployment/${name}`, '-n', NAMESPACE]);
    await cluster.kubectl(['rollout', 'status', `deployment/${name}`, '-n', NAMESPACE, '--timeout=120s']);
  }
}

describe('the operator moves itself', () => {
  let cluster: RealCluster;
  let story: Story;
  let version: string;
  let free: string;

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    // Not the first in turn by its name.
    free = cluster.nodes.at(-1)!;
    await cluster.kubectl(['cordon', free, INFRA]);
    await moveOperator(cluster);
    await cluster.kubectl(['uncordon', free]);
    story = await Story.begin(cluster, {
      title: 'The operator moves itself',
      about:
        'Controller and API server run on machines that are to be updated, and nowhere else could they go. Their machines come last; the lease moves, agents find another API server.',
    });
    version = await story.publishNext();
    await story.applyPolicy('moves-itself');
    await story.updatedTo(version, 300_000);
    await cluster.kubectl(['uncordon', INFRA]);
    await story.waitFor('that was seen', 10_000, () =>
      Promise.resolve(leftCordoned(story.timeline).length === 0),
    );
  });
  afterAll(async () => {
    await story.end();
    await cluster.kubectl(['uncordon', INFRA]);
    await cluster.close();
  });

  test('machines that run parts of it come last', () => {
    expect(orderOf(story.timeline, 'started')).toHaveLength(cluster.nodes.length);
    expect(orderOf(story.timeline, 'started')[0]).toBe(free);
  });

  test('somebody else took the lead meanwhile', () => {
    const lane = story.timeline.lanes.find(({ name }) => name === 'controller');
    const leaders = (lane?.marks ?? []).filter(({ kind }) => kind === 'leads').map(({ text }) => text);
    expect(new Set(leaders).size).toBeGreaterThanOrEqual(2);
  });

  test('all the same every machine went through once, in order', () => {
    expect(faultsOf(story.timeline)).toEqual([]);
  });
});
