import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testCluster } from './cluster.ts';
import { Recorder } from './recorder.ts';

const cluster = testCluster();

/** Kills a process of the operator without a chance to say good-bye. */
const kill = (pid: number): void => void process.kill(pid, 'SIGKILL');

const nodeIn = async (...states: string[]): Promise<string | undefined> =>
  [...(await cluster.shadows())].find(([, { spec }]) => states.includes(spec.state))?.[0];

/** Waits until some node is in one of the states. */
const someNodeIn = async (...states: string[]): Promise<string> => {
  await cluster.waitFor(
    `a node is in ${states.join(' or ')}`,
    async () => (await nodeIn(...states)) !== undefined,
    90_000,
  );
  return (await nodeIn(...states)) ?? '';
};

describe('a rollout during which everything is killed once', () => {
  const recorder = new Recorder();
  let version: string;

  beforeAll(async () => {
    version = await cluster.publishNext();
    recorder.start(cluster.kubernetes);
    await cluster.applyPolicy('restarts', { maxConcurrentUpdates: 2 });
  });
  afterAll(async () => {
    await recorder.stop();
    await cluster.deletePolicy('restarts');
  });

  test('the agent of a node that is being staged', async () => {
    const node = await someNodeIn('StagedAndPerformedUpdate');
    const agent = cluster.processes('agent').find((each) => each.node === node);
    expect(agent).toBeDefined();
    if (agent !== undefined) kill(agent.pid);
  });

  test('the API server that agents speak to', async () => {
    const [first] = cluster.processes('apiserver');
    expect(first).toBeDefined();
    if (first !== undefined) kill(first.pid);
    await someNodeIn('StagedAndPerformedUpdate', 'RebootedIntoUpdate');
  });

  test('the controller that leads', async () => {
    await someNodeIn('StagedAndPerformedUpdate', 'RebootedIntoUpdate');
    const leader = await cluster.leader();
    const process = cluster.processes('controller').find(({ pod }) => leader.startsWith(pod));
    expect(process).toBeDefined();
    if (process !== undefined) kill(process.pid);
    await cluster.waitFor(
      'another controller leads',
      async () => !['', leader].includes(await cluster.leader()),
      60_000,
    );
  });

  test('kube-apiserver, which says nothing for longer than a lease lasts', async () => {
    const pid = cluster.facts.pids['kube-apiserver'] ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      await delay(17_000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await cluster.waitFor(
      'kube-apiserver answers',
      () =>
        cluster.versions().then(
          () => true,
          () => false,
        ),
      60_000,
    );
  });

  test('ends with every host updated all the same', async () => {
    await cluster.updatedTo(version, 280_000);
    await cluster.quiet();
  });

  test('never had more in flight than allowed', () => {
    expect(recorder.mostInFlight).toBeLessThanOrEqual(2);
  });

  test.each(cluster.nodes)('rebooted %s exactly once', (node) => {
    expect(recorder.bootIds.get(node)).toHaveLength(2);
  });
});
