/** What the model's tests share: a scenario in one line, and a failure that reads as a story. */
import { explore } from './explore.ts';
import type { Bounds, Exploration } from './explore.ts';
import { ALL_RULES, FAULTS } from './rules.ts';
import type { Fault, Rules, Scenario } from './rules.ts';

/**
 * Faults that break a promise the protocol builds on, and have scenarios of their own: a ledger that is lost breaks
 * "in flight ⊆ ledger" by itself. A relabel needs a second policy.
 */
const SPECIAL: readonly Fault[] = ['ledgerLost', 'policyGone', 'relabel', 'shadowRemoved'];

/** Every fault but those. */
export const USUAL_FAULTS: readonly Fault[] = FAULTS.filter((fault) => !SPECIAL.includes(fault));

export interface Case
  extends Bounds, Partial<Pick<Scenario, 'policies' | 'limit' | 'maxAttempts' | 'onClose'>> {
  nodes: Scenario['nodes'];
  leaders: Scenario['leaders'];
  faults: number;
  allowed?: readonly Fault[];
  without?: readonly (keyof Rules)[];
}

export function run(c: Case): Exploration {
  const { allowed = USUAL_FAULTS, without = [], maxStates, mustRest, ...rest } = c;
  const rules = { ...ALL_RULES, ...Object.fromEntries(without.map((rule) => [rule, false])) };
  const scenario: Scenario = {
    policies: 1,
    limit: 1,
    maxAttempts: 2,
    onClose: 'StopBeforeReboot',
    ...rest,
    allowed: new Set(allowed),
    rules,
  };
  return explore(scenario, {
    ...(maxStates === undefined ? {} : { maxStates }),
    ...(mustRest === undefined ? {} : { mustRest }),
  });
}

/** The violation as a story; "" when there is none. */
export const storyOf = ({ violation }: Exploration): string =>
  violation === undefined ? '' : [violation.message, ...violation.trace].join('\n  ');
