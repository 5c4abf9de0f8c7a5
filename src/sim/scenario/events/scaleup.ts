/** An autoscaler adds nodes. */
import { randomInt } from '../../random.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { HARDWARE } from '../scenario.ts';
import type { NodePlan } from '../scenario.ts';

export interface ScaleUp extends EventBase {
  type: 'scaleUp';
  machines: NodePlan[];
}

export const scaleUp: EventKind<ScaleUp> = {
  type: 'scaleUp',
  weight: 2,
  draw: (random, { releases }) => {
    const batch = randomInt(random, 1000);
    return {
      machines: Array.from({ length: 1 + randomInt(random, 3) }, (_, index) => ({
        name: `new${batch}-${index}`,
        labels: {
          'topology.kubernetes.io/zone': `z${randomInt(random, 3)}`,
          pool: pick(random, ['blue', 'green']),
        },
        version: pick(random, releases),
        ...pick(random, [HARDWARE[0], HARDWARE[0], pick(random, HARDWARE)]),
      })),
    };
  },
  apply: ({ machines }, stage) => {
    for (const plan of machines) {
      if (stage.machines.every(({ name }) => name !== plan.name)) stage.addMachine(plan);
    }
  },
  tell: ({ machines }) =>
    `the autoscaler adds ${machines.map(({ name, version }) => `${name} (${version ?? '?'})`).join(', ')}`,
};
