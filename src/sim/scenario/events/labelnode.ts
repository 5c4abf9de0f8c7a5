/** An administrator changes a label of a node, which may take it out of a policy or into another. */
import { Nodes } from '../../../api/core.ts';
import { INTERFACE_VERSION_LABEL } from '../../../api/names.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface LabelNode extends EventBase {
  type: 'labelNode';
  node: string;
  moment?: Moment;
  label: string;
  /** null = it is taken away. */
  value: string | null;
  /** Then it is as it was; absent = it stays. */
  forMs?: number;
}

export const labelNode: EventKind<LabelNode> = {
  type: 'labelNode',
  weight: 3,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    ...pick(random, [
      { label: 'pool', value: pick(random, ['blue', 'green', 'grey']) },
      { label: 'pool', value: pick(random, ['blue', 'green', null]) },
      { label: 'topology.kubernetes.io/zone', value: pick(random, ['z0', 'z1', null]) },
      { label: INTERFACE_VERSION_LABEL, value: null },
    ]),
    ...(random() < 0.6 && { forMs: 5_000 + randomInt(random, 900_000) }),
  }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const { node, label, value, forMs } = event;
      const admin = new Actor('admin', stage);
      const before = stage.cluster.peek(Nodes, { name: node })?.metadata.labels?.[label] ?? null;
      void admin.label(node, label, value);
      if (forMs === undefined) return;
      stage.clock.after(forMs, () => void admin.label(node, label, before));
    }),
  tell: (event) =>
    `admin ${event.value === null ? `takes the label ${event.label} off` : `sets ${event.label}=${event.value} on`} ${event.node}` +
    `${tellMoment(event)}${event.forMs === undefined ? '' : ` for ${tellMs(event.forMs)}`}`,
};
