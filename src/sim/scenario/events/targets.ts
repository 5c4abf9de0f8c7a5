/** Which process of the operator an event is about. */
import { pick } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';
import type { EventContext } from '../eventkind.ts';
import { LEADER } from '../stage.ts';

/** The one that leads more often than others: it does most. */
export function drawProcess(random: SeededRandom, { nodes }: EventContext): string {
  return pick(random, [
    LEADER,
    LEADER,
    pick(random, ['controller-0', 'controller-1']),
    pick(random, ['apiserver-0', 'apiserver-1']),
    `agent-${pick(random, nodes)}`,
    `agent-${pick(random, nodes)}`,
  ]);
}

/** A time as a person says it. */
export const tellMs = (ms: number): string =>
  ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${(ms / 60_000).toFixed(1)} min`;
