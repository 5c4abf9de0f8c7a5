/** Somebody deletes pods: those of the operator, or those of the cluster's users. */
import { Pods } from '../../../api/core.ts';
import { NAMESPACE } from '../../../api/names.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';

export interface DeletePods extends EventBase {
  type: 'deletePods';
  node: string;
  moment?: Moment;
  which: 'agent' | 'operator' | 'users';
}

export const deletePods: EventKind<DeletePods> = {
  type: 'deletePods',
  weight: 2,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    which: pick(random, ['agent', 'agent', 'operator', 'users'] as const),
  }),
  apply: (event, stage) =>
    atMoment(stage, event, () => {
      const admin = new Actor('admin', stage);
      for (const { metadata, spec } of stage.cluster.peekAll(Pods)) {
        const { name, namespace = '' } = metadata;
        if (spec?.nodeName === event.node && whose(namespace, name) === event.which) {
          void admin.remove(Pods, { name, namespace });
        }
      }
    }),
  tell: (event) => `admin deletes the pods of the ${event.which} on ${event.node}${tellMoment(event)}`,
};

function whose(namespace: string, name: string): DeletePods['which'] {
  if (namespace !== NAMESPACE) return 'users';
  return name.startsWith('brupop-agent') ? 'agent' : 'operator';
}
