/** An administrator uncordons a node, whoever cordoned it. */
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';

export interface Uncordon extends EventBase {
  type: 'uncordon';
  node: string;
  moment?: Moment;
}

export const uncordon: EventKind<Uncordon> = {
  type: 'uncordon',
  weight: 2,
  draw: (random, { nodes }) => ({ node: pick(random, nodes), ...drawMoment(random) }),
  apply: (event, stage) =>
    atMoment(stage, event, () => void new Actor('admin', stage).cordon(event.node, false)),
  tell: (event) => `admin uncordons ${event.node}${tellMoment(event)}`,
};
