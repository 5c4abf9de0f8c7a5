import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Pods, type Node } from '../../../src/api/core.ts';
import { NAMESPACE, RETRY_ANNOTATION } from '../../../src/api/names.ts';
import { rfc3339 } from '../../../src/runtime/clock.ts';
import { attemptsOf, orderOf, type Attempt } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
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

/** Pods evicted in an attempt. */
const evicted = (attempt: Attempt | undefined): string[] =>
  (attempt?.marks ?? []).filter(({ kind }) => kind === 'podEvicted').map(({ text }) => text);

describe('held', () => {
  let cluster: RealCluster;
  let story: Story;
  let version: string;
  let held: string;
  let before: Node | undefined;
  let after: Node | undefined;
  let blocked: { reason: string; message: string } | undefined;
  const heldNode = async (): Promise<Node> =>
    (await story.nodes()).find(({ metadata }) => metadata.name === held)!;

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
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
    version = await story.publishNext();
    await story.applyPolicy('held', { drain: { timeout: '30s' } });
    await story.waitFor('the drain is held', 120_000, async () => {
      blocked = (await story.shadows()).get(held)?.status?.update ?? undefined;
      return blocked?.reason === 'PodDisruptionBudget';
    });
    const others = cluster.nodes.filter((node) => node !== held);
    await story.updatedTo(version, 300_000, others);
    after = await heldNode();

    // A person gives way, and asks for it again.
    await cluster.kubectl(['scale', 'deployment/ledger', '-n', SHOP, '--replicas=2']);
    await cluster.kubectl(['rollout', 'status', 'deployment/ledger', '-n', SHOP, '--timeout=60s']);
    await cluster.kubectl(['annotate', 'node', held, `${RETRY_ANNOTATION}=${rfc3339(Date.now())}`]);
    await story.updatedTo(version, 240_000);
  });
  afterAll(async () => {
    await story.end();
    await cluster.close();
  });

  test('the reason names the pod and the budget', () => {
    expect(blocked?.message).toMatch(/shop\/ledger-[a-z0-9]+-[a-z0-9]+/);
    expect(blocked?.message).toMatch(/budget "?(shop\/)?ledger/i);
  });

  test('its machine was given up after the time a drain may take, and was as before', () => {
    const [attempt] = attemptsOf(story.timeline).filter(({ node }) => node === held);
    expect(attempt?.marks.find(({ kind }) => kind === 'putBack')?.text).toMatch(/^DrainTimeout/);
    expect(remains(after!)).toEqual(remains(before!));
    expect(after?.status?.nodeInfo?.bootID).toBe(before?.status?.nodeInfo?.bootID);
  });

  test('its pod was not evicted until there were two', () => {
    const [first, second] = attemptsOf(story.timeline).filter(({ node }) => node === held);
    expect(evicted(first).filter((text) => text.includes('ledger'))).toEqual([]);
    expect(evicted(second).filter((text) => text.includes('ledger')).length).toBeGreaterThan(0);
  });

  test('the others got their turn afterwards, one at a time', () => {
    expect(orderOf(story.timeline, 'started')[0]).toBe(held);
    expect(faultsOf(story.timeline)).toEqual([]);
  });
});
