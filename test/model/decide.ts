/** The agent's decision on the model's facts. */
import { decideAgent as decide } from '../../src/protocol/agent.ts';
import { emptyMemory } from '../../src/protocol/agent-view.ts';
import type { AgentDecision, AgentMemory } from '../../src/protocol/agent-view.ts';
import { MONOTONIC, NOW, seenHost, shadowObject } from './objects.ts';
import type { Scenario } from './rules.ts';
import type { Member, Shadow } from './world.ts';

export const emptyMemoryOf = (): AgentMemory => emptyMemory(0);

export function decideAgent(m: Member, shadow: Shadow, { rules }: Scenario): AgentDecision {
  const memory: AgentMemory = { ...m.agent.memory };
  const at = shadow.intent === null ? undefined : shadowObject(shadow).status?.host?.rebootIntent?.at;
  if (memory.intentAccepted !== undefined && at !== undefined) {
    // The class of an instant may have changed since; it is still the same intent.
    memory.intentAccepted = { ...memory.intentAccepted, at };
  }
  if (!rules.confirmIntent && at !== undefined) memory.intentAccepted = { at, monotonicMs: MONOTONIC };
  const isEarly = !rules.lateClose && m.host.going;
  return decide({
    now: isEarly ? NOW + 3_600_000 * 24 : NOW,
    monotonicMs: MONOTONIC + (isEarly ? 3_600_000 * 24 : 0),
    shadow: shadowObject(shadow),
    host: seenHost(m.host),
    memory,
    checkDue: false,
  });
}
