/** An autoscaler takes a node away, each in its own way. */
import { Nodes } from '../../../api/core.ts';
import { isKubernetesError } from '../../../runtime/kubernetes.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import type { Stage } from '../stage.ts';

const HOWS = {
  clusterAutoscaler: 'cluster-autoscaler taints, drains and removes',
  karpenter: 'Karpenter deletes, drains and removes',
  abrupt: 'somebody deletes, machine and all,',
  interruption: 'the cloud takes back the machine of',
} as const;

export interface ScaleDown extends EventBase {
  type: 'scaleDown';
  node: string;
  moment?: Moment;
  how: keyof typeof HOWS;
}

const DRAIN_MS = 300_000;
/** So long after its machine the cloud's controller removes a Node. */
const NODE_GONE_MS = 60_000;
const KARPENTER_FINALIZER = 'karpenter.sh/termination';

export const scaleDown: EventKind<ScaleDown> = {
  type: 'scaleDown',
  weight: 2,
  draw: (random, { nodes }) =>
    nodes.length < 2
      ? undefined
      : {
          node: pick(random, nodes),
          ...drawMoment(random),
          how: pick(random, Object.keys(HOWS) as (keyof typeof HOWS)[]),
        },
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      // The last one stays.
      if (stage.machines.length > 1) void WAYS[event.how](event.node, stage);
    }),
  tell: (event) => `${HOWS[event.how]} ${event.node}${tellMoment(event)}`,
};

const WAYS: Record<keyof typeof HOWS, (node: string, stage: Stage) => Promise<void>> = {
  clusterAutoscaler: async (node, stage) => {
    const actor = new Actor('cluster-autoscaler', stage);
    await actor.taint(node, { key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' });
    await actor.drain(node, DRAIN_MS);
    await leave(actor, node, stage);
  },
  karpenter: async (node, stage) => {
    const actor = new Actor('karpenter', stage);
    await changeFinalizer(actor, node, (others) => [...others, KARPENTER_FINALIZER]);
    await actor.remove(Nodes, { name: node });
    await actor.taint(node, { key: 'karpenter.sh/disrupted', effect: 'NoSchedule' });
    await actor.drain(node, DRAIN_MS);
    stage.retireMachine(node);
    await changeFinalizer(actor, node, (others) => others);
  },
  abrupt: async (node, stage) => {
    stage.retireMachine(node);
    await new Actor('admin', stage).remove(Nodes, { name: node });
  },
  interruption: (node, stage) => leave(new Actor('cloud', stage), node, stage),
};

async function leave(actor: Actor, node: string, stage: Stage): Promise<void> {
  stage.retireMachine(node);
  await stage.clock.sleep(NODE_GONE_MS);
  // Another machine may have its name by then.
  if (stage.machines.every(({ name }) => name !== node)) await actor.remove(Nodes, { name: node });
}

async function changeFinalizer(
  { port }: Actor,
  name: string,
  change: (others: string[]) => string[],
): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    try {
      const { metadata } = await port.get(Nodes, { name });
      const { resourceVersion = '', finalizers: before = [] } = metadata;
      const finalizers = change(before.filter((each) => each !== KARPENTER_FINALIZER));
      await port.patch(Nodes, { name }, { metadata: { resourceVersion, finalizers } });
      return;
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
    }
  }
}
