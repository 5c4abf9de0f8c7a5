/** The next boots of one machine go wrong: it panics, it hangs until somebody helps, it boots twice. */
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

const HOWS = {
  bootPanics: 'panics while it boots',
  bootHangs: 'hangs while it boots',
  doubleReboot: 'boots twice',
} as const;

export interface BootTrouble extends EventBase {
  type: 'bootTrouble';
  node: string;
  how: keyof typeof HOWS;
  times: number;
  /** Somebody looks after it so long after each hang. */
  helpMs: number;
}

export const bootTrouble: EventKind<BootTrouble> = {
  type: 'bootTrouble',
  weight: 3,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    how: pick(random, Object.keys(HOWS) as (keyof typeof HOWS)[]),
    times: 1 + randomInt(random, 3),
    helpMs: pick(random, [60_000, 600_000, 3_600_000]),
  }),
  apply: ({ node, how, times, helpMs }, stage) => {
    const machine = stage.machines.find(({ name }) => name === node);
    if (machine === undefined) return;
    const { host } = machine;
    host.fault(how, { times });
    host.onPower(({ type }) => {
      if (type !== 'hung') return;
      stage.clock.after(helpMs, () => {
        if (host.power === 'hung') machine.interrupt('powerCycle');
      });
    });
    stage.onCalm(() => host.clearFault(how));
  },
  tell: ({ node, how, times, helpMs }) =>
    `${node} ${HOWS[how]}, ${times} times${how === 'bootHangs' ? `, each until somebody helps after ${tellMs(helpMs)}` : ''}`,
};
