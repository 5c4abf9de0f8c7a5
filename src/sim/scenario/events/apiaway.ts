/** kube-apiserver is away: nobody is answered, every watch breaks. */
import { KubernetesError } from '../../../runtime/kubernetes.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface ApiAway extends EventBase {
  type: 'apiAway';
  forMs: number;
}

const REFUSED = new KubernetesError('unknown', 'connection refused');

/** The controllers of the cluster are part of its double and see all the time: they would give up silent nodes. */
const isMeant = (client: string): boolean => !client.startsWith('kubelet');

export const apiAway: EventKind<ApiAway> = {
  type: 'apiAway',
  weight: 2,
  draw: (random) => ({ forMs: pick(random, [5_000, 14_000, 30_000, 120_000, 900_000]) }),
  apply: ({ forMs }, stage) => {
    const back = stage.addFaults(({ client }) => (isMeant(client) ? { error: REFUSED } : undefined));
    stage.cutWatches(isMeant);
    stage.clock.after(forMs, back);
    stage.onCalm(back);
  },
  tell: ({ forMs }) => `kube-apiserver is away for ${tellMs(forMs)}`,
};
