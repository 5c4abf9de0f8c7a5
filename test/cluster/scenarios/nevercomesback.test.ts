import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { attemptsOf, seenBetween } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

const REBOOT_MS = 20_000;
/** An intent that was accepted just before the deadline may act for so long. */
const GRACE_MS = 120_000;
/** For a controller that looks, and a machine that is busy. */
const MARGIN_MS = 15_000;
const QUIET_MS = 5_000;

describe('a machine that never comes back', () => {
  let cluster: RealCluster;
  let story: Story;
  let victim: string;
  let others: string[];
  let halted: { reason: string; node: string } | undefined;
  let shown: { reason: string; message: string } | undefined;
  let cordoned: boolean | undefined;
  let returnedMs: number;

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    story = await Story.begin(cluster, {
      title: 'Never comes back',
      about:
        'The first machine hangs while it boots. Two minutes after its deadline it counts as lost: the policy is halted, the machine stays cordoned. At last somebody cycles its power.',
    });
    const version = await story.publishNext();
    for (const node of cluster.nodes)
      await cluster.host(node, { do: 'fault', name: 'bootHangs', spec: { version } });
    await story.applyPolicy('lost', { timeouts: { reboot: `${REBOOT_MS / 1_000}s` } });
    await story.waitFor('the policy is halted', 300_000, async () => {
      halted = (await story.policy('lost')).status?.halt ?? undefined;
      return halted !== undefined;
    });
    victim = halted?.node ?? '';
    others = cluster.nodes.filter((node) => node !== victim);
    await delay(QUIET_MS);
    shown = (await story.shadows()).get(victim)?.status?.update ?? undefined;
    cordoned = (await story.nodes()).find(({ metadata }) => metadata.name === victim)?.spec?.unschedulable;
    for (const node of cluster.nodes) await cluster.host(node, { do: 'clear' });
    returnedMs = Date.now();
    story.note({ node: victim }, { kind: 'killed', text: 'somebody cycles its power' });
    await cluster.host(victim, { do: 'powerCycle' });
    await story.waitFor('it is given back', 120_000, async () => {
      const shadow = (await story.shadows()).get(victim);
      return shadow?.spec.state === 'Idle' && shadow.status?.current_state === 'Idle';
    });
    await story.quiet();
  });
  afterAll(async () => {
    for (const node of cluster.nodes) await cluster.host(node, { do: 'clear' });
    await story.forgive(cluster.nodes);
    await story.end();
    await cluster.close();
  });

  test('it is noticed within the deadline and the time an intent may still act', () => {
    const marks = attemptsOf(story.timeline).find(({ node }) => node === victim)?.marks ?? [];
    const at = (kind: string): number => marks.find((mark) => mark.kind === kind)?.atMs ?? Number.NaN;
    const tookMs = at('lost') - at('rebootRequested');
    expect(tookMs).toBeGreaterThan(GRACE_MS);
    expect(tookMs).toBeLessThan(REBOOT_MS + GRACE_MS + MARGIN_MS);
  });

  test('policy and node say so', () => {
    expect(halted?.reason).toBe('RebootTimeout');
    expect(shown?.reason).toBe('RebootLost');
    expect(shown?.message).toBeTruthy();
  });

  test('nobody knows what runs there, so it stays cordoned until it is heard', () => {
    expect(cordoned).toBe(true);
    expect(seenBetween(story.timeline, ['uncordoned'], { fromMs: 0, toMs: returnedMs })).toEqual([]);
  });

  test('nothing else started', () => {
    const kinds = ['started', 'cordoned', 'podEvicted', 'rebootRequested'] as const;
    const touched = seenBetween(story.timeline, kinds, { fromMs: 0 });
    expect(touched.filter((what) => others.some((node) => what.startsWith(`${node}:`)))).toEqual([]);
  });

  test('it was told to reboot once, and is in service again', () => {
    expect(faultsOf(story.timeline)).toEqual([]);
  });
});
