/** State 1 on the host (protocol 5): lock, refresh, prepare, record, unlock, activate; each step proved before the next. */
import type { StagedImage } from '../api/v2/bottlerocketshadow.ts';
import {
  MAX_TRIES,
  BUSY_MS,
  POLL_MS,
  RENDER_WAIT_MS,
  command,
  report,
  reportError,
  resultOf,
  sameVersion,
  wait,
} from './agent-view.ts';
import type { AgentDecision, AgentMemory, AgentView, SeenUpdate } from './agent-view.ts';
import { putBackSettings, stillSaved, wantedSettings } from './agent-settings.ts';

/** A view that has the target and a status at hand. */
interface Staging extends AgentView {
  target: string;
  update: SeenUpdate;
}

export function decideStaging(view: AgentView): AgentDecision {
  const { shadow, host } = view;
  const target = shadow.spec.version ?? '';
  const recorded = shadow.status;
  if (recorded?.current_state === 'ErrorReset') return wait(view, POLL_MS, 'ErrorReset was reported');
  if (host.running === target) return alreadyThere(view);
  if (host.running !== recorded?.current_version) {
    return reportError(view, 'UnexpectedVersion', `The host runs ${host.running}, which nobody asked for.`);
  }
  const staged = stagedHere(view);
  if (staged !== undefined && staged.bootId !== host.bootId) {
    return reportError(
      view,
      'BootFallback',
      `The host rebooted after ${target} was armed and runs ${host.running} again.`,
    );
  }
  if (host.update === 'busy') return wait(view, BUSY_MS, 'An update command is running on the host');
  const staging: Staging = { ...view, target, update: host.update };
  return staged === undefined ? prepareTarget(staging) : activateTarget(staging, staged);
}

/** A reboot that nobody asked for brought the target. */
function alreadyThere(view: AgentView): AgentDecision {
  if (view.shadow.status?.current_state === 'StagedAndPerformedUpdate')
    return wait(view, POLL_MS, 'Staged was reported');
  return (
    putBackSettings(view) ??
    report(view, { state: 'StagedAndPerformedUpdate', staged: null, saved: stillSaved(view) })
  );
}

const stagedHere = (view: AgentView): StagedImage | undefined => {
  const staged = view.shadow.status?.host?.staged ?? undefined;
  return staged?.attempt === (view.shadow.spec.attempt ?? 0) ? staged : undefined;
};

// ---- before the image is recorded ------------------------------------------------------------------------

function prepareTarget(view: Staging): AgentDecision {
  const { memory, update } = view;
  const result = resultOf(view, update);
  if (result !== 'none') return judgePrepareSide(view, result);
  if (memory.tries >= MAX_TRIES) {
    return reportError(view, 'StageFailed', memory.failure ?? 'The host did not stage the version.');
  }
  if (memory.prepared !== undefined) return recordPrepared(view, memory.prepared);
  if (update.state === 'Ready') return command(view, 'deactivate');
  const settings = wantedSettings(view);
  if (settings !== undefined) return { ...settings, memory: unrefreshed(settings.memory) };
  if (memory.refreshed !== true || !sameVersion(update.chosen, view.target)) {
    return memory.refreshed === true ? again(view, chosenText(view)) : command(view, 'refresh');
  }
  const isReady = update.state === 'Available' || update.state === 'Staged';
  return isReady ? command(view, 'prepare') : again(view, `The host's update state is ${update.state}.`);
}

/** Forgets the refresh: the settings it was made with change. */
function unrefreshed(memory: AgentMemory): AgentMemory {
  const { refreshed: _refreshed, ...rest } = memory;
  return rest;
}

const chosenText = (view: Staging): string =>
  `The host chooses ${view.update.chosen ?? 'no version'} where ${view.target} was asked for.`;

/** Another try from the refresh on, after a pause that lets settings be rendered. */
function again(view: Staging, failure: string): AgentDecision {
  const { pending: _pending, refreshed: _refreshed, prepared: _prepared, ...rest } = view.memory;
  const tries = rest.tries + 1;
  return {
    action: { do: 'wait', ms: RENDER_WAIT_MS * 2 ** Math.min(tries, 4), why: failure },
    memory: { ...rest, tries, failure },
  };
}

function judgePrepareSide(view: Staging, result: 'lost' | 'failed' | 'succeeded'): AgentDecision {
  const { memory, update } = view;
  const type = memory.pending?.type;
  const { pending: _pending, ...done } = memory;
  if (result === 'lost') return again(view, `The result of ${type} was lost.`);
  const stderr = update.last?.stderr.trim() ?? '';
  if (result === 'failed') return again(view, `${type} failed: ${stderr}`);
  if (type === 'refresh') return afterRefresh(view);
  if (type === 'prepare') return afterPrepare(view, stderr);
  return prepareTarget({ ...view, memory: done });
}

function afterRefresh(view: Staging): AgentDecision {
  const { pending: _pending, ...rest } = view.memory;
  const memory = { ...rest, checkedAt: new Date(view.now).toISOString() };
  if (!sameVersion(view.update.chosen, view.target)) return again({ ...view, memory }, chosenText(view));
  return prepareTarget({ ...view, memory: { ...memory, refreshed: true } });
}

/** What was really written is told by stderr alone (bottlerocket-api 3.3, 5.1); the JSON copies the choice. */
function afterPrepare(view: Staging, stderr: string): AgentDecision {
  const wrote = /Starting update to v?(\S+)/.exec(stderr)?.[1];
  const isTarget = sameVersion(wrote, view.target) && view.update.staging?.version === view.target;
  if (!isTarget || view.update.state !== 'Staged') {
    return again(view, `The host prepared ${wrote ?? 'nothing'} where ${view.target} was asked for.`);
  }
  const { pending: _pending, ...rest } = view.memory;
  const timestamp = view.update.last?.timestamp ?? '';
  return recordPrepared({ ...view, memory: { ...rest, prepared: timestamp, tries: 0 } }, timestamp);
}

function recordPrepared(view: Staging, timestamp: string): AgentDecision {
  if (view.update.last?.timestamp !== timestamp || view.update.state !== 'Staged') {
    return again(view, 'Another client used the update API after the version was prepared.');
  }
  const staged = { version: view.target, attempt: view.memory.attempt, bootId: view.host.bootId, timestamp };
  return report(view, { state: 'Idle', staged, step: 'Activate' });
}

// ---- after the image is recorded -------------------------------------------------------------------------

/**
 * The lock has done its work and goes back before anything is activated. That it has is told together with Staged:
 * in this attempt it is not set again, so a late report cannot take away what a restore would need.
 */
function activateTarget(view: Staging, staged: StagedImage): AgentDecision {
  const putBack = putBackSettings(view);
  if (putBack !== undefined) return putBack;
  const { update } = view;
  if (update.state === 'Ready') return armed(view);
  const wasOverwritten = update.last?.type === 'prepare' && update.last.timestamp !== staged.timestamp;
  if (update.state !== 'Staged' || update.staging?.version !== view.target || wasOverwritten) {
    return reportError(view, 'StageFailed', 'Another client changed what was staged on the host.');
  }
  return tryActivate(view);
}

function armed(view: Staging): AgentDecision {
  const { staging } = view.update;
  const isTarget = staging?.version === view.target && staging.nextToBoot;
  if (!isTarget)
    return reportError(view, 'NotArmed', 'The host is ready to boot another version than the one staged.');
  if (view.shadow.status?.current_state === 'StagedAndPerformedUpdate')
    return wait(view, POLL_MS, 'Staged was reported');
  const { pending: _pending, ...memory } = view.memory;
  return report(
    view,
    { state: 'StagedAndPerformedUpdate', saved: stillSaved(view) },
    { ...memory, tries: 0 },
  );
}

function tryActivate(view: Staging): AgentDecision {
  const { memory, update } = view;
  if (memory.pending?.type !== 'activate') {
    const tooOften = memory.tries >= MAX_TRIES;
    const why = memory.failure ?? 'The host could not activate the version.';
    return tooOften ? reportError(view, 'StageFailed', why) : command(view, 'activate');
  }
  const { pending: _pending, ...rest } = memory;
  const failure = `activate failed: ${update.last?.stderr.trim() ?? 'its result was lost'}`;
  return {
    action: { do: 'wait', ms: RENDER_WAIT_MS * 2 ** Math.min(rest.tries + 1, 4), why: failure },
    memory: { ...rest, tries: rest.tries + 1, failure },
  };
}
