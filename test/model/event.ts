/** What can happen to one member of the world: a function of that member and of little else, so that it is memoised. */
import type { Scenario } from './rules.ts';
import type { Effect, Member } from './world.ts';

/** A member, and all that its events look at beside it. */
export interface At {
  m: Member;
  scenario: Scenario;
  /** No intent may be accepted and no node be touched: a blackout, or the window is closed and `onClose` says stop. */
  isClosed: boolean;
}

export interface MemberEvent {
  /** "#" stands for the number of the node. */
  label: string;
  /** `cost`: uses up one of a history's faults. */
  kind: 'free' | 'cost';
  /** @throws Violation when an invariant breaks on the way. */
  effect: () => Effect;
}

export const event = (
  label: string,
  effect: () => Effect,
  kind: MemberEvent['kind'] = 'free',
): MemberEvent => ({ label, kind, effect });
