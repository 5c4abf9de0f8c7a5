import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Pods, type Node } from '../../../src/api/core.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import { attemptsOf, leftCordoned, mostInFlight, orderOf } from '../../../src/sim/timeline/attempts.ts';
import { RealCluster } from '../story/cluster.ts';
import { namespace, SHOP, webApp } from '../story/objects.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

/** Everything of a Node that an attempt could have changed. */
const remains = ({ metadata, spec }: Node): object => ({
  labels: metadata.labels,
  annotations: metadata.annotations,
  unschedulable: spec?.unschedulable ?? false,
  taints: spec?.taints ?? [],
});

/** The node whose turn comes first: those that run parts of the operator come last. */
async function firstInTurn(cluster: RealCluster): Promise<string> {
  const { items } = await cluster.kubernetes.list(Pods, { namespace: NAMESPACE });
  const busy = new Set(
    items
      .filter(({ metadata }) => metadata.ownerReferences?.[0]?.kind !== 'DaemonSet')
      .map(({ spec }) => spec?.nodeName),
  );
  return cluster.nodes.find((node) => !busy.has(node)) ?? cluster.nodes[0]!;
}

describe('held', () => {
  let cluster: RealCluster;
  let story: Story;
  let version: string;
  let held: string;
  let before: Node | undefined;
  let bootBefore: string | undefined;
  let blocked: { reason: string; message: string } | undefined;
  const heldNode = async (): Promise<Node> =>
    (await story.nodes()).find(({ metadata }) => metadata.name === held)!;

  beforeAll(async () => {
    cluster = await RealCluster.open(inject('storyCluster'));
    story = await Story.begin(cluster, {
      title: 'Held',
      about:
        'A PodDisruptionBudget allows nothing. The drain of its machine is held, and after `drain.timeout` that machine is as before; the others get their turn.',
    });
    held = await firstInTurn(cluster);
    await story.apply(
      namespace(SHOP),
      ...webApp({ name: 'ledger', replicas: 1, minAvailable: 1, node: held }),
    );
    await cluster.kubectl(['rollout', 'status', 'deployment/ledger', '-n', SHOP, '--timeout=60s']);
    before = await heldNode();
    bootBefore = before.status?.nodeInfo?.bootID;
    version = await story.publishNext();
    await story.applyPolicy('held', { drain: { timeout: '30s' } });
    await story.waitFor('the drain is held', 120_000, async () => {
      blocked = (await story.shadows()).get(held)?.status?.update ?? undefined;
      return blocked?.reason === 'PodDisruptionBudget';
    });
    const others = cluster.nodes.filter((node) => node !== held);
    await story.updatedTo(version, 240_000, others);
  });
  afterAll(async () => {
    await story.end();
    await cluster.close();
  });

  test('the reason names the pod and the budget', () => {
    expect(blocked?.message).toMatch(/shop\/ledger-[a-z0-9]+-[a-z0-9]+/);
    expect(blocked?.message).toMatch(/budget "?(shop\/)?ledger/i);
  });

  test('its machine was given up after the time a drain may take, and is as before', async () => {
    const [attempt] = attemptsOf(story.timeline).filter(({ node }) => node === held);
    expect(attempt?.marks.find(({ kind }) => kind === 'putBack')?.text).toMatch(/^DrainTimeout/);
    const after = await heldNode();
    expect(remains(after)).toEqual(remains(before!));
    expect(after.status?.nodeInfo?.bootID).toBe(bootBefore);
  });

  test('its pod was never evicted', () => {
    const lane = story.timeline.lanes.find(({ name }) => name === held);
    const evicted = (lane?.marks ?? []).filter(({ kind }) => kind === 'podEvicted').map(({ text }) => text);
    expect(evicted.filter((text) => text.includes('ledger'))).toEqual([]);
  });

  test('the others got their turn afterwards, one at a time', () => {
    expect(orderOf(story.timeline, 'started')[0]).toBe(held);
    expect(mostInFlight(story.timeline)).toBe(1);
    expect(leftCordoned(story.timeline)).toEqual([]);
    expect(faultsOf(story.timeline)).toEqual([]);
  });
});
