import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { RESUME_ANNOTATION } from '../../../src/api/names.ts';
import { attemptsOf, seenBetween } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

/** So long nothing may start once the policy is halted. */
const QUIET_MS = 8_000;

describe('boot fallback', () => {
  let cluster: RealCluster;
  let story: Story;
  let version: string;
  let old: string | null | undefined;
  let victim: string;
  let resumedMs: number;
  let shown: { reason?: string; message?: string } | undefined;
  let condition: { status: string; reason: string; message: string } | undefined;

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    story = await Story.begin(cluster, {
      title: 'Boot fallback',
      about:
        'The new version does not start: every machine would fall back into the old one. The first does, which halts the policy; when somebody has looked into it and resumes, the rollout goes on.',
    });
    old = [...(await story.shadows()).values()][0]?.status?.current_version;
    version = await story.publishNext();
    for (const node of cluster.nodes)
      await cluster.host(node, { do: 'fault', name: 'bootPanics', spec: { version } });
    await story.applyPolicy('fallback');
    await story.waitFor('the policy is halted', 180_000, async () => {
      const { halt } = (await story.policy('fallback')).status ?? {};
      victim = halt?.node ?? '';
      return victim !== '';
    });
    await story.quiet();
    await delay(QUIET_MS);
    const policy = await story.policy('fallback');
    condition = policy.status?.conditions?.find(({ type }) => type === 'Halted');
    shown = (await story.shadows()).get(victim)?.status?.update ?? undefined;
    for (const node of cluster.nodes) await cluster.host(node, { do: 'clear' });
    resumedMs = Date.now();
    const now = new Date(resumedMs).toISOString();
    story.note({ actor: 'somebody' }, { kind: 'note', text: 'resumes the policy', atMs: resumedMs });
    await cluster.kubectl(['annotate', 'upol', 'fallback', `${RESUME_ANNOTATION}=${now}`]);
    await story.updatedTo(
      version,
      240_000,
      cluster.nodes.filter((node) => node !== victim),
    );
  });
  afterAll(async () => {
    for (const node of cluster.nodes) await cluster.host(node, { do: 'clear' });
    await story.forgive(cluster.nodes);
    await story.end();
    await cluster.close();
  });

  test('it is told from a success at the first look, and why is shown', () => {
    const [attempt] = attemptsOf(story.timeline).filter(({ node }) => node === victim);
    expect(attempt?.marks.find(({ kind }) => kind === 'failed')?.text).toMatch(/^BootFallback: /);
    const told = attempt?.marks.filter(({ kind }) => kind === 'note').map(({ text }) => text);
    expect(told).toContain(`BootFallback: The host rebooted for ${version} and runs ${old} again.`);
    expect(condition).toMatchObject({ status: 'True', reason: 'BootFallback' });
    expect(condition?.message).toContain(victim);
    expect(shown?.message).toBeTruthy();
  });

  test('nothing else started until somebody resumed', () => {
    const [first] = attemptsOf(story.timeline);
    expect(first?.node).toBe(victim);
    const kinds = ['started', 'cordoned', 'podEvicted', 'rebootRequested'] as const;
    const window = { fromMs: first?.endMs ?? 0, toMs: resumedMs };
    expect(seenBetween(story.timeline, kinds, window)).toEqual([]);
  });

  test('its machine is back in service with the version it had', async () => {
    const node = (await story.nodes()).find(({ metadata }) => metadata.name === victim);
    expect(node?.status?.nodeInfo?.osImage).toContain(`Bottlerocket OS ${old} `);
    expect(faultsOf(story.timeline)).toEqual([]);
  });
});
