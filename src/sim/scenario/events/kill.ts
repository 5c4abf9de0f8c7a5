/** A process is killed at some await, and started again. */
import { STRIKE_POINTS } from '../../process/life.ts';
import type { StrikePoint } from '../../process/life.ts';
import { pick, randomInt } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { drawProcess, tellMs } from './targets.ts';

export interface Kill extends EventBase {
  type: 'kill';
  target: string;
  /** At which of its awaits from then on; 0 = at once. */
  afterAwaits: number;
  at: StrikePoint;
  /** From its death to its next life. */
  restartMs: number;
}

/** Somewhere near, or further on. */
export const drawAwaits = (random: SeededRandom): number => randomInt(random, pick(random, [10, 100, 1000]));

const PLACES: Record<StrikePoint, string> = {
  before: 'before it sends',
  sent: 'once it has sent',
  answered: 'when the answer has come to',
};

/** Where in its work a process is hit. */
export const tellPoint = ({ afterAwaits, at }: { afterAwaits: number; at: StrikePoint }): string =>
  afterAwaits === 0 ? 'at once' : `${PLACES[at]} request ${afterAwaits} from now`;

export const kill: EventKind<Kill> = {
  type: 'kill',
  weight: 6,
  draw: (random, context) => ({
    target: drawProcess(random, context),
    afterAwaits: drawAwaits(random),
    at: pick(random, STRIKE_POINTS),
    restartMs: pick(random, [0, 0, 1_000, 5_000, 40_000, 300_000]),
  }),
  apply: ({ target, afterAwaits, at, restartMs }, stage) => {
    stage.process(target)?.kill({ afterAwaits, at }, restartMs);
  },
  tell: ({ target, restartMs, ...point }) =>
    `${target} is killed ${tellPoint(point)}, and started again ${restartMs === 0 ? 'at once' : `after ${tellMs(restartMs)}`}`,
};
