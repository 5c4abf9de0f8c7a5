/** A seed → a scenario. Pure: the same seed gives the same story on every machine. */
import { rfc3339 } from '../../runtime/clock.ts';
import { pick, randomInt, seededRandom } from '../random.ts';
import { drawNodes } from './draw/nodes.ts';
import { drawPolicies } from './draw/policies.ts';
import { drawEvents } from './draw/schedule.ts';
import { drawStart } from './draw/times.ts';
import { drawWorkloads } from './draw/workloads.ts';
import { SCENARIO_FORMAT } from './scenario.ts';
import type { Scenario } from './scenario.ts';

const MINUTE = 60_000;
const FROM = '1.42.0';
const BETWEEN = '1.43.0';
const TARGET = '1.44.0';

/** See the head of this file. */
export function generateScenario(seed: string): Scenario {
  const random = seededRandom(`scenario-${seed}`);
  const nodes = drawNodes(random.fork('nodes'));
  const start = drawStart(random.fork('start'));
  const workloads = drawWorkloads(random.fork('workloads'), nodes.length);
  const policies = drawPolicies(random.fork('policy'), { nodes: nodes.length, start });
  const releases = pick(random, [
    [FROM, TARGET],
    [FROM, BETWEEN, TARGET],
  ]);
  const calmAfterMs = 15 * MINUTE + randomInt(random, 45 * MINUTE);
  const events = drawEvents(random.fork('events'), {
    nodes: nodes.map(({ name }) => name),
    policies: policies.map(({ metadata }) => metadata.name),
    releases,
    budgets: workloads.flatMap((plan) =>
      plan.kind === 'PodDisruptionBudget' ? `${plan.namespace}/${plan.name}` : [],
    ),
    calmAfterMs,
  });
  return {
    format: SCENARIO_FORMAT,
    seed,
    startsAt: rfc3339(start.startMs),
    nodes,
    version: FROM,
    releases,
    workloads,
    policies,
    events,
    calmAfterMs,
  };
}
