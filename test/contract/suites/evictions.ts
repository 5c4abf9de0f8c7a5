/** Evictions and the budgets they ask: every row that `controllers/drain` reads answers by. */
import { describe, expect, it } from 'vitest';
import { PodDisruptionBudgets, type PodDisruptionBudget, Pods } from '../../../src/api/core.ts';
import { Deployments, ReplicaSets } from '../../../src/sim/cluster/kinds.ts';
import {
  type ContractWorld,
  eventually,
  expectFailure,
  failure,
  fresh,
  namespace,
  node,
  pod,
  type PodWish,
} from '../world.ts';

const labels = { app: 'x' };
const selector = { matchLabels: labels };
const ANOTHER_UID = '00000000-0000-4000-8000-000000000000';
const BLOCKED = "Cannot evict pod as it would violate the pod's disruption budget.";

const owner = (kind: string, object: { metadata: { name: string; uid?: string } }) => [
  {
    apiVersion: 'apps/v1',
    kind,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    controller: true,
  },
];
const workload = (inNamespace: string, replicas: number) => ({
  metadata: { name: fresh('set'), namespace: inNamespace },
  spec: {
    replicas,
    selector,
    template: {
      metadata: { labels },
      spec: {
        containers: [{ name: 'main', image: 'none' }],
        nodeSelector: { 'contract.brupop.test/none': 'true' },
      },
    },
  },
});

export function evictionSuite(world: () => ContractWorld): void {
  const shop = async () => {
    const inNamespace = await namespace(world());
    const nodeName = await node(world());
    const add = (wish: Partial<PodWish> = {}) =>
      pod(world(), { namespace: inNamespace, nodeName, labels, phase: 'Running', ...wish });
    const budget = async (spec: PodDisruptionBudget['spec']): Promise<string> => {
      const name = fresh('budget');
      await world().port.create(PodDisruptionBudgets, {
        metadata: { name, namespace: inNamespace },
        spec: { selector, ...spec },
      });
      return name;
    };
    return { inNamespace, add, budget };
  };
  type Evictable = Awaited<ReturnType<typeof pod>>;
  const evict = (
    object: Evictable,
    options: { uid?: string; dryRun?: boolean; gracePeriodSeconds?: number } = {},
  ) =>
    world().port.evict(
      { name: object.metadata.name, namespace: object.metadata.namespace ?? '' },
      { uid: object.metadata.uid, ...options },
    );
  const read = ({ metadata: { name, namespace: inNamespace = '' } }: Evictable) =>
    world().port.get(Pods, { name, namespace: inNamespace });
  /** The status of a budget, once it is as expected. */
  const settled = (inNamespace: string, name: string, expected: NonNullable<PodDisruptionBudget['status']>) =>
    eventually(world(), async () => {
      const { status = {} } = await world().port.get(PodDisruptionBudgets, { name, namespace: inNamespace });
      const isAsExpected = Object.entries(expected).every(
        ([field, value]) => status[field as keyof typeof status] === value,
      );
      return isAsExpected && status.observedGeneration !== undefined ? status : undefined;
    });

  describe('an eviction that asks no budget', () => {
    it('marks a running pod for deletion and says on it why', async () => {
      const { add } = await shop();
      const object = await add();
      await evict(object);
      const marked = await read(object);
      expect(marked.metadata.deletionTimestamp).toBeDefined();
      expect(marked.status?.conditions?.map(({ type }) => type)).toContain('DisruptionTarget');
    });

    it('with a grace period gives that much time', async () => {
      const { add } = await shop();
      const object = await add();
      await evict(object, { gracePeriodSeconds: 7 });
      expect((await read(object)).metadata).toMatchObject({ deletionGracePeriodSeconds: 7 });
    });

    it('with dryRun does nothing', async () => {
      const { add } = await shop();
      const object = await add();
      await evict(object, { dryRun: true });
      expect((await read(object)).metadata.deletionTimestamp).toBeUndefined();
    });

    it('of another UID is a conflict', async () => {
      const { add } = await shop();
      const object = await add();
      const error = await expectFailure(evict(object, { uid: ANOTHER_UID }), 'conflict');
      expect(error.status).toBe(409);
      expect(error.message).toContain(
        `the UID in the precondition (${ANOTHER_UID}) does not match the UID in record`,
      );
      expect((await read(object)).metadata.deletionTimestamp).toBeUndefined();
    });

    it('of a pod that is not there says so', async () => {
      const { inNamespace } = await shop();
      const call = world().port.evict({ name: 'none', namespace: inNamespace }, { uid: ANOTHER_UID });
      expect((await expectFailure(call, 'notFound')).status).toBe(404);
    });

    it('of a terminating pod is well and changes nothing', async () => {
      const { add } = await shop();
      const object = await add();
      await evict(object);
      const { metadata } = await read(object);
      await evict(object);
      expect((await read(object)).metadata.deletionTimestamp).toBe(metadata.deletionTimestamp);
    });

    it('of a terminating pod with another UID has no answer in time', async () => {
      const { add } = await shop();
      const object = await add();
      await evict(object);
      const error = await failure(evict(object, { uid: ANOTHER_UID }));
      expect([error.code, error.outcomeUnknown]).toEqual([error.code, true]);
    });
  });

  describe('an eviction under a budget', () => {
    it('passes while disruptions are allowed, and spends one at once', async () => {
      const { inNamespace, add, budget } = await shop();
      const [first, second] = [await add(), await add()];
      const name = await budget({ minAvailable: 1 });
      await settled(inNamespace, name, {
        disruptionsAllowed: 1,
        currentHealthy: 2,
        desiredHealthy: 1,
        expectedPods: 2,
      });
      await evict(first);
      const error = await expectFailure(evict(second), 'throttled');
      expect([error.status, error.message]).toEqual([429, BLOCKED]);
      expect(error.causes).toEqual(
        [
          {
            reason: 'DisruptionBudget',
            message: `The disruption budget ${name} needs 1 healthy pods and has 1 currently`,
          },
        ].map((cause) => expect.objectContaining({ reason: cause.reason })),
      );
      await settled(inNamespace, name, { disruptionsAllowed: 0, currentHealthy: 1 });
    });

    it('is refused while none is allowed, with the numbers and whatever the UID', async () => {
      const { inNamespace, add, budget } = await shop();
      const object = await add();
      const name = await budget({ minAvailable: 1 });
      await settled(inNamespace, name, { disruptionsAllowed: 0, currentHealthy: 1 });
      for (const options of [{}, { dryRun: true }, { uid: ANOTHER_UID }]) {
        const error = await expectFailure(evict(object, options), 'throttled');
        expect(error.causes[0]).toMatchObject({
          reason: 'DisruptionBudget',
          message: `The disruption budget ${name} needs 1 healthy pods and has 1 currently`,
        });
      }
    });

    it('of another UID spends a disruption nevertheless', async () => {
      const { inNamespace, add, budget } = await shop();
      const [first] = [await add(), await add()];
      const name = await budget({ minAvailable: 1 });
      await settled(inNamespace, name, { disruptionsAllowed: 1 });
      await expectFailure(evict(first, { uid: ANOTHER_UID }), 'conflict');
      await expectFailure(evict(first), 'throttled');
    });

    it('under two budgets is answered 500', async () => {
      const { inNamespace, add, budget } = await shop();
      const object = await add();
      for (const name of [await budget({ minAvailable: 0 }), await budget({ minAvailable: 0 })])
        await settled(inNamespace, name, { disruptionsAllowed: 1 });
      const error = await expectFailure(evict(object), 'server');
      expect(error.status).toBe(500);
      expect(error.message).toBe(
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      );
      expect((await read(object)).metadata.deletionTimestamp).toBeUndefined();
    });

    it('of a pending pod asks no budget', async () => {
      const { inNamespace, budget } = await shop();
      const object = await pod(world(), { namespace: inNamespace, labels });
      await settled(inNamespace, await budget({ minAvailable: 1 }), {
        expectedPods: 1,
        disruptionsAllowed: 0,
      });
      await budget({ minAvailable: 1 });
      await evict(object);
      await expectFailure(read(object), 'notFound');
    });

    it('of a pod that has ended asks no budget', async () => {
      const { inNamespace, add, budget } = await shop();
      const object = await add({ phase: 'Succeeded' });
      await settled(inNamespace, await budget({ minAvailable: 1 }), {
        disruptionsAllowed: 0,
        expectedPods: 1,
      });
      await evict(object);
      await expectFailure(read(object), 'notFound');
    });

    it('of a pod that is not ready passes only where the budget is met without it', async () => {
      const { inNamespace, add, budget } = await shop();
      const sick = await add({ ready: false });
      const name = await budget({ minAvailable: 1 });
      await settled(inNamespace, name, { currentHealthy: 0, desiredHealthy: 1 });
      await expectFailure(evict(sick), 'throttled');
      await add();
      await settled(inNamespace, name, { currentHealthy: 1, disruptionsAllowed: 0 });
      await evict(sick);
      expect((await read(sick)).metadata.deletionTimestamp).toBeDefined();
    });

    it('whose selector is empty holds for every pod of the namespace', async () => {
      const { inNamespace, add, budget } = await shop();
      const object = await add({ labels: { other: 'y' } });
      await settled(inNamespace, await budget({ selector: {}, minAvailable: 1 }), { currentHealthy: 1 });
      await expectFailure(evict(object), 'throttled');
    });

    it('that was just changed is held back until it is processed, and passes then', async () => {
      const { inNamespace, add, budget } = await shop();
      const object = await add();
      const name = await budget({ minAvailable: 1 });
      await settled(inNamespace, name, { disruptionsAllowed: 0, currentHealthy: 1 });
      await world().port.patch(
        PodDisruptionBudgets,
        { name, namespace: inNamespace },
        { spec: { minAvailable: 0 } },
      );
      await settled(inNamespace, name, { disruptionsAllowed: 1, observedGeneration: 2 });
      await evict(object);
      expect((await read(object)).metadata.deletionTimestamp).toBeDefined();
    });
  });

  describe('the status of a budget', () => {
    it('counts maxUnavailable by the scale of the pods’ controller', async () => {
      const { inNamespace, add, budget } = await shop();
      const set = await world().port.create(ReplicaSets, workload(inNamespace, 3));
      for (let index = 0; index < 3; index++) await add({ ownerReferences: owner('ReplicaSet', set) });
      const one = await budget({ maxUnavailable: 1 });
      await settled(inNamespace, one, {
        expectedPods: 3,
        desiredHealthy: 2,
        currentHealthy: 3,
        disruptionsAllowed: 1,
      });
      const half = await budget({ minAvailable: '50%' });
      await settled(inNamespace, half, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 });
    });

    it('allows nothing by maxUnavailable for pods without a controller', async () => {
      const { inNamespace, add, budget } = await shop();
      await add();
      await settled(inNamespace, await budget({ maxUnavailable: 1 }), {
        expectedPods: 0,
        desiredHealthy: 0,
        currentHealthy: 1,
        disruptionsAllowed: 0,
      });
    });

    it('does not count a pod that is on its way out', async () => {
      const { inNamespace, add, budget } = await shop();
      const [first] = [await add(), await add()];
      const name = await budget({ minAvailable: 1 });
      await settled(inNamespace, name, { currentHealthy: 2, disruptionsAllowed: 1 });
      await world().port.delete(Pods, { name: first.metadata.name, namespace: inNamespace });
      await settled(inNamespace, name, { currentHealthy: 1, disruptionsAllowed: 0 });
    });

    it('knows the scale of a Deployment through its ReplicaSet', async () => {
      const { inNamespace, add, budget } = await shop();
      const { metadata, spec } = workload(inNamespace, 2);
      // Paused: its controller is not to replace our ReplicaSet.
      const deployment = await world().port.create(Deployments, {
        metadata,
        spec: { ...spec, paused: true },
      });
      const wished = workload(inNamespace, 2);
      const set = await world().port.create(ReplicaSets, {
        ...wished,
        metadata: { ...wished.metadata, ownerReferences: owner('Deployment', deployment) },
      });
      await add({ ownerReferences: owner('ReplicaSet', set) });
      await add({ ownerReferences: owner('ReplicaSet', set) });
      const name = await budget({ maxUnavailable: 1 });
      await settled(inNamespace, name, { expectedPods: 2, desiredHealthy: 1, disruptionsAllowed: 1 });
    });
  });
}
