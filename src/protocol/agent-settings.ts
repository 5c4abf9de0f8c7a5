/** The host's settings that staging needs, saved before they are changed and restored while they are still ours. */
import type { SavedSettings } from '../api/v2/bottlerocketshadow.ts';
import { report, sameVersion } from './agent-view.ts';
import type { AgentDecision, AgentView } from './agent-view.ts';

const savedOf = (view: AgentView): SavedSettings => view.shadow.status?.host?.saved ?? {};
const isSet = (value: unknown): boolean => value !== undefined && value !== null;

/** The state a report of settings repeats: it changes nothing but what is saved. */
const recordedState = (view: AgentView) => view.shadow.status?.current_state ?? 'Idle';

/**
 * The next step towards the settings that staging (or, for waves, the hourly check) needs: first what is there is
 * recorded, then it is changed. Undefined when all is as wanted.
 */
export function wantedSettings(view: AgentView): AgentDecision | undefined {
  return wantedWaves(view) ?? wantedLock(view);
}

/** `ignore-waves`, when the policy asks to ignore them. */
export function wantedWaves(view: AgentView): AgentDecision | undefined {
  if (view.shadow.spec.host?.waves !== 'Ignore' || view.host.settings.ignoreWaves) return undefined;
  const saved = savedOf(view);
  if (!isSet(saved.ignoreWaves)) {
    return report(view, { state: recordedState(view), saved: { ...saved, ignoreWaves: false } });
  }
  return { action: { do: 'settings', change: { ignoreWaves: true } }, memory: view.memory };
}

function wantedLock(view: AgentView): AgentDecision | undefined {
  const target = view.shadow.spec.version ?? '';
  const current = view.host.settings.versionLock;
  if (view.shadow.spec.host?.lock === 'Observe') return undefined;
  const saved = savedOf(view);
  if (sameVersion(current, target) && !isSet(saved.versionLock)) return undefined;
  if (!isSet(saved.versionLock) || saved.versionLockSet !== target) {
    const before = saved.versionLock ?? current;
    return report(view, {
      state: recordedState(view),
      step: 'Prepare',
      saved: { ...saved, versionLock: before, versionLockSet: target },
    });
  }
  if (sameVersion(current, target)) return undefined;
  return { action: { do: 'settings', change: { versionLock: target } }, memory: view.memory };
}

/**
 * Puts back what was saved and is still what we set: the lock, and `ignore-waves` once no policy asks for it. Undefined
 * when nothing on the host has to change.
 */
export function putBackSettings(view: AgentView): AgentDecision | undefined {
  const change = { ...lockToPutBack(view), ...wavesToPutBack(view) };
  if (Object.keys(change).length === 0) return undefined;
  return { action: { do: 'settings', change }, memory: view.memory };
}

function lockToPutBack(view: AgentView): { versionLock?: string } {
  const { versionLock, versionLockSet } = savedOf(view);
  const current = view.host.settings.versionLock;
  if (!isSet(versionLock)) return {};
  const isOurs = sameVersion(current, versionLockSet);
  return isOurs && !sameVersion(current, versionLock) ? { versionLock: versionLock ?? 'latest' } : {};
}

function wavesToPutBack(view: AgentView): { ignoreWaves?: boolean } {
  if (keepsWaves(view)) return {};
  return view.host.settings.ignoreWaves && savedOf(view).ignoreWaves === false ? { ignoreWaves: false } : {};
}

const keepsWaves = (view: AgentView): boolean => view.shadow.spec.host?.waves === 'Ignore';

/** What stays saved once the settings are put back: `ignore-waves`, while the policy ignores waves. */
export function stillSaved(view: AgentView): SavedSettings | null {
  const { ignoreWaves } = savedOf(view);
  return keepsWaves(view) && isSet(ignoreWaves) ? { ignoreWaves: ignoreWaves ?? null } : null;
}

/**
 * The next step of restoring settings: first what is on the host, then what is recorded. Undefined when nothing is
 * saved that has to be restored.
 */
export function restoreSettings(view: AgentView): AgentDecision | undefined {
  const { versionLock, ignoreWaves } = savedOf(view);
  if (!isSet(versionLock) && (!isSet(ignoreWaves) || keepsWaves(view))) return undefined;
  return putBackSettings(view) ?? report(view, { state: recordedState(view), saved: stillSaved(view) });
}
