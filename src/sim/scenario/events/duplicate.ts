/** A process is started a second time while it lives. */
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { drawProcess, tellMs } from './targets.ts';

export interface Duplicate extends EventBase {
  type: 'duplicate';
  target: string;
  forMs: number;
}

export const duplicate: EventKind<Duplicate> = {
  type: 'duplicate',
  weight: 2,
  draw: (random, context) => ({
    target: drawProcess(random, context),
    forMs: pick(random, [5_000, 30_000, 120_000, 600_000]),
  }),
  apply: ({ target, forMs }, stage) => {
    const end = stage.process(target)?.duplicate();
    if (end === undefined) return;
    stage.clock.after(forMs, end);
    stage.onCalm(end);
  },
  tell: ({ target, forMs }) => `${target} runs twice for ${tellMs(forMs)}`,
};
