import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { testCluster } from './cluster.ts';
import { Recorder } from './recorder.ts';

const cluster = testCluster();
const UPDATE_STATES = ['Idle', 'StagedAndPerformedUpdate', 'RebootedIntoUpdate', 'MonitoringUpdate', 'Idle'];

/** On the node whose turn comes first: the only one of its zone. */
const FIRST = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: {
          matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-3'] }],
        },
      },
    ],
  },
};

/** A part of the shop that may not lose its only pod. */
const guarded = (replicas: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'ledger', namespace: 'shop' },
        spec: {
          replicas,
          selector: { matchLabels: { app: 'ledger' } },
          template: {
            metadata: { labels: { app: 'ledger' } },
            spec: { affinity: FIRST, containers: [{ name: 'ledger', image: 'example.test/ledger:1' }] },
          },
        },
      },
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'ledger', namespace: 'shop' },
        spec: { minAvailable: 1, selector: { matchLabels: { app: 'ledger' } } },
      },
    ],
  });

describe('a rollout over five hosts, two at a time', () => {
  const recorder = new Recorder({ cart: 3, web: 4, ledger: 1 });
  let version: string;

  beforeAll(async () => {
    await cluster.kubectl(['apply', '-f', '-'], guarded(1));
    for (const app of ['cart', 'web', 'ledger']) {
      await cluster.kubectl(['rollout', 'status', `deployment/${app}`, '-n', 'shop', '--timeout=60s']);
    }
    version = await cluster.publishNext();
    recorder.start(cluster.kubernetes);
    await cluster.applyPolicy('rollout', { maxConcurrentUpdates: 2 });
  });
  afterAll(async () => {
    await recorder.stop();
    await cluster.deletePolicy('rollout');
    await cluster.kubectl(['delete', '-f', '-', '--ignore-not-found'], guarded(1));
  });

  test('is held by a PodDisruptionBudget, and says by which', async () => {
    const blocked = async () =>
      [...(await cluster.shadows()).values()].find(
        ({ status }) => status?.update?.reason === 'PodDisruptionBudget',
      );
    await cluster.waitFor('a drain is blocked', async () => (await blocked()) !== undefined, 120_000);
    const update = (await blocked())?.status?.update;
    expect(update?.message).toContain('shop/ledger');
  });

  test('goes on once a replacement is Ready, and ends with every host updated', async () => {
    await cluster.kubectl(['scale', 'deployment/ledger', '-n', 'shop', '--replicas=2']);
    await cluster.updatedTo(version, 240_000);
    await cluster.quiet();
    const nodes = await cluster.bottlerocketNodes();
    expect(nodes.map(({ status }) => status?.nodeInfo?.osImage)).toEqual(
      cluster.nodes.map(() => `Bottlerocket OS ${version} (aws-k8s-1.36)`),
    );
  });

  test('never had more in flight than allowed', () => {
    expect(recorder.mostInFlight).toBe(2);
  });

  test('never broke a budget', () => {
    expect(recorder.fewestReady.get('cart')).toBeGreaterThanOrEqual(2);
    expect(recorder.fewestReady.get('web')).toBeGreaterThanOrEqual(3);
    expect(recorder.fewestReady.get('ledger')).toBeGreaterThanOrEqual(1);
  });

  test.each(cluster.nodes)('took %s through every state once, with one reboot', (node) => {
    expect(recorder.states.get(node)).toEqual(UPDATE_STATES);
    expect(recorder.bootIds.get(node)).toHaveLength(2);
    expect(recorder.cordoned).toContain(node);
  });

  test('is told by the policy', async () => {
    await cluster.waitFor(
      'the policy shows 5/5',
      async () => (await cluster.policy('rollout'))?.status?.summary?.updated === '5/5',
      20_000,
    );
    const status = (await cluster.policy('rollout'))?.status;
    expect(status?.nodes).toMatchObject({ selected: 5, upToDate: 5, updating: 0, failed: 0 });
    expect(status?.history?.[0]).toMatchObject({ targetVersion: version, result: 'Completed', updated: 5 });
  });

  test('is told by Events on the nodes', async () => {
    const events = await cluster.kubectl(['get', 'events', '-A', '-o', 'jsonpath={.items[*].reason}']);
    expect(events.split(' ')).toContain('Updated');
  });
});

describe('what people read', () => {
  afterEach(() => cluster.deletePolicy('readable'));

  test('kubectl explain documents a field', async () => {
    const text = await cluster.kubectl(['explain', 'upol.spec.maintenanceWindows']);
    expect(text).toContain('FIELDS:');
    expect(text).toMatch(/schedule.*-required-/);
  });

  test('kubectl get shows each node with its state and why it waits', async () => {
    await cluster.applyPolicy('readable', { mode: 'Paused' });
    const shadows = await cluster.kubectl(['get', 'brs', '-A']);
    for (const node of cluster.nodes) expect(shadows).toContain(`brs-${node}`);
    const policies = await cluster.kubectl(['get', 'upol']);
    expect(policies).toContain('readable');
  });
});
