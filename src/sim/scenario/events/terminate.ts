/** A process is asked to end (SIGTERM), and started again. */
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { drawProcess, tellMs } from './targets.ts';

export interface Terminate extends EventBase {
  type: 'terminate';
  target: string;
  /** From its end to its next life. */
  restartMs: number;
}

export const terminate: EventKind<Terminate> = {
  type: 'terminate',
  weight: 2,
  draw: (random, context) => ({
    target: drawProcess(random, context),
    restartMs: pick(random, [0, 1_000, 5_000, 60_000]),
  }),
  apply: ({ target, restartMs }, stage) => stage.process(target)?.terminate(restartMs),
  tell: ({ target, restartMs }) => `${target} is asked to end, and started again ${tellMs(restartMs)} later`,
};
