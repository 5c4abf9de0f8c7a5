/** The power of a machine goes, at any moment, and comes back at once, later, or after hours. */
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface PowerCut extends EventBase {
  type: 'powerCut';
  node: string;
  moment?: Moment;
  /** 0 = it comes back at once. After the calm too, when it is long. */
  forMs: number;
}

const HOUR = 3_600_000;

export const powerCut: EventKind<PowerCut> = {
  type: 'powerCut',
  weight: 4,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    forMs: pick(random, [0, 0, 20_000, randomInt(random, 900_000), randomInt(random, 4 * HOUR)]),
  }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const machine = stage.machines.find(({ name }) => name === event.node);
      if (event.forMs === 0) return machine?.interrupt('powerCycle');
      machine?.interrupt('off');
      stage.clock.after(event.forMs, () => machine?.interrupt('on'));
    }),
  tell: (event) =>
    `the power of ${event.node} goes${event.forMs === 0 ? ' and comes back' : ` for ${tellMs(event.forMs)}`}${tellMoment(event)}`,
};
