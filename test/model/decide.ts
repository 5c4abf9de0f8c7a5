/** The agent's decision on the model's facts. */
import { decideAgent as decide } from '../../src/protocol/agent.ts';
import { emptyMemory } from '../../src/protocol/agent-view.ts';
import type { AgentDecision, AgentMemory } from '../../src/protocol/agent-view.ts';
import { MONOTONIC, NOW, intentAt, seenHost, shadowObject } from './objects.ts';
import type { Rules, Scenario } from './rules.ts';
import type { Member, Shadow } from './world.ts';

const LONG_MS = 20 * 60_000;
const DAY_MS = 86_400_000;

/** The agent's next action on what it has seen; undefined when it waits. */
export function agentDecides(m: Member, { rules }: Scenario): AgentDecision | undefined {
  const shadow = m.agent.cache ?? m.shadow;
  // Without its Node an agent's pod is gone.
  if (shadow === null || !m.host.up || m.node.gone || m.agent.put !== null) return undefined;
  const memory = recalled(m.agent.memory, shadow, rules);
  const isEarly = !rules.lateClose && m.host.going;
  const decision = decide({
    now: isEarly ? NOW + DAY_MS : NOW,
    monotonicMs: MONOTONIC + (isEarly ? DAY_MS : 0),
    shadow: shadowObject(shadow),
    host: seenHost(m.host),
    memory,
    checkDue: false,
  });
  const isSame = JSON.stringify(decision.memory) === JSON.stringify(memory);
  return decision.action.do === 'wait' && isSame ? undefined : decision;
}

/** What the agent remembers, on the model's few instants. */
function recalled(memory: AgentMemory, { intent }: Shadow, { confirmIntent }: Rules): AgentMemory {
  if (intent === null) return memory;
  const at = intentAt(intent);
  if (!confirmIntent) return { ...memory, intentAccepted: { at, monotonicMs: MONOTONIC } };
  const accepted = memory.intentAccepted;
  if (accepted === undefined || nthOf(accepted.at) !== intent.nth) return memory;
  // The class of an instant may have changed since; it is still the same intent.
  return { ...memory, intentAccepted: { ...accepted, at } };
}

const nthOf = (at: string): number => Date.parse(at) % 1000;

export const forgotten = (): AgentMemory => emptyMemory(0);

/** Ages what the agent remembers with its intent. */
export const aged = (memory: AgentMemory): AgentMemory => ({
  ...memory,
  ...(memory.intentAccepted === undefined
    ? {}
    : { intentAccepted: { ...memory.intentAccepted, monotonicMs: MONOTONIC - LONG_MS } }),
  ...(memory.possiblePostMs === undefined ? {} : { possiblePostMs: MONOTONIC - LONG_MS }),
  ...(memory.postedMs === undefined ? {} : { postedMs: MONOTONIC - LONG_MS + 1 }),
});

/** Something it remembers is recent, so that time passing makes a difference. */
export const isYoung = ({ intentAccepted, possiblePostMs, postedMs }: AgentMemory): boolean =>
  [intentAccepted?.monotonicMs, possiblePostMs, postedMs].includes(MONOTONIC);
