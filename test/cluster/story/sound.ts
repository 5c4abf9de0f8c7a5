/** What every rollout keeps to, whatever its story is about. */
import {
  disorder,
  leftCordoned,
  leftInFlight,
  mostInFlight,
  wrongReboots,
} from '../../../src/sim/timeline/attempts.ts';
import type { Timeline } from '../../../src/sim/timeline/timeline.ts';

/**
 * What was wrong at any moment, as sentences.
 * @param atOnce nodes that the policy lets be updated at the same time
 */
export function faultsOf(timeline: Timeline, atOnce = 1): string[] {
  const most = mostInFlight(timeline);
  return [
    ...disorder(timeline),
    ...wrongReboots(timeline),
    ...leftCordoned(timeline),
    ...leftInFlight(timeline),
    ...(most > atOnce ? [`${most} nodes in flight at once, ${atOnce} allowed`] : []),
  ];
}
