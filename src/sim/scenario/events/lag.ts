/** How old what the operator's processes know may be under the events of a story: rules about what they saw go by it. */
import type { SimEvent } from './registry.ts';

/** What others do, and what hosts do, is news like any other; it is not why news are late. */
const PUNCTUAL: ReadonlySet<SimEvent['type']> = new Set<SimEvent['type']>([
  'hostFault',
  'annotateNode',
  'badRelease',
  'bootTrouble',
  'budgetChange',
  'clockJump',
  'cordon',
  'deletePods',
  'deletePolicy',
  'deleteShadow',
  'editPolicy',
  'kured',
  'labelNode',
  'powerCut',
  'release',
  'replaceNode',
  'scaleDown',
  'scaleUp',
  'taint',
  'uncordon',
  'withdraw',
]);

/** From a write to the decision of a leader that has seen it, where nothing is in the way. */
const PROMPT_MS = 5_000;
/** A leader acts on copies that were in step 95 s ago at most; the news by which it knows that may be late themselves. */
const LATE_MS = 150_000;

export const lagOf = (events: readonly SimEvent[]): number =>
  events.every(({ type }) => PUNCTUAL.has(type)) ? PROMPT_MS : LATE_MS;
