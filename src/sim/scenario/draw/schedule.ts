/** What happens in a story, and when: around the rollouts more than in between. */
import { randomInt } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';
import { pick } from '../../random.ts';
import type { EventContext } from '../eventkind.ts';
import { drawEvent } from '../events/registry.ts';
import type { SimEvent } from '../events/registry.ts';

const MINUTE = 60_000;
/** Most rollouts are over by then. */
const ROLLOUT_MS = 10 * MINUTE;
/** How many events: a few more often than many, for what a few of them do is not hidden by the rest. */
const COUNTS = [0, 1, 2, 3, 4, 6, 8, 12, 18, 25];

/** In the order of their time. */
export function drawEvents(random: SeededRandom, context: EventContext): SimEvent[] {
  const laterMs = ROLLOUT_MS + randomInt(random, context.calmAfterMs - ROLLOUT_MS);
  // A later release begins a rollout of its own.
  const later: SimEvent[] =
    random() < 0.4 ? [{ type: 'release', atMs: laterMs, version: '1.45.0', wavesMs: 0 }] : [];
  const starts = [0, ...later.map(({ atMs }) => atMs)];
  const most = pick(random, COUNTS);
  const events = Array.from({ length: most }, (_, index) => {
    const stream = random.fork(`event-${index}`);
    const atMs =
      stream() < 0.7
        ? pick(stream, starts) + randomInt(stream, ROLLOUT_MS)
        : randomInt(stream, context.calmAfterMs);
    return drawEvent(stream, Math.min(atMs, context.calmAfterMs - 1), context);
  });
  return [...later, ...events.filter((event) => event !== undefined)].toSorted((a, b) => a.atMs - b.atMs);
}
