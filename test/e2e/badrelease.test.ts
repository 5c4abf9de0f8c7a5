import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RESUME_ANNOTATION, RETRY_ANNOTATION } from '../../src/api/names.ts';
import { rfc3339 } from '../../src/runtime/clock.ts';
import { testCluster } from './cluster.ts';
import { Recorder } from './recorder.ts';

const cluster = testCluster();

describe('a release that does not boot', () => {
  const recorder = new Recorder();
  let version: string;

  beforeAll(async () => {
    version = await cluster.publishNext();
    for (const node of cluster.nodes)
      await cluster.host(node, { do: 'fault', name: 'bootPanics', spec: { version } });
    recorder.start(cluster.kubernetes);
    await cluster.applyPolicy('halting', { maxConcurrentUpdates: 1 });
  });
  afterAll(async () => {
    await recorder.stop();
    for (const node of cluster.nodes) await cluster.host(node, { do: 'clear' });
    await cluster.deletePolicy('halting');
  });

  test('halts the policy at the first host, which falls back', async () => {
    const halt = async () => (await cluster.policy('halting'))?.status?.halt;
    await cluster.waitFor('the policy is halted', async () => (await halt())?.reason !== undefined, 120_000);
    expect(await halt()).toMatchObject({ reason: 'BootFallback', version });
  });

  test('leaves every other host alone, and says why', async () => {
    const halted = (await cluster.policy('halting'))?.status?.halt?.node;
    const others = cluster.nodes.filter((node) => node !== halted);
    await cluster.waitFor(
      'the others wait for a person',
      async () => {
        const shadows = await cluster.shadows();
        return others.every((node) => shadows.get(node)?.status?.update?.reason === 'Halted');
      },
      30_000,
    );
    for (const node of others) expect(recorder.states.get(node)).toEqual(['Idle']);
    await cluster.quiet();
  });

  test('goes on when a person says so, and the release boots', async () => {
    for (const node of cluster.nodes) await cluster.host(node, { do: 'clear' });
    const halted = (await cluster.policy('halting'))?.status?.halt?.node ?? '';
    await cluster.applyPolicy('halting', { maxConcurrentUpdates: '100%' });
    const now = rfc3339(Date.now());
    await cluster.kubectl(['annotate', 'upol', 'halting', `${RESUME_ANNOTATION}=${now}`]);
    await cluster.kubectl(['annotate', 'node', halted, `${RETRY_ANNOTATION}=${now}`]);
    await cluster.updatedTo(version, 240_000);
    await cluster.quiet();
  });
});
