/** A seed → a scenario. Pure: the same seed gives the same story on every machine. */
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import { pick, randomInt, seededRandom } from '../random.ts';
import type { SeededRandom } from '../random.ts';
import { drawEvent } from './events/registry.ts';
import type { SimEvent } from './events/registry.ts';
import { shopWorkloads } from '../workloads/plan.ts';
import { SCENARIO_FORMAT } from './scenario.ts';
import type { NodePlan, Scenario } from './scenario.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR_MS = 365 * 24 * HOUR;
/** 2026-01-01T00:00:00Z; a scenario begins somewhere in the year after. */
const FIRST_START_MS = 1_767_225_600_000;
const FROM = '1.42.0';
const TARGET = '1.44.0';

const nodesOf = (random: SeededRandom): NodePlan[] =>
  Array.from({ length: pick(random, [2, 3, 3, 4, 4, 5, 6, 8]) }, (_, index) => ({
    name: `n${index + 1}`,
    labels: { 'topology.kubernetes.io/zone': `z${index % 3}` },
  }));

const policyOf = (random: SeededRandom, nodes: number): UpdatePolicy => ({
  metadata: { name: 'all' },
  spec: {
    minRemaining: '0s',
    health: { stableFor: pick(random, ['30s', '2m']) },
    maxConcurrentUpdates: pick(random, [1, 2, nodes, '50%']),
  },
});

function eventsOf(random: SeededRandom, scenario: Omit<Scenario, 'events'>): SimEvent[] {
  const context = {
    nodes: scenario.nodes.map(({ name }) => name),
    policies: scenario.policies.map(({ metadata }) => metadata.name),
    releases: scenario.releases,
    budgets: (scenario.workloads ?? shopWorkloads(scenario.nodes.length)).flatMap((plan) =>
      plan.kind === 'PodDisruptionBudget' ? `${plan.namespace}/${plan.name}` : [],
    ),
    calmAfterMs: scenario.calmAfterMs,
  };
  const events = Array.from({ length: randomInt(random, 25) }, (_, index) => {
    const stream = random.fork(`event-${index}`);
    return drawEvent(stream, randomInt(stream, scenario.calmAfterMs), context);
  });
  return events.filter((event) => event !== undefined).toSorted((a, b) => a.atMs - b.atMs);
}

/** See the head of this file. */
export function generateScenario(seed: string): Scenario {
  const random = seededRandom(`scenario-${seed}`);
  const nodes = nodesOf(random.fork('nodes'));
  const frame: Omit<Scenario, 'events'> = {
    format: SCENARIO_FORMAT,
    seed,
    startsAt: rfc3339(FIRST_START_MS + Math.floor(random() * YEAR_MS)),
    nodes,
    version: FROM,
    releases: [FROM, TARGET],
    policies: [policyOf(random.fork('policy'), nodes.length)],
    calmAfterMs: 20 * MINUTE + randomInt(random, 40 * MINUTE),
  };
  return { ...frame, events: eventsOf(random.fork('events'), frame) };
}
