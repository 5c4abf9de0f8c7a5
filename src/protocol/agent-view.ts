/** What an agent's decisions look at, what they come to, and the pieces they are made of (protocol 2, 4, 5). */
import type {
  BottlerocketShadow,
  HostErrorCode,
  HostFacts,
  ShadowState,
} from '../api/v2/bottlerocketshadow.ts';

export type HostCommand = 'refresh' | 'prepare' | 'activate' | 'deactivate';

/** The host's update status, as far as decisions need it. */
export interface SeenUpdate {
  /** `None`: no update command has run since the boot. */
  state: 'None' | 'Idle' | 'Available' | 'Staged' | 'Ready';
  available: string[];
  /** The version the host chose at its last refresh. */
  chosen?: string;
  staging?: { version: string; nextToBoot: boolean };
  last?: { type: HostCommand; succeeded: boolean; timestamp: string; stderr: string };
}

/** The host as just read. */
export interface SeenHost {
  bootId: string;
  running: string;
  variant: string;
  arch: string;
  /** `busy`: an update command is under way, ours or another client's. */
  update: SeenUpdate | 'busy';
  /** Live values of settings.updates. */
  settings: { versionLock: string; ignoreWaves: boolean };
}

/** A command that was accepted by the host; its result is looked for in the next status. */
export interface PendingCommand {
  type: HostCommand;
  /** Timestamp of the last result before it: a result is ours only when it differs. */
  before: string | undefined;
}

/** What this process remembers about one attempt. */
export interface AgentMemory {
  attempt: number;
  pending?: PendingCommand;
  /** A refresh after the settings were as wanted: the host chose the target. */
  refreshed?: true;
  /** Timestamp of the prepare that was seen to write the target. */
  prepared?: string;
  /** Tries of the present step; a step that fails this often ends the attempt. */
  tries: number;
  /** Why the last try failed, in the host's words. */
  failure?: string;
  /** When a 2xx for the intent with this `at` came, on the monotonic clock. */
  intentAccepted?: { at: string; monotonicMs: number };
  /** When the reboot was last asked for, on the monotonic clock. */
  postedMs?: number;
  /** An earlier POST in this boot, perhaps of an earlier life of this agent, may act until ten minutes after this. */
  possiblePostMs?: number;
  /** The host's refusal to reboot. */
  refused?: string;
  /** The API server refused to take the intent again. */
  intentRefused?: true;
  /** When the host last asked its repository with success, by the host's wall clock. */
  checkedAt?: string;
}

/** Memory of an agent that knows nothing. */
export const emptyMemory = (attempt: number): AgentMemory => ({ attempt, tries: 0 });

export interface AgentView {
  /** The host's wall clock. */
  now: number;
  /** Milliseconds of the monotonic clock. */
  monotonicMs: number;
  /** The highest generation seen of this shadow. */
  shadow: BottlerocketShadow;
  host: SeenHost;
  memory: AgentMemory;
  /** The hourly check for updates is due. */
  checkDue: boolean;
}

/** The part of a report that a decision fills in; the core adds uid, generation and seq. */
export interface ReportDraft {
  current_state: ShadowState;
  current_version: string;
  target_version: string | null;
  host: HostFacts;
}

export type AgentAction =
  | { do: 'report'; draft: ReportDraft }
  | { do: 'command'; type: HostCommand }
  | { do: 'settings'; change: { versionLock?: string; ignoreWaves?: boolean } }
  /** POST the reboot: only ever within 60 s of the 2xx for an intent of this process. */
  | { do: 'reboot' }
  | { do: 'wait'; ms: number; why: string };

export interface AgentDecision {
  action: AgentAction;
  memory: AgentMemory;
}

/** How often a step is tried before the attempt ends. */
export const MAX_TRIES = 5;
/** How long committed settings take to be rendered, at least (bottlerocket-api 5.1). */
export const RENDER_WAIT_MS = 2_000;
/** Between two looks at a host that has something to do, such as to reboot. */
export const POLL_MS = 3_000;
/** Between two looks at a host that carries out an update command: its answer is a file, and the next step waits for it. */
export const BUSY_MS = 1_000;
/** Between two looks when there is nothing to do. */
export const REST_MS = 60_000;

/** What a decision wants to be recorded, over what is recorded already. */
export interface DraftChange extends Partial<HostFacts> {
  state: ShadowState;
}

/** A report that keeps what is recorded, brings what the host says now, and changes what it is told to. */
export function draftReport(view: AgentView, change: DraftChange): ReportDraft {
  const { host, memory } = view;
  const status = view.shadow.status ?? {};
  const recorded: Partial<HostFacts> = status.host ?? {};
  const { state, ...facts } = change;
  const kept: HostFacts = {
    bootId: host.bootId,
    variant: host.variant,
    arch: host.arch,
    updateState: recorded.updateState ?? null,
    available: recorded.available ?? null,
    staged: recorded.staged ?? null,
    saved: recorded.saved ?? null,
    rebootIntent: recorded.rebootIntent ?? null,
    step: null,
    // ErrorReset is never without its error, whatever else is reported with it.
    error: state === 'ErrorReset' ? (recorded.error ?? null) : null,
    checkedAt: memory.checkedAt ?? recorded.checkedAt ?? null,
  };
  const head = { current_state: state, current_version: host.running };
  if (host.update === 'busy') {
    return { ...head, target_version: status.target_version ?? null, host: { ...kept, ...facts } };
  }
  const news = { updateState: host.update.state, available: offeredTo(host.update, recorded) };
  return { ...head, target_version: host.update.chosen ?? null, host: { ...kept, ...news, ...facts } };
}

/**
 * A host forgets at every boot what it was offered. Until it has asked again what it said before stands: with an empty
 * list the node would count as up to date.
 */
const offeredTo = (update: SeenUpdate, { available }: Partial<HostFacts>): string[] =>
  update.state === 'None' ? (available ?? []) : update.available.slice(0, 32);

/** A problem for `host.error`, cut to what the CRD holds. */
export const problem = (
  view: AgentView,
  code: HostErrorCode,
  message: string,
): NonNullable<HostFacts['error']> => ({
  code,
  message: message.slice(0, 600),
  at: new Date(view.now).toISOString(),
});

export const report = (
  view: AgentView,
  change: DraftChange,
  memory: AgentMemory = view.memory,
): AgentDecision => ({
  action: { do: 'report', draft: draftReport(view, change) },
  memory,
});

/** Ends the attempt; the intent is closed with it. */
export const reportError = (view: AgentView, code: HostErrorCode, message: string): AgentDecision =>
  report(view, { state: 'ErrorReset', rebootIntent: null, error: problem(view, code, message) });

export const wait = (view: AgentView, ms: number, why: string): AgentDecision => ({
  action: { do: 'wait', ms, why },
  memory: view.memory,
});

/** Starts a command and remembers which result came before it. */
export function command(view: AgentView, type: HostCommand): AgentDecision {
  const before = view.host.update === 'busy' ? undefined : view.host.update.last?.timestamp;
  return { action: { do: 'command', type }, memory: { ...view.memory, pending: { type, before } } };
}

/** The result of the pending command: ours only when type and timestamp say so; lost when nothing changed. */
export function resultOf(view: AgentView, update: SeenUpdate): 'none' | 'lost' | 'failed' | 'succeeded' {
  const { pending } = view.memory;
  if (pending === undefined) return 'none';
  const { last } = update;
  if (last === undefined || last.type !== pending.type || last.timestamp === pending.before) return 'lost';
  return last.succeeded ? 'succeeded' : 'failed';
}

/** Compares versions as the host writes them: a lock may carry a "v". */
export const sameVersion = (a: string | null | undefined, b: string | null | undefined): boolean =>
  typeof a === 'string' && typeof b === 'string' && a.replace(/^v/, '') === b.replace(/^v/, '');
