/** Ready of a node goes and comes, again and again. */
import { Nodes } from '../../../api/core.ts';
import { rfc3339 } from '../../../runtime/clock.ts';
import { isKubernetesError } from '../../../runtime/kubernetes.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import type { Stage } from '../stage.ts';
import { tellMs } from './targets.ts';

export interface ReadyFlaps extends EventBase {
  type: 'readyFlaps';
  node: string;
  moment?: Moment;
  times: number;
  everyMs: number;
}

export const readyFlaps: EventKind<ReadyFlaps> = {
  type: 'readyFlaps',
  weight: 2,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    times: 1 + randomInt(random, 6),
    everyMs: pick(random, [500, 10_000, 60_000]),
  }),
  apply: (event, stage) => atMoment(stage, event, () => void flap(event, stage)),
  tell: ({ times, everyMs, ...event }) =>
    `Ready of ${event.node} goes ${times} times, for ${tellMs(everyMs)} each${tellMoment(event)}`,
};

async function flap({ node, times, everyMs }: ReadyFlaps, stage: Stage): Promise<void> {
  for (let time = 0; time < times; time++) {
    await setReady(stage, node, 'False');
    await stage.clock.sleep(everyMs);
    await setReady(stage, node, 'True');
    await stage.clock.sleep(everyMs);
  }
}

/** As its kubelet would, which alone writes it: nothing when that is off, or has said something else since. */
async function setReady({ cluster, clock, machines }: Stage, name: string, status: string): Promise<void> {
  if (machines.find((machine) => machine.name === name)?.kubelet.isOn !== true) return;
  const node = cluster.peek(Nodes, { name });
  const conditions = node?.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (node === undefined || ready === undefined || ready.status === 'Unknown' || ready.status === status)
    return;
  const changed = { ...ready, status, lastTransitionTime: rfc3339(clock.now()) };
  const { resourceVersion = '' } = node.metadata;
  const body = {
    metadata: { resourceVersion },
    status: { conditions: [...conditions.filter((each) => each !== ready), changed] },
  };
  try {
    await cluster.client(`kubelet-${name}-flaps`).patch(Nodes, { name }, body, { subresource: 'status' });
  } catch (error) {
    if (!isKubernetesError(error)) throw error;
  }
}
