import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { attemptsOf, seenBetween, type Attempt } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { namespace, SHOP, webApp } from '../story/objects.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

const AWAY_MS = 60_000;
const PROGRAMS = ['kube-apiserver', 'etcd'] as const;
type Program = (typeof PROGRAMS)[number];

interface Absence {
  program: Program;
  node: string;
  fromMs: number;
  toMs: number;
}

describe('a control plane that is away for a minute in the middle of a drain', () => {
  let cluster: RealCluster;
  let story: Story;
  let version: string;
  const absences: Absence[] = [];

  /** Waits for a drain that is under way, takes the program away, and lets that drain come to its end afterwards. */
  async function takeAway(program: Program, done: readonly string[]): Promise<string> {
    let node = '';
    await story.waitFor('a pod is being evicted', 120_000, async () => {
      const shadows = await story.shadows();
      const reason = (each: string): string | undefined => shadows.get(each)?.status?.update?.reason;
      node =
        cluster.nodes.find((each) => !done.includes(each) && reason(each) === 'PodDisruptionBudget') ?? '';
      return node !== '';
    });
    const fromMs = Date.now();
    await cluster.component(program, 'away');
    await delay(AWAY_MS);
    absences.push({ program, node, fromMs, toMs: Date.now() });
    await cluster.component(program, 'back');
    await story.waitFor(`${program} answers`, 60_000, async () => (await story.nodes()).length > 0);
    // Now the drain may go on.
    await cluster.kubectl(['delete', 'pdb', `held-${node}`, '-n', SHOP]);
    return node;
  }

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    story = await Story.begin(cluster, {
      title: 'Control plane away',
      about:
        'In the middle of one drain kube-apiserver is away for a minute, in that of another one etcd. Nobody takes that for a failure, and both machines are updated afterwards.',
    });
    const pair = cluster.nodes.slice(0, PROGRAMS.length);
    await story.apply(
      namespace(SHOP),
      ...pair.flatMap((node) => webApp({ name: `held-${node}`, replicas: 1, minAvailable: 1, node })),
    );
    for (const node of pair)
      await cluster.kubectl(['rollout', 'status', `deployment/held-${node}`, '-n', SHOP, '--timeout=60s']);
    version = await story.publishNext();
    await story.applyPolicy('away', {
      nodeSelector: {
        matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [...pair] }],
      },
      health: { stableFor: '5s' },
    });
    const done: string[] = [];
    for (const program of PROGRAMS) done.push(await takeAway(program, done));
    await story.updatedTo(version, 180_000, pair);
  });
  afterAll(async () => {
    for (const program of PROGRAMS.toReversed())
      await cluster.component(program, 'back').catch(() => undefined);
    await story.end();
    await cluster.close();
  });

  const attemptsAt = (node: string): Attempt[] =>
    attemptsOf(story.timeline).filter((attempt) => attempt.node === node);

  test.each(PROGRAMS)('the machine whose drain %s was missed in was updated afterwards', (program) => {
    const { node, toMs } = absences.find((absence) => absence.program === program)!;
    const attempts = attemptsAt(node);
    const last = attempts.at(-1)?.marks.find(({ kind }) => kind === 'updated');
    expect(last?.atMs).toBeGreaterThan(toMs);
    // While nobody could see them the machines did not count as Ready; an attempt may have been put back for that.
    for (const { marks } of attempts.slice(0, -1))
      expect(marks.find(({ kind }) => kind === 'putBack')?.text).toMatch(/^Superseded: Node .* is not Ready/);
  });

  test('meanwhile no machine was rebooted', () => {
    for (const { fromMs, toMs } of absences)
      expect(seenBetween(story.timeline, ['rebootRequested', 'down', 'booted'], { fromMs, toMs })).toEqual(
        [],
      );
  });

  test('nothing was counted as a failure, and every machine went through in order', async () => {
    expect((await story.policy('away')).status?.halt ?? null).toBeNull();
    expect(faultsOf(story.timeline)).toEqual([]);
  });
});
