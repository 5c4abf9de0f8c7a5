/**
 * The watch caches of kube-apiserver lag behind, each kind by its own time: what a watch tells, and what a list from a
 * cache (resourceVersion "0") shows, is old; so news of two kinds come in another order than they happened in.
 */
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

const KINDS = ['nodes', 'pods', 'updatepolicies', 'bottlerocketshadows'] as const;

export interface StaleReads extends EventBase {
  type: 'staleReads';
  forMs: number;
  /** Kind → how far its cache lags, in milliseconds. */
  lagsMs: Partial<Record<string, number>>;
}

export const staleReads: EventKind<StaleReads> = {
  type: 'staleReads',
  weight: 3,
  draw: (random) => ({
    forMs: pick(random, [30_000, 120_000, 600_000]),
    lagsMs: Object.fromEntries(
      KINDS.filter(() => random() < 0.6).map((kind) => [
        kind,
        randomInt(random, pick(random, [500, 5_000, 40_000])),
      ]),
    ),
  }),
  apply: ({ forMs, lagsMs }, stage) => {
    const ends = [
      stage.addWatchDelay(({ resource, client }) =>
        client.startsWith('kubelet') ? undefined : lagsMs[resource.plural],
      ),
      stage.cluster.lag((plural) => lagsMs[plural] ?? 0),
    ];
    const end = (): void => {
      for (const each of ends) each();
    };
    stage.clock.after(forMs, end);
    stage.onCalm(end);
  },
  tell: ({ forMs, lagsMs }) =>
    `for ${tellMs(forMs)} watches are late: ${
      Object.entries(lagsMs)
        .map(([kind, ms]) => `${kind} by ${((ms ?? 0) / 1000).toFixed(1)} s`)
        .join(', ') || 'none'
    }`,
};
