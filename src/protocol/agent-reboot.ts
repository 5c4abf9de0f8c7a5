/** States 2 and 3 on the host (protocol 2 and 4): the intent, the reboot, and what is there afterwards. */
import type { RebootIntent } from '../api/v2/bottlerocketshadow.ts';
import { parseRfc3339 } from '../runtime/clock.ts';
import { wantedWaves } from './agent-settings.ts';
import { BUSY_MS, POLL_MS, REST_MS, command, report, reportError, resultOf, wait } from './agent-view.ts';
import type { AgentDecision, AgentView } from './agent-view.ts';
import { isAhead } from './states.ts';

/** A POST follows the 2xx for its intent within this time, or not at all. */
export const POST_WITHIN_MS = 60_000;
/** The same boot id so long after a POST: it may be repeated, with a new intent. */
export const REPOST_AFTER_MS = 6 * 60_000;
/** The same boot id so long after a possible POST: the intent may be closed. */
export const CLOSE_AFTER_MS = 10 * 60_000;

export function decideReboot(view: AgentView): AgentDecision {
  const target = view.shadow.spec.version ?? '';
  const recorded = view.shadow.status ?? {};
  if (recorded.current_state === 'ErrorReset') return wait(view, POLL_MS, 'ErrorReset was reported');
  if (recorded.current_state === 'RebootedIntoUpdate') return tellBoot(view, target);
  const isNewBoot = view.host.bootId !== recorded.host?.staged?.bootId;
  if (isNewBoot || recorded.current_version === target) return afterBoot(view, target);
  const intent = recorded.host?.rebootIntent ?? undefined;
  return intent === undefined ? openIntent(view, target) : pursueIntent(view, intent);
}

/** The reboot was reported; one more, that nobody asked for, must be told too, or the Node's boot id never matches. */
const tellBoot = (view: AgentView, target: string): AgentDecision =>
  view.shadow.status?.host?.bootId === view.host.bootId
    ? wait(view, POLL_MS, 'The reboot was reported')
    : afterBoot(view, target);

function afterBoot(view: AgentView, target: string): AgentDecision {
  const { running } = view.host;
  if (running === target) {
    return report(view, { state: 'RebootedIntoUpdate', staged: null, rebootIntent: null });
  }
  return running === view.shadow.status?.current_version
    ? reportError(view, 'BootFallback', `The host rebooted for ${target} and runs ${running} again.`)
    : reportError(view, 'UnexpectedVersion', `The host rebooted for ${target} and runs ${running}.`);
}

/** Before the intent the host must be ready to boot the target; asked of the host itself, not of what was recorded. */
function openIntent(view: AgentView, target: string): AgentDecision {
  const { update } = view.host;
  if (update === 'busy') return wait(view, BUSY_MS, 'An update command is running on the host');
  const isArmed = update.state === 'Ready' && update.staging?.version === target && update.staging.nextToBoot;
  if (!isArmed) {
    return reportError(
      view,
      'NotArmed',
      `The host is ${update.state} with ${update.staging?.version ?? 'nothing'} staged.`,
    );
  }
  if (!mayAsk(view)) return wait(view, POLL_MS, 'The time for a reboot has passed');
  return putIntent(view, target);
}

const mayAsk = (view: AgentView): boolean =>
  isAhead(view.shadow.spec.notAfter, view.now) &&
  isAhead(view.shadow.spec.deadline, view.now) &&
  view.shadow.metadata.deletionTimestamp === undefined;

function putIntent(view: AgentView, target: string): AgentDecision {
  const rebootIntent: RebootIntent = {
    version: target,
    bootId: view.host.bootId,
    generation: view.shadow.metadata.generation ?? 0,
    at: new Date(view.now).toISOString(),
  };
  return report(view, { state: 'StagedAndPerformedUpdate', rebootIntent, step: 'Reboot' });
}

/** An intent of this boot is open: ask for the reboot, ask again, or close it. */
function pursueIntent(view: AgentView, intent: RebootIntent): AgentDecision {
  const { memory, monotonicMs } = view;
  if (memory.refused !== undefined) return closeWhenSafe(view, intent);
  const accepted = memory.intentAccepted?.at === intent.at ? memory.intentAccepted : undefined;
  const wasPosted =
    memory.postedMs !== undefined && accepted !== undefined && memory.postedMs >= accepted.monotonicMs;
  if (accepted !== undefined && !wasPosted && monotonicMs < accepted.monotonicMs + POST_WITHIN_MS) {
    return stillArmed(view, intent);
  }
  if (memory.postedMs !== undefined && monotonicMs < memory.postedMs + REPOST_AFTER_MS) {
    return wait(view, POLL_MS, 'The host was told to reboot');
  }
  if (memory.intentRefused !== true && mayAsk(view)) {
    return putIntent({ ...view, memory: { ...memory, possiblePostMs: monotonicMs } }, intent.version);
  }
  return closeWhenSafe(view, intent);
}

/** Looks at the host once more: between the intent and the POST another client may have disarmed it. */
function stillArmed(view: AgentView, intent: RebootIntent): AgentDecision {
  const { update } = view.host;
  if (update === 'busy') return wait(view, BUSY_MS, 'An update command is running on the host');
  const isArmed =
    update.state === 'Ready' && update.staging?.version === intent.version && update.staging.nextToBoot;
  if (isArmed) return { action: { do: 'reboot' }, memory: { ...view.memory, postedMs: view.monotonicMs } };
  // A POST of an earlier life of this agent may be under way: then it is too early to close.
  return closeWhenSafe(view, intent);
}

/**
 * Closing says "no reboot will come of this": at once when the host refused the only POST there can have been, else
 * only when no POST can still act.
 */
function closeWhenSafe(view: AgentView, intent: RebootIntent): AgentDecision {
  const { refused } = view.memory;
  const waitMs =
    refused !== undefined && view.memory.possiblePostMs === undefined
      ? 0
      : CLOSE_AFTER_MS - sincePost(view, intent);
  if (waitMs > 0) return wait(view, Math.min(REST_MS, waitMs), 'A reboot may still come');
  return reportError(view, 'RebootRefused', refused ?? 'The host was told to reboot and has not done so.');
}

/** Milliseconds since the last POST that may have been made in this boot. */
function sincePost({ memory, monotonicMs, now }: AgentView, intent: RebootIntent): number {
  // A POST that was refused cannot act; the one before it can.
  const posted = memory.refused === undefined ? memory.postedMs : undefined;
  const last = Math.max(posted ?? -Infinity, memory.possiblePostMs ?? -Infinity);
  if (last > -Infinity) return monotonicMs - last;
  return now - ((parseRfc3339(intent.at) ?? now) + POST_WITHIN_MS);
}

export function decideMonitoring(view: AgentView): AgentDecision {
  const { shadow, host } = view;
  const recorded = shadow.status;
  if (recorded?.current_state === 'ErrorReset') return wait(view, POLL_MS, 'ErrorReset was reported');
  if (host.running !== shadow.spec.version) {
    return reportError(view, 'UnexpectedVersion', `After the update the host runs ${host.running}.`);
  }
  const isTold = recorded?.current_state === 'MonitoringUpdate' && recorded.host?.bootId === host.bootId;
  if (!isTold) return report(view, { state: 'MonitoringUpdate' });
  return lookForUpdates(view) ?? wait(checked(view), REST_MS, 'The controller watches the node');
}

/**
 * With the reboot the host has forgotten its last check. The next one is made while the node is verified, so that what
 * it finds is told together with Idle.
 */
function lookForUpdates(view: AgentView): AgentDecision | undefined {
  if (!view.checkDue || view.memory.pending !== undefined || view.host.update === 'busy') return undefined;
  return wantedWaves(view) === undefined ? command(view, 'refresh') : undefined;
}

/** Notes when a check succeeded. One that failed is left to be told in state Idle. */
function checked(view: AgentView): AgentView {
  const { host, memory, now } = view;
  if (memory.pending?.type !== 'refresh' || host.update === 'busy') return view;
  if (resultOf(view, host.update) !== 'succeeded') return view;
  const { pending: _pending, ...rest } = memory;
  return { ...view, memory: { ...rest, checkedAt: new Date(now).toISOString() } };
}
