/** The machines a story begins with: few more often than many, alike more often than not. */
import { pick } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';
import { HARDWARE } from '../scenario.ts';
import type { NodePlan } from '../scenario.ts';

const COUNTS = [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 8, 8, 10, 12, 20];

/** See the head of this file. */
export function drawNodes(random: SeededRandom): NodePlan[] {
  const isMixed = random() < 0.2;
  const zones = pick(random, [1, 2, 3, 3]);
  return Array.from({ length: pick(random, COUNTS) }, (_, index) => ({
    name: `n${index + 1}`,
    labels: {
      'topology.kubernetes.io/zone': `z${index % zones}`,
      pool: pick(random, ['blue', 'green']),
    },
    ...(isMixed && pick(random, HARDWARE)),
  }));
}
