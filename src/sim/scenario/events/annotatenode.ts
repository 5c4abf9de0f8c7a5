/** A person says something about a node: leave it alone, do it now, try it again. */
import { EXCLUDE_ANNOTATION, RETRY_ANNOTATION, RUN_NOW_ANNOTATION } from '../../../api/names.ts';
import { rfc3339 } from '../../../runtime/clock.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface AnnotateNode extends EventBase {
  type: 'annotateNode';
  node: string;
  moment?: Moment;
  what: 'exclude' | 'runNow' | 'retry' | 'nonsense';
  /** Of exclude: then it is taken back; absent = it stays. Of runNow: how long it holds. */
  forMs?: number;
}

export const annotateNode: EventKind<AnnotateNode> = {
  type: 'annotateNode',
  weight: 3,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    what: pick(random, ['exclude', 'exclude', 'runNow', 'retry', 'nonsense'] as const),
    ...(random() < 0.8 && { forMs: 5_000 + randomInt(random, 1_200_000) }),
  }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const { node, what, forMs } = event;
      const admin = new Actor('admin', stage);
      const now = stage.clock.now();
      if (what === 'runNow') {
        void admin.annotate(node, RUN_NOW_ANNOTATION, rfc3339(now + (forMs ?? 600_000)));
      } else if (what === 'retry') {
        void admin.annotate(node, RETRY_ANNOTATION, rfc3339(now));
      } else {
        void admin.annotate(node, EXCLUDE_ANNOTATION, what === 'exclude' ? 'true' : 'perhaps');
        const isTakenBack = forMs !== undefined || what === 'nonsense';
        if (isTakenBack) {
          stage.clock.after(forMs ?? 600_000, () => void admin.annotate(node, EXCLUDE_ANNOTATION, null));
        }
      }
    }),
  tell: (event) =>
    `admin annotates ${event.node}: ${event.what}${event.forMs === undefined ? '' : ` for ${tellMs(event.forMs)}`}${tellMoment(event)}`,
};
