/** What runs in the cluster of a story: a shop, and what makes drains hard. */
import { pick, randomInt } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';
import { shopWorkloads } from '../../workloads/plan.ts';
import type { WorkloadPlan } from '../../workloads/plan.ts';

const namespace = 'shop';
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** What may be there besides, each now and then. */
const EXTRAS: readonly [share: number, draw: (random: SeededRandom) => WorkloadPlan[]][] = [
  [
    0.3,
    (random) => [
      {
        kind: 'StatefulSet',
        namespace,
        name: 'db',
        replicas: 1 + randomInt(random, 3),
        volumes: true,
        parallel: random() < 0.3,
        pod: {
          detachMs: pick(random, [2, 20, 90]) * SECOND,
          stopMs: pick(random, [1, 15]) * SECOND,
          startMs: pick(random, [3, 40]) * SECOND,
        },
      },
      ...budgets(random, 'db'),
    ],
  ],
  [
    0.25,
    (random) => [
      {
        kind: 'Job',
        namespace,
        name: 'batch',
        completions: 1 + randomInt(random, 4),
        parallelism: 1 + randomInt(random, 2),
        pod: { runMs: pick(random, [20 * SECOND, 3 * MINUTE, 15 * MINUTE]) },
      },
    ],
  ],
  [0.25, () => [{ kind: 'Pod', namespace, name: 'bare' }]],
  [
    0.25,
    (random) => [
      {
        kind: 'Deployment',
        namespace,
        name: 'stubborn',
        replicas: 1 + randomInt(random, 3),
        // Longer than any grace period: it ignores SIGTERM.
        pod: { graceSeconds: pick(random, [30, 90]), stopMs: 60 * MINUTE },
      },
      ...budgets(random, 'stubborn'),
    ],
  ],
  [
    0.25,
    (random) => [
      {
        kind: 'Deployment',
        namespace,
        name: 'slow',
        replicas: 2 + randomInt(random, 2),
        pod: { startMs: pick(random, [30, 90]) * SECOND },
      },
      { kind: 'PodDisruptionBudget', namespace, name: 'slow', match: { app: 'slow' }, minAvailable: '50%' },
    ],
  ],
  [0.2, () => [{ kind: 'DaemonSet', namespace, name: 'mesh', pod: { startMs: 20 * SECOND } }]],
  [0.05, () => precious('never', { maxUnavailable: 0 })],
  [
    0.05,
    () => [
      ...precious('twice', { maxUnavailable: 1 }),
      {
        kind: 'PodDisruptionBudget',
        namespace,
        name: 'twice-again',
        match: { app: 'twice' },
        maxUnavailable: 1,
      },
    ],
  ],
];

const precious = (name: string, budget: { maxUnavailable: number }): WorkloadPlan[] => [
  { kind: 'Deployment', namespace, name, replicas: 1 },
  { kind: 'PodDisruptionBudget', namespace, name, match: { app: name }, ...budget },
];

const budgets = (random: SeededRandom, name: string): WorkloadPlan[] =>
  random() < 0.5
    ? []
    : [{ kind: 'PodDisruptionBudget', namespace, name, match: { app: name }, maxUnavailable: 1 }];

/** See the head of this file. */
export function drawWorkloads(random: SeededRandom, nodes: number): WorkloadPlan[] {
  const shop = random() < 0.75 ? shopWorkloads(nodes) : [];
  return [...shop, ...EXTRAS.flatMap(([share, draw]) => (random() < share ? draw(random) : []))];
}
