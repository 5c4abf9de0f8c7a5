/** The moment of an update at which something happens: not by the clock, but when a node is told to do something. */
import { NAMESPACE, shadowName } from '../../api/names.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { VirtualClock } from '../clock.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { resourceId } from '../cluster/definition.ts';
import { pick, randomInt } from '../random.ts';
import type { SeededRandom } from '../random.ts';

/** What a node has come to. */
export const MOMENTS = {
  staging: 'is told to stage',
  staged: 'has staged',
  rebooting: 'is told to reboot',
  intent: 'may reboot',
  rebooted: 'has rebooted',
  monitoring: 'is told to monitor',
  ended: 'is told to be idle again',
} as const;
export type MomentName = keyof typeof MOMENTS;

/** So long after a node has come to something; absent = at once. */
export interface Moment {
  name: MomentName;
  delayMs: number;
}

const NAMES = Object.keys(MOMENTS) as MomentName[];

/** Half of what happens, happens at a moment of an update. */
export const drawMoment = (random: SeededRandom): { moment?: Moment } =>
  random() < 0.5
    ? {}
    : {
        moment: { name: pick(random, NAMES), delayMs: randomInt(random, pick(random, [50, 2_000, 30_000])) },
      };

const has: Record<MomentName, (shadow: BottlerocketShadow) => boolean> = {
  staging: ({ spec }) => spec.state === 'StagedAndPerformedUpdate',
  staged: ({ spec, status }) =>
    spec.state === 'StagedAndPerformedUpdate' && status?.current_state === 'StagedAndPerformedUpdate',
  rebooting: ({ spec }) => spec.state === 'RebootedIntoUpdate',
  intent: ({ status }) => Boolean(status?.host?.rebootIntent),
  rebooted: ({ spec, status }) =>
    spec.state === 'RebootedIntoUpdate' && status?.current_state === 'RebootedIntoUpdate',
  monitoring: ({ spec }) => spec.state === 'MonitoringUpdate',
  ended: ({ spec }) => spec.state === 'Idle' && (spec.attempt ?? 0) > 0,
};

/** Where moments are waited for. */
interface Place {
  cluster: SimCluster;
  clock: VirtualClock;
  /** Called when nothing may happen any more. */
  onCalm(tell: () => void): void;
}

/** Does something to a node now, or when it next comes to that moment, unless the calm comes before. */
export function atMoment(place: Place, of: { node: string; moment?: Moment }, go: () => void): void {
  const { cluster, clock } = place;
  const { moment, node } = of;
  if (moment === undefined) return go();
  let isOver = false;
  const key = { name: shadowName(node), namespace: NAMESPACE };
  const look = (): void => {
    const shadow = cluster.peek(BottlerocketShadows, key);
    if (isOver || shadow === undefined || !has[moment.name](shadow)) return;
    isOver = true;
    const timer = clock.after(moment.delayMs, go);
    place.onCalm(() => timer.cancel());
  };
  place.onCalm(() => {
    isOver = true;
  });
  cluster.server.store.subscribe(({ object }, { definition }) => {
    if (isOver || object.metadata.name !== key.name) return;
    if (resourceId(definition.resource) === resourceId(BottlerocketShadows)) look();
  });
}

/** `, once it has staged`, for a sentence about the node. */
export const tellMoment = ({ moment }: { moment?: Moment }): string =>
  moment === undefined
    ? ''
    : `, ${moment.delayMs < 1000 ? `${moment.delayMs} ms` : `${Math.round(moment.delayMs / 1000)} s`} after it ${MOMENTS[moment.name]}`;
