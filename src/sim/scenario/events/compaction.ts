/** etcd forgets the past: watches and pages that begin before are answered 410, and open watches may be, too. */
import { KubernetesError } from '../../../runtime/kubernetes.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';

const WATCHES = ['stay', 'break', 'expire'] as const;

export interface Compaction extends EventBase {
  type: 'compaction';
  /** What becomes of open watches: nothing; they break, and cannot go on where they were; they are told 410. */
  watches: (typeof WATCHES)[number];
}

const EXPIRED = new KubernetesError('expired', 'The resourceVersion for the provided watch is too old.', {
  status: 410,
});

const everybody = (): boolean => true;

const TOLD: Record<Compaction['watches'], string> = {
  stay: '',
  break: ', and all watches break',
  expire: ', and all watches are told so',
};

export const compaction: EventKind<Compaction> = {
  type: 'compaction',
  weight: 2,
  draw: (random) => ({ watches: pick(random, WATCHES) }),
  apply: ({ watches }, stage) => {
    if (watches === 'break') stage.cutWatches(everybody);
    if (watches === 'expire') stage.cutWatches(everybody, EXPIRED);
    stage.cluster.compact();
  },
  tell: ({ watches }) => `etcd forgets the past${TOLD[watches]}`,
};
