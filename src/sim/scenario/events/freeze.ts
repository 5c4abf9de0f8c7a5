/** A process is stopped (SIGSTOP) at some await, and goes on later with what it believed. */
import { STRIKE_POINTS } from '../../process/life.ts';
import type { StrikePoint } from '../../process/life.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { drawAwaits, tellPoint } from './kill.ts';
import { drawProcess, tellMs } from './targets.ts';

export interface Freeze extends EventBase {
  type: 'freeze';
  target: string;
  /** At which of its awaits from then on; 0 = at once. */
  afterAwaits: number;
  at: StrikePoint;
  forMs: number;
}

export const freeze: EventKind<Freeze> = {
  type: 'freeze',
  weight: 5,
  draw: (random, context) => ({
    target: drawProcess(random, context),
    afterAwaits: drawAwaits(random),
    at: pick(random, STRIKE_POINTS),
    forMs: pick(random, [2_000, 8_000, 12_000, 20_000, 60_000, 300_000]),
  }),
  apply: ({ target, afterAwaits, at, forMs }, stage) => {
    const thaw = stage.process(target)?.freeze({ afterAwaits, at }, forMs);
    if (thaw !== undefined) stage.onCalm(thaw);
  },
  tell: ({ target, forMs, ...point }) => `${target} is stopped ${tellPoint(point)}, for ${tellMs(forMs)}`,
};
