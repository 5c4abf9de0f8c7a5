/** The network between two parties is cut, both ways or one way; what is open hangs. */
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { LEADER } from '../stage.ts';
import { tellMs } from './targets.ts';

const WAYS = ['both', 'there', 'back'] as const;

export interface NetworkCut extends EventBase {
  type: 'networkCut';
  /** Who asks, by its name in the network or the beginning of it up to a hyphen. */
  from: string;
  /** Who is asked. */
  to: string;
  /** Which way nothing arrives: that of requests, that of answers, or both. */
  ways: (typeof WAYS)[number];
  forMs: number;
}

const TOLD: Record<NetworkCut['ways'], string> = {
  both: 'hear nothing of each other',
  there: 'requests do not arrive',
  back: 'answers do not arrive',
};

export const networkCut: EventKind<NetworkCut> = {
  type: 'networkCut',
  weight: 4,
  // What is sent again after a short cut arrives late.
  toleranceMs: 20_000,
  draw: (random, { nodes }) => {
    const node = pick(random, nodes);
    const [from, to] = pick<[string, string]>(random, [
      [LEADER, 'kubernetes'],
      ['controller', 'kubernetes'],
      [pick(random, ['apiserver-0', 'apiserver']), 'kubernetes'],
      [`agent-${node}`, pick(random, ['apiserver-0', 'apiserver'])],
      ['agent', 'apiserver'],
      [`kubelet-${node}`, 'kubernetes'],
      [`agent-${node}`, `host-${node}`],
    ]);
    return {
      from,
      to,
      ways: pick(random, WAYS),
      forMs: pick(random, [2_000, 6_000, 14_000, 35_000, 120_000, 600_000]),
    };
  },
  apply: ({ from, to, ways, forMs }, stage) => {
    const asker = from === LEADER ? (stage.process(LEADER)?.name ?? 'controller') : from;
    const heals = [
      ...(ways === 'back' ? [] : [stage.network.cut({ from: asker, to })]),
      ...(ways === 'there' ? [] : [stage.network.cut({ from: to, to: asker })]),
    ];
    const heal = (): void => {
      for (const each of heals) each();
    };
    stage.clock.after(forMs, heal);
    stage.onCalm(heal);
  },
  tell: ({ from, to, ways, forMs }) => `between ${from} and ${to} ${TOLD[ways]} for ${tellMs(forMs)}`,
};
