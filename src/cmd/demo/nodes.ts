/** The machines of the demo: spread over three zones, with the labels that the samples select by. */
import type { NodePlan } from '../world/world.ts';

const ZONES = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'];
/** In this order over and over, so that every sample finds nodes of its own from twelve on. */
const GROUPS: readonly Record<string, string>[] = [
  { role: 'web' },
  { role: 'web' },
  { role: 'web' },
  { role: 'worker' },
  { role: 'worker' },
  { env: 'dev' },
  { role: 'web' },
  { role: 'web' },
  { role: 'web' },
  { ring: 'canary' },
  { role: 'worker' },
  { env: 'dev' },
];

/** `count` nodes; with `plain`, without labels of the samples. */
export const demoNodes = (count: number): NodePlan[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `ip-10-0-${i % 3}-${10 + Math.floor(i / 3)}`,
    labels: {
      'topology.kubernetes.io/zone': ZONES[i % 3] ?? '',
      ...GROUPS[i % GROUPS.length],
    },
  }));
