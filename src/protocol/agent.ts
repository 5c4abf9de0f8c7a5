/**
 * What an agent does next (protocol 2, 4, 5): a pure function of the shadow, of what the host says and of what this
 * process remembers. Memory is a cache: an agent that starts anew with none decides safely from the shadow and the host.
 */
import { decideIdle } from './agent-idle.ts';
import { decideMonitoring, decideReboot } from './agent-reboot.ts';
import { decideStaging } from './agent-staging.ts';
import { emptyMemory } from './agent-view.ts';
import type { AgentDecision, AgentMemory, AgentView } from './agent-view.ts';
import type { ShadowState } from '../api/v2/bottlerocketshadow.ts';

const DECISIONS: Readonly<Record<ShadowState, (view: AgentView) => AgentDecision>> = {
  Idle: decideIdle,
  StagedAndPerformedUpdate: decideStaging,
  RebootedIntoUpdate: decideReboot,
  MonitoringUpdate: decideMonitoring,
  // Never asked for by us; Brupop's CRD allows it.
  ErrorReset: decideIdle,
};

/** Decides what the agent does next. */
export function decideAgent(view: AgentView): AgentDecision {
  const attempt = view.shadow.spec.attempt ?? 0;
  const fresh = view.memory.attempt === attempt ? view : { ...view, memory: carryOver(view.memory, attempt) };
  return DECISIONS[view.shadow.spec.state](fresh);
}

/** A command under way belongs to the host, not to the attempt. */
const carryOver = (memory: AgentMemory, attempt: number): AgentMemory => ({
  ...emptyMemory(attempt),
  ...(memory.pending === undefined ? {} : { pending: memory.pending }),
  ...(memory.checkedAt === undefined ? {} : { checkedAt: memory.checkedAt }),
});
