/** Somebody deletes the shadow of a node. */
import { NAMESPACE, shadowName } from '../../../api/names.ts';
import { BottlerocketShadows } from '../../../api/v2/bottlerocketshadow.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';

export interface DeleteShadow extends EventBase {
  type: 'deleteShadow';
  node: string;
  moment?: Moment;
}

export const deleteShadow: EventKind<DeleteShadow> = {
  type: 'deleteShadow',
  weight: 2,
  draw: (random, { nodes }) => ({ node: pick(random, nodes), ...drawMoment(random) }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const key = { name: shadowName(event.node), namespace: NAMESPACE };
      void new Actor('admin', stage).remove(BottlerocketShadows, key);
    }),
  tell: (event) => `admin deletes the shadow of ${event.node}${tellMoment(event)}`,
};
