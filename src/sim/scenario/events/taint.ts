/** An administrator keeps pods off a node for a while. */
import { Actor } from '../../actors/actor.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface TaintNode extends EventBase {
  type: 'taint';
  node: string;
  effect: 'NoSchedule' | 'PreferNoSchedule';
  forMs: number;
}

const KEY = 'example.test/dedicated';

export const taint: EventKind<TaintNode> = {
  type: 'taint',
  weight: 1,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    effect: pick(random, ['NoSchedule', 'PreferNoSchedule'] as const),
    forMs: 10_000 + randomInt(random, 1_200_000),
  }),
  apply: ({ node, effect, forMs }, stage) => {
    const admin = new Actor('admin', stage);
    const undo = (): void => void admin.taint(node, { key: KEY, effect }, false);
    void admin.taint(node, { key: KEY, effect });
    const timer = stage.clock.after(forMs, undo);
    stage.onCalm(() => {
      timer.cancel();
      undo();
    });
  },
  tell: ({ node, effect, forMs }) => `admin taints ${node} ${effect} for ${tellMs(forMs)}`,
};
