import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { NAMESPACE } from '../../../src/api/names.ts';
import { attemptsOf } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { makeImage } from '../story/image.ts';
import { applyOperator, installOperator, operatorReady } from '../story/install.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

const NEXT = 'brupop:v0.1.1';

describe('the operator is upgraded', () => {
  let cluster: RealCluster;
  let story: Story;
  let version: string;
  let scratch: string;
  let images: string[];
  let digests: string[];
  let upgradedMs: number;

  /** The different values of a field among the operator's pods. */
  const seen = async (path: string): Promise<string[]> => {
    const jsonpath = `-o=jsonpath={range .items[*]}{${path}}{"\\n"}{end}`;
    const text = await cluster.kubectl(['get', 'pods', '-n', NAMESPACE, jsonpath]);
    return [...new Set(text.trim().split('\n'))];
  };

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    scratch = await mkdtemp(join(tmpdir(), 'brupop-upgrade-'));
    const archive = await makeImage(scratch, { tag: NEXT, source: 'https://example.com/next' });
    await cluster.load(archive);
    digests = await seen('.status.containerStatuses[0].imageID');
    story = await Story.begin(cluster, {
      title: 'The operator is upgraded',
      about:
        'While the first machine is being drained, somebody applies the manifests with a new image. Controller, API servers and agents are replaced, the rollout goes on.',
    });
    version = await story.publishNext();
    await story.applyPolicy('upgraded', { health: { stableFor: '5s' } });
    await story.waitFor('a drain begins', 120_000, async () =>
      (await story.nodes()).some(({ spec }) => spec?.unschedulable === true),
    );
    upgradedMs = Date.now();
    story.note({ actor: 'somebody' }, { kind: 'upgraded', text: `applies ${NEXT}` });
    await applyOperator(cluster, { image: NEXT });
    await story.updatedTo(version, 300_000);
    await operatorReady(cluster);
    images = await seen('.spec.containers[0].image');
    digests = [...digests, ...(await seen('.status.containerStatuses[0].imageID'))];
  });
  afterAll(async () => {
    await story.end();
    await installOperator(cluster);
    await cluster.close();
    await rm(scratch, { recursive: true, force: true });
  });

  test('all of it runs the new image', () => {
    expect(images).toEqual([NEXT]);
    expect(digests).toHaveLength(2);
    expect(digests[0]).not.toBe(digests[1]);
  });

  test('the attempt that was under way was finished by its successor', () => {
    const underWay = attemptsOf(story.timeline).filter(
      ({ startMs, endMs = Infinity }) => startMs < upgradedMs && endMs > upgradedMs,
    );
    expect(underWay).toHaveLength(1);
    expect(underWay[0]?.marks.map(({ kind }) => kind)).toContain('updated');
  });

  test('every machine went through once, in order', () => {
    expect(attemptsOf(story.timeline)).toHaveLength(cluster.nodes.length);
    expect(faultsOf(story.timeline)).toEqual([]);
  });
});
