/** What a pass of the controller costs: making the snapshot, and `plan()` over it, for 10 policies. */
import { planRollout } from '../../../src/controllers/rollout/plan.ts';
import type { Figure } from '../figure.ts';
import { median, round } from '../figure.ts';
import type { Context } from '../context.ts';
import { Fleet } from './fleet.ts';

const SIZES = [
  { name: '1k', nodes: 1_000, rounds: 60 },
  { name: '10k', nodes: 10_000, rounds: 40 },
  { name: '100k', nodes: 100_000, rounds: 7 },
] as const;
/** Rounds that are not counted: the compiler has not seen the code yet. */
const WARM_UP = 5;
const BUDGET_MS = 10;
/** A node may cost so much more in a fleet a hundred times as large, and the cost still counts as linear. */
const GROWTH_BUDGET = 2;

export async function benchPlan({ progress }: Context): Promise<Figure[]> {
  const figures: Figure[] = [];
  const perNode = new Map<string, number>();
  for (const { name, nodes, rounds } of SIZES) {
    progress(`planning for ${nodes} nodes`);
    const { planMs, gatherMs, actions, reasons } = await measure(nodes, rounds);
    progress(`${actions} actions, ${reasons} reasons`);
    perNode.set(name, planMs / nodes);
    figures.push(
      {
        name: `plan-${name}`,
        value: round(planMs),
        unit: 'ms',
        ...(name === '10k' ? { budget: BUDGET_MS } : {}),
      },
      { name: `gather-${name}`, value: round(gatherMs), unit: 'ms' },
    );
  }
  const growth = (perNode.get('100k') ?? 0) / (perNode.get('1k') ?? 1);
  return [...figures, { name: 'plan-growth', value: round(growth), unit: '×', budget: GROWTH_BUDGET }];
}

interface Measured {
  planMs: number;
  gatherMs: number;
  actions: number;
  reasons: number;
}

/** Medians over rounds; before each of them one in a hundred agents has reported. */
async function measure(nodes: number, rounds: number): Promise<Measured> {
  const fleet = new Fleet(nodes);
  const gatherer = await fleet.start();
  const plans: number[] = [];
  const gathers: number[] = [];
  let made = { actions: 0, reasons: 0 };
  for (let index = 0; index < rounds + WARM_UP; index += 1) {
    await fleet.report();
    const startMs = performance.now();
    const snapshot = gatherer.gather();
    const betweenMs = performance.now();
    const plan = planRollout(snapshot);
    const endMs = performance.now();
    made = { actions: plan.actions.length, reasons: [...plan.reasons.values()].length };
    if (index < WARM_UP) continue;
    gathers.push(betweenMs - startMs);
    plans.push(endMs - betweenMs);
  }
  fleet.stop();
  return { planMs: median(plans), gatherMs: median(gathers), ...made };
}
