/** State 0 on the host: undo what was staged and saved, say so, and look for updates every hour. */
import { parseRfc3339 } from '../runtime/clock.ts';
import { CLOSE_AFTER_MS, POST_WITHIN_MS } from './agent-reboot.ts';
import {
  BUSY_MS,
  POLL_MS,
  REST_MS,
  command,
  draftReport,
  problem,
  report,
  resultOf,
  wait,
} from './agent-view.ts';
import type { AgentDecision, AgentMemory, AgentView, ReportDraft, SeenUpdate } from './agent-view.ts';
import { restoreSettings, wantedWaves } from './agent-settings.ts';

export function decideIdle(view: AgentView): AgentDecision {
  const { update } = view.host;
  if (update === 'busy') return wait(view, BUSY_MS, 'An update command is running on the host');
  return (
    disarm(view, update) ??
    intentLeft(view) ??
    restoreSettings(view) ??
    // First, so that what the check found is reported together with the fact that it was made.
    checkEnded(view, update) ??
    reportIdle(view) ??
    check(view) ??
    wait(view, REST_MS, 'Nothing to do')
  );
}

/** Deactivates what the shadow says we staged, and nothing else. */
function disarm(view: AgentView, update: SeenUpdate): AgentDecision | undefined {
  const staged = view.shadow.status?.host?.staged ?? undefined;
  const isArmed =
    staged?.bootId === view.host.bootId &&
    update.state === 'Ready' &&
    update.staging?.version === staged.version;
  if (!isArmed) return undefined;
  if (view.memory.pending?.type !== 'deactivate') return command(view, 'deactivate');
  return disarmFailed(view, update);
}

/** A try is over and the host is still armed: say why, and try again later. */
function disarmFailed(view: AgentView, update: SeenUpdate): AgentDecision {
  const { pending: _pending, ...rest } = view.memory;
  const memory: AgentMemory = { ...rest, tries: rest.tries + 1 };
  const words = update.last?.type === 'deactivate' ? update.last.stderr.trim() : 'its result was lost';
  const state = view.shadow.status?.current_state ?? 'Idle';
  const isKnown = view.shadow.status?.host?.error?.code === 'DisarmFailed';
  if (isKnown || state === 'Idle') {
    return { action: { do: 'wait', ms: Math.min(REST_MS, POLL_MS * 2 ** memory.tries), why: words }, memory };
  }
  return report(view, { state, error: problem(view, 'DisarmFailed', `deactivate: ${words}`) }, memory);
}

/** The controller gave the attempt up while an intent of this boot was open: wait until no POST can still act. */
function intentLeft(view: AgentView): AgentDecision | undefined {
  const intent = view.shadow.status?.host?.rebootIntent ?? undefined;
  if (intent === undefined || intent.bootId !== view.host.bootId) return undefined;
  const since = view.now - ((parseRfc3339(intent.at) ?? view.now) + POST_WITHIN_MS);
  return since < CLOSE_AFTER_MS ? wait(view, REST_MS, 'A reboot may still come') : undefined;
}

/** Idle, once disarmed and restored; only when it is news. */
function reportIdle(view: AgentView): AgentDecision | undefined {
  const recorded = view.shadow.status;
  const keepsError =
    recorded?.host?.error?.code === 'RepositoryUnreachable' && view.memory.failure !== undefined;
  const draft = draftReport(view, {
    state: 'Idle',
    staged: null,
    rebootIntent: null,
    ...(keepsError ? { error: recorded?.host?.error ?? null } : {}),
  });
  return isNews(view, draft) ? { action: { do: 'report', draft }, memory: view.memory } : undefined;
}

/** What a report at rest is compared by; times alone are no news. */
function isNews(view: AgentView, draft: ReportDraft): boolean {
  const recorded = view.shadow.status;
  const before = recorded?.host;
  if (before === undefined || before === null || before.generation !== view.shadow.metadata.generation)
    return true;
  return gist(draft, draft.host) !== gist(recorded ?? {}, before);
}

/** A report in one text, without its times. */
const gist = (
  report: { current_state?: unknown; current_version?: unknown; target_version?: unknown },
  host: Partial<ReportDraft['host']>,
): string =>
  JSON.stringify([
    report.current_state,
    report.current_version,
    report.target_version ?? null,
    host.bootId,
    host.updateState ?? null,
    // That the host was asked at all is news; when, is not.
    (host.checkedAt ?? null) !== null,
    host.available ?? null,
    host.staged ?? null,
    host.error?.code ?? null,
    host.rebootIntent ?? null,
    host.variant ?? null,
    host.arch ?? null,
  ]);

/** What a check for updates came to. */
function checkEnded(view: AgentView, update: SeenUpdate): AgentDecision | undefined {
  const result = resultOf(view, update);
  if (view.memory.pending?.type !== 'refresh' || result === 'none') return undefined;
  return checked(view, update, result === 'succeeded');
}

/** The check for updates. */
function check(view: AgentView): AgentDecision | undefined {
  if (view.memory.pending !== undefined) {
    const { pending: _pending, ...memory } = view.memory;
    return decideIdle({ ...view, memory });
  }
  if (!view.checkDue) return undefined;
  return wantedWaves(view) ?? command(view, 'refresh');
}

function checked(view: AgentView, update: SeenUpdate, succeeded: boolean): AgentDecision | undefined {
  const { pending: _pending, failure: _failure, ...rest } = view.memory;
  if (succeeded) {
    const memory = { ...rest, checkedAt: new Date(view.now).toISOString() };
    return decideIdle({ ...view, checkDue: false, memory });
  }
  const words = update.last?.type === 'refresh' ? update.last.stderr.trim() : 'its result was lost';
  const memory = { ...rest, failure: words };
  const isKnown = view.shadow.status?.host?.error?.code === 'RepositoryUnreachable';
  if (isKnown) return decideIdle({ ...view, checkDue: false, memory });
  return report(
    view,
    { state: 'Idle', error: problem(view, 'RepositoryUnreachable', `refresh: ${words}`) },
    memory,
  );
}
