/** What the model's tests share: a scenario in one line, and a failure that reads as a story. */
import { explore } from './explore.ts';
import type { Exploration } from './explore.ts';
import { ALL_RULES, FAULTS } from './rules.ts';
import type { Fault, Rules, Scenario } from './rules.ts';

/** Every fault but the loss of the ledger, which has scenarios of its own: it breaks "in flight ⊆ ledger" by itself. */
export const USUAL_FAULTS: readonly Fault[] = FAULTS.filter((fault) => fault !== 'ledgerLost');

export interface Case {
  nodes: 1 | 2;
  leaders: 1 | 2;
  faults: number;
  allowed?: readonly Fault[];
  without?: readonly (keyof Rules)[];
}

export function run(c: Case, maxStates?: number): Exploration {
  const rules = { ...ALL_RULES, ...Object.fromEntries((c.without ?? []).map((rule) => [rule, false])) };
  const scenario: Scenario = {
    nodes: c.nodes,
    leaders: c.leaders,
    faults: c.faults,
    limit: 1,
    maxAttempts: 2,
    allowed: new Set(c.allowed ?? USUAL_FAULTS),
    rules,
  };
  return explore(scenario, maxStates);
}

/** The violation as a story; "" when there is none. */
export const storyOf = ({ violation }: Exploration): string =>
  violation === undefined ? '' : [violation.message, ...violation.trace].join('\n  ');
