import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Pods, type Node } from '../../../src/api/core.ts';
import { attemptsOf, seenBetween } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { namespace, SHOP, webApp } from '../story/objects.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

const MINUTE_MS = 60_000;
/** The least that a window lasts. */
const LENGTH_MIN = 15;
/** For staging and the begin of the drain. */
const AHEAD_MS = 25_000;
/** How long after its close nothing more may happen: whatever was under way has an answer by then. */
const SETTLE_MS = 4_000;

/** A window that opens at this minute. */
function windowFrom(name: string, opensMs: number): object {
  const at = new Date(opensMs);
  const schedule = `${at.getUTCMinutes()} ${at.getUTCHours()} ${at.getUTCDate()} * *`;
  return { name, schedule, duration: `${LENGTH_MIN}m`, timeZone: 'UTC' };
}

describe('the window closes between drain and reboot', () => {
  let cluster: RealCluster;
  let story: Story;
  let node: string;
  let version: string;
  let closesMs: number;
  let between: Node | undefined;
  let bootBefore: string | undefined;
  const theNode = async (): Promise<Node | undefined> =>
    (await story.nodes()).find(({ metadata }) => metadata.name === node);

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    story = await Story.begin(cluster, {
      title: 'The window closes',
      about:
        'A budget holds a drain until the maintenance window closes, with `onClose: StopBeforeReboot`. The machine is put back, and is updated when the next window opens a minute later.',
    });
    node = cluster.nodes[0]!;
    await story.apply(namespace(SHOP), ...webApp({ name: 'till', replicas: 1, minAvailable: 1, node }));
    await cluster.kubectl(['rollout', 'status', 'deployment/till', '-n', SHOP, '--timeout=60s']);
    bootBefore = (await theNode())?.status?.nodeInfo?.bootID;
    version = await story.publishNext();
    closesMs = Math.ceil((Date.now() + AHEAD_MS) / MINUTE_MS) * MINUTE_MS;
    const opensMs = closesMs + MINUTE_MS;
    await story.applyPolicy('window', {
      nodeSelector: { matchLabels: { 'kubernetes.io/hostname': node } },
      maintenanceWindows: [
        windowFrom('first', closesMs - LENGTH_MIN * MINUTE_MS),
        windowFrom('second', opensMs),
      ] as never,
      onClose: 'StopBeforeReboot',
    });
    await story.waitFor('the drain is held', MINUTE_MS + AHEAD_MS, async () => {
      const reason = (await story.shadows()).get(node)?.status?.update?.reason;
      return reason === 'PodDisruptionBudget';
    });
    await story.waitFor('the machine is put back', 2 * MINUTE_MS, async () => {
      const shadow = (await story.shadows()).get(node);
      between = await theNode();
      const free = between?.spec?.unschedulable !== true;
      return shadow?.spec.state === 'Idle' && shadow.status?.current_state === 'Idle' && free;
    });
    await cluster.kubectl(['delete', 'pdb', 'till', '-n', SHOP]);
    await story.updatedTo(version, 3 * MINUTE_MS, [node]);
  });
  afterAll(async () => {
    await story.end();
    await cluster.close();
  });

  const attempts = () => attemptsOf(story.timeline).filter((each) => each.node === node);

  test('it was put back at the close, cordon and all, and did not reboot', () => {
    const [first] = attempts();
    expect(first?.marks.find(({ kind }) => kind === 'putBack')?.text).toMatch(/^WindowClosed/);
    expect(first?.marks.map(({ kind }) => kind)).not.toContain('rebootRequested');
    expect(between?.status?.nodeInfo?.bootID).toBe(bootBefore);
  });

  test('nothing happened to it until the next window opened', () => {
    const kinds = ['started', 'cordoned', 'podEvicted', 'rebootRequested'] as const;
    const closed = { fromMs: closesMs + SETTLE_MS, toMs: closesMs + MINUTE_MS - 1 };
    expect(seenBetween(story.timeline, kinds, closed)).toEqual([]);
  });

  test('then it was updated', () => {
    expect(attempts()).toHaveLength(2);
    expect(attempts()[1]?.startMs).toBeGreaterThanOrEqual(closesMs + MINUTE_MS);
    expect(attempts()[1]?.marks.map(({ kind }) => kind)).toContain('updated');
    expect(faultsOf(story.timeline)).toEqual([]);
  });

  test('the pod that held it ran on until it could be moved', async () => {
    const { items } = await cluster.kubernetes.list(Pods, { namespace: SHOP, labelSelector: 'app=till' });
    expect(items).toHaveLength(1);
    const evicted = seenBetween(story.timeline, ['podEvicted'], { fromMs: 0, toMs: closesMs });
    expect(evicted.filter((what) => what.includes('till'))).toEqual([]);
  });
});
