/** Another tool changes a PodDisruptionBudget for a while: it allows nothing, everything, or is gone. */
import { PodDisruptionBudgets } from '../../../api/core.ts';
import type { PodDisruptionBudget } from '../../../api/core.ts';
import { Actor } from '../../actors/actor.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { tellMs } from './targets.ts';

export interface BudgetChange extends EventBase {
  type: 'budgetChange';
  /** namespace/name */
  budget: string;
  spec: { minAvailable: number | string | null; maxUnavailable: number | string | null };
  forMs: number;
}

export const budgetChange: EventKind<BudgetChange> = {
  type: 'budgetChange',
  weight: 2,
  draw: (random, { budgets }) =>
    budgets.length === 0
      ? undefined
      : {
          budget: pick(random, budgets),
          spec: pick<BudgetChange['spec']>(random, [
            { minAvailable: null, maxUnavailable: 0 },
            { minAvailable: '100%', maxUnavailable: null },
            { minAvailable: 1, maxUnavailable: null },
            { minAvailable: null, maxUnavailable: '100%' },
          ]),
          forMs: 10_000 + randomInt(random, 1_200_000),
        },
  apply: ({ budget, spec, forMs }, stage) => {
    const [namespace = '', name = ''] = budget.split('/');
    const key = { namespace, name };
    const tool = new Actor('other-tool', stage);
    const { minAvailable = null, maxUnavailable = null } =
      stage.cluster.peek(PodDisruptionBudgets, key)?.spec ?? {};
    const before = { minAvailable, maxUnavailable } satisfies BudgetChange['spec'];
    void tool.editSpec<PodDisruptionBudget>(PodDisruptionBudgets, key, spec);
    let isUndone = false;
    const undo = (): void => {
      if (!isUndone) void tool.editSpec<PodDisruptionBudget>(PodDisruptionBudgets, key, before);
      isUndone = true;
    };
    stage.clock.after(forMs, undo);
    stage.onCalm(undo);
  },
  tell: ({ budget, spec, forMs }) =>
    `another tool sets ${JSON.stringify(spec)} in PodDisruptionBudget ${budget} for ${tellMs(forMs)}`,
};
