import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testCluster } from './cluster.ts';

const cluster = testCluster();

/** kubectl's words when it refuses. */
const refusal = (name: string, spec: object): Promise<string> =>
  cluster.applyPolicy(name, spec).then(
    () => 'accepted',
    (error: Error) => error.message,
  );

describe('a policy with an error', () => {
  test.each([
    ['spec.maxConcurrentUpdates', { maxConcurrentUpdates: 'many' }],
    ['spec.mode', { mode: 'On' }],
    ['spec.drain.timeout', { drain: { timeout: 'soon' } }],
    [
      'spec.maintenanceWindows[0].duration',
      { maintenanceWindows: [{ schedule: '0 3 * * *', duration: '1m' }] },
    ],
  ])('is refused by the API server, which names %s', async (path, spec) => {
    expect(await refusal('wrong', spec)).toContain(path);
  });
});

describe('a policy whose error only the controller can see', () => {
  beforeAll(async () => {
    await cluster.publishNext();
    await cluster.applyPolicy('wrong-cron', {
      maintenanceWindows: [{ schedule: '61 3 * * *', duration: '2h' }],
    });
  });
  afterAll(() => cluster.deletePolicy('wrong-cron'));

  test('is Valid=False, with the path and the value', async () => {
    const valid = async () =>
      (await cluster.policy('wrong-cron'))?.status?.conditions?.find(({ type }) => type === 'Valid');
    await cluster.waitFor('the policy is judged', async () => (await valid())?.status === 'False', 30_000);
    expect((await valid())?.message).toContain('spec.maintenanceWindows[0].schedule');
    expect((await valid())?.message).toContain('61 3 * * *');
  });

  test('starts nothing, and every node says why', async () => {
    const reasons = async () =>
      [...(await cluster.shadows()).values()].map(({ status }) => status?.update?.reason);
    await cluster.waitFor(
      'every node waits for the policy',
      async () => (await reasons()).every((reason) => reason === 'PolicyInvalid'),
      30_000,
    );
    const states = [...(await cluster.shadows()).values()].map(({ spec }) => spec.state);
    expect(new Set(states)).toEqual(new Set(['Idle']));
  });
});
