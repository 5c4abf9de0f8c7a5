/** A policy is deleted, and made again. */
import { UpdatePolicies } from '../../../api/v1/updatepolicy.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface DeletePolicy extends EventBase {
  type: 'deletePolicy';
  policy: string;
  /** Whose moment it is. */
  node: string;
  moment?: Moment;
  /** Then it is applied again, as it was. */
  afterMs: number;
}

/** The finalizer holds a policy until its nodes are back. */
const RETRY_MS = 10_000;

export const deletePolicy: EventKind<DeletePolicy> = {
  type: 'deletePolicy',
  weight: 2,
  draw: (random, { policies, nodes }) => ({
    policy: pick(random, policies),
    node: pick(random, nodes),
    ...drawMoment(random),
    afterMs: pick(random, [100, 3_000, 60_000 + randomInt(random, 600_000)]),
  }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const key = { name: event.policy };
      const before = stage.cluster.peek(UpdatePolicies, key);
      if (before === undefined || before.metadata.deletionTimestamp !== undefined) return;
      const again = (): void => {
        if (stage.cluster.peek(UpdatePolicies, key) === undefined) {
          stage.applyPolicy({ metadata: { name: event.policy }, spec: before.spec });
        } else stage.clock.after(RETRY_MS, again);
      };
      void new Actor('admin', stage).remove(UpdatePolicies, key);
      stage.clock.after(event.afterMs, again);
    }),
  tell: (event) =>
    `admin deletes policy ${event.policy}${tellMoment(event)}, and applies it again after ${tellMs(event.afterMs)}`,
};
