/** The kubelet of a node is not heard for a while; its pods run on. */
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface KubeletSilent extends EventBase {
  type: 'kubeletSilent';
  node: string;
  moment?: Moment;
  forMs: number;
}

export const kubeletSilent: EventKind<KubeletSilent> = {
  type: 'kubeletSilent',
  weight: 2,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    forMs: pick(random, [30_000, 60_000, 200_000, randomInt(random, 1_800_000)]),
  }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const name = `kubelet-${event.node}`;
      const end = stage.addFaults(({ client }) => (client === name ? { loseRequest: true } : undefined));
      stage.cutWatches((client) => client === name);
      stage.clock.after(event.forMs, end);
      stage.onCalm(end);
    }),
  tell: (event) => `the kubelet of ${event.node} is silent for ${tellMs(event.forMs)}${tellMoment(event)}`,
};
