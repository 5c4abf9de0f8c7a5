/** Every mutant. */
import type { Mutant } from './mutant.ts';
import { AGENT_MUTANTS } from './mutations/agent.ts';
import { APISERVER_MUTANTS } from './mutations/apiserver.ts';
import { CONTROLLERS_MUTANTS } from './mutations/controllers.ts';
import { POLICY_MUTANTS } from './mutations/policy.ts';
import { PROTOCOL_MUTANTS } from './mutations/protocol.ts';

/** See the head of this file. */
export const MUTANTS: readonly Mutant[] = [
  ...PROTOCOL_MUTANTS,
  ...AGENT_MUTANTS,
  ...POLICY_MUTANTS,
  ...CONTROLLERS_MUTANTS,
  ...APISERVER_MUTANTS,
];
