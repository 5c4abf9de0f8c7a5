/** The wall clock of a process or a machine jumps, and back later. */
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { LEADER } from '../stage.ts';
import { tellMs } from './targets.ts';

export interface ClockJump extends EventBase {
  type: 'clockJump';
  /** A process of the operator, or the node of a machine. */
  place: string;
  /** Forward; negative = back. */
  ms: number;
  forMs: number;
}

const MINUTE = 60_000;
const JUMPS = [5_000, 25_000, 35_000, 2 * MINUTE, 10 * MINUTE, 60 * MINUTE, 7 * 60 * MINUTE];

export const clockJump: EventKind<ClockJump> = {
  type: 'clockJump',
  weight: 3,
  // The product promises 30 s between clocks; a request may be under way for a while.
  toleranceMs: 50_000,
  draw: (random, { nodes }) => ({
    place: pick(random, [
      LEADER,
      'controller-0',
      'controller-1',
      'apiserver-0',
      'apiserver-1',
      pick(random, nodes),
    ]),
    ms: pick(random, JUMPS) * pick(random, [1, -1]),
    forMs: pick(random, [10_000, MINUTE, 5 * MINUTE, 30 * MINUTE]),
  }),
  apply: ({ place, ms, forMs }, stage) => {
    const clock = stage.wallClock(place);
    if (clock === undefined) return;
    clock.jump(ms);
    let isBack = false;
    const back = (): void => {
      if (!isBack) clock.jump(-ms);
      isBack = true;
    };
    stage.clock.after(forMs, back);
    stage.onCalm(back);
  },
  tell: ({ place, ms, forMs }) =>
    `the clock of ${place} jumps ${tellMs(Math.abs(ms))} ${ms < 0 ? 'back' : 'forward'}, and is set right after ${tellMs(forMs)}`,
};
