/** A Node is deleted and made again under the same name: by the same machine, or by another that has its name. */
import { Nodes } from '../../../api/core.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface ReplaceNode extends EventBase {
  type: 'replaceNode';
  node: string;
  moment?: Moment;
  /** From the deletion to the registration. */
  afterMs: number;
  /** What the other machine runs; absent = it is the same machine, whose kubelet registers again. */
  version?: string;
}

export const replaceNode: EventKind<ReplaceNode> = {
  type: 'replaceNode',
  weight: 3,
  draw: (random, { nodes, releases }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    afterMs: pick(random, [100, 5_000, randomInt(random, 300_000)]),
    ...(random() < 0.5 && { version: pick(random, releases) }),
  }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const { node, version, afterMs } = event;
      const find = () => stage.machines.find(({ name }) => name === node);
      if (find() === undefined) return;
      const labels = stage.cluster.peek(Nodes, { name: node })?.metadata.labels ?? {};
      if (version !== undefined) stage.retireMachine(node);
      void new Actor('admin', stage).remove(Nodes, { name: node });
      stage.clock.after(afterMs, () => {
        if (version === undefined) find()?.interrupt('reset');
        else if (find() === undefined) stage.addMachine({ name: node, labels: ownLabels(labels), version });
      });
    }),
  tell: (event) =>
    `Node ${event.node} is deleted${tellMoment(event)}, and after ${tellMs(event.afterMs)} registered again by ` +
    (event.version === undefined ? 'the same machine' : `another machine, with ${event.version}`),
};

const ownLabels = ({ pool, 'topology.kubernetes.io/zone': zone }: Record<string, string>) => ({
  ...(pool !== undefined && { pool }),
  ...(zone !== undefined && { 'topology.kubernetes.io/zone': zone }),
});
