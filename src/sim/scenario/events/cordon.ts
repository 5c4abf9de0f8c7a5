/** An administrator cordons a node, and mostly undoes it again. */
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface Cordon extends EventBase {
  type: 'cordon';
  node: string;
  moment?: Moment;
  /** Then it is uncordoned; absent = at the calm, or never. */
  forMs?: number;
  /** It stays cordoned. */
  forGood?: boolean;
}

export const cordon: EventKind<Cordon> = {
  type: 'cordon',
  weight: 3,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    ...pick(random, [{ forMs: 5_000 + randomInt(random, 900_000) }, {}, { forGood: true }]),
  }),
  apply: ({ node, moment, forMs, forGood = false }, stage) => {
    const admin = new Actor('admin', stage);
    const undo = (): void => void admin.cordon(node, false);
    let isCordoned = false;
    let isUndone = false;
    const undoOnce = (): void => {
      if (isCordoned && !isUndone) undo();
      isUndone = true;
    };
    atMoment(stage, { node, ...(moment !== undefined && { moment }) }, () => {
      if (isUndone) return;
      isCordoned = true;
      void admin.cordon(node, true);
      if (forMs !== undefined) stage.clock.after(forMs, undoOnce);
    });
    if (!forGood) stage.onCalm(undoOnce);
  },
  tell: (event) =>
    `admin cordons ${event.node}${tellMoment(event)}${event.forGood === true ? ' for good' : event.forMs === undefined ? '' : ` for ${tellMs(event.forMs)}`}`,
};
