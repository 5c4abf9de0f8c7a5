/** Rows that take too long, or cannot be provoked, on a real API server; `deviations.ts` says why. */
import { describe, expect, it } from 'vitest';
import { CustomResourceDefinitions, PodDisruptionBudgets, Pods } from '../../src/api/core.ts';
import { isKubernetesError } from '../../src/runtime/kubernetes.ts';
import { VirtualClock } from '../../src/sim/clock.ts';
import { SimCluster } from '../../src/sim/cluster/cluster.ts';
import { SIM_ONLY } from './deviations.ts';
import { Widgets } from './world.ts';

const MINUTE_MS = 60_000;

const setUp = () => {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  const port = cluster.client('test');
  /** Runs a call to its end: its value, or the code of its error. */
  const settled = async <T>(call: Promise<T>): Promise<T | string> => {
    const told = call.catch((error: unknown) => (isKubernetesError(error) ? error.code : String(error)));
    await clock.advance(10);
    return told;
  };
  return { clock, cluster, port, settled };
};

const pod = (name: string) => ({
  metadata: { name, namespace: 'default', labels: { app: 'x' } },
  spec: { nodeName: 'n1', containers: [] },
});

describe('the simulated cluster alone', () => {
  it(`refuses a token a minute after its end (${SIM_ONLY.expiredToken})`, async () => {
    const { clock, cluster, port, settled } = setUp();
    cluster.serviceAccount('default', 'agent');
    const { token } = cluster.issueToken({
      namespace: 'default',
      serviceAccount: 'agent',
      audiences: ['a'],
      expirationSeconds: 600,
    });
    await clock.advance(10.5 * MINUTE_MS);
    expect(await settled(port.reviewToken(token, ['a']))).toMatchObject({ authenticated: true });
    await clock.advance(MINUTE_MS);
    expect(await settled(port.reviewToken(token, ['a']))).toMatchObject({
      authenticated: false,
      error: '[invalid bearer token, service account token has expired]',
    });
  });

  it(`counts a pod again that was evicted and is still there (${SIM_ONLY.disruptedPodGivenUp})`, async () => {
    const { clock, cluster, port, settled } = setUp();
    for (const name of ['a', 'b']) {
      cluster.add(Pods, pod(name));
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
      await settled(port.patch(Pods, { name, namespace: 'default' }, { status }, { subresource: 'status' }));
    }
    cluster.add(PodDisruptionBudgets, {
      metadata: { name: 'b', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'x' } }, minAvailable: 1 },
    });
    await clock.advance(1000);
    const allowed = () =>
      cluster.peek(PodDisruptionBudgets, { name: 'b', namespace: 'default' })?.status?.disruptionsAllowed;
    // The budget is spent, the pod is not the one that was meant.
    expect(await settled(port.evict({ name: 'a', namespace: 'default' }, { uid: 'another' }))).toBe(
      'conflict',
    );
    await clock.advance(1.5 * MINUTE_MS);
    expect(allowed()).toBe(0);
    await clock.advance(MINUTE_MS);
    expect(allowed()).toBe(1);
  });

  it('ends a CRD after its instances, takes no new ones meanwhile, and then knows it no more', async () => {
    const { clock, cluster, port, settled } = setUp();
    cluster.install(Widgets);
    const metadata = { name: 'w', namespace: 'default', finalizers: ['contract.brupop.test/hold'] };
    await settled(port.create(Widgets, { metadata, spec: { size: 1 } }));
    await settled(port.delete(CustomResourceDefinitions, { name: 'widgets.contract.brupop.test' }));
    await clock.advance(5000);
    const key = { name: 'w', namespace: 'default' };
    expect(await settled(port.get(Widgets, key))).toMatchObject({
      metadata: { deletionGracePeriodSeconds: 0 },
    });
    const another = { metadata: { name: 'x', namespace: 'default' }, spec: { size: 1 } };
    expect(await settled(port.create(Widgets, another))).toBe('invalid');
    await settled(port.patch(Widgets, key, { metadata: { finalizers: null } }));
    await clock.advance(5000);
    expect(await settled(port.list(Widgets))).toBe('notFound');
    expect(await settled(port.list(CustomResourceDefinitions))).toMatchObject({ items: [] });
  });

  it('forgets the past after five minutes', async () => {
    const { clock, cluster, port, settled } = setUp();
    const list = await settled(port.list(Pods));
    const from = typeof list === 'string' ? '' : list.resourceVersion;
    cluster.add(Pods, pod('a'));
    await clock.advance(10 * MINUTE_MS);
    cluster.add(Pods, pod('b'));
    const { signal } = new AbortController();
    const next = port.watch(Pods, { resourceVersion: from, signal }).next();
    expect(await settled(next)).toBe('expired');
  });
});
