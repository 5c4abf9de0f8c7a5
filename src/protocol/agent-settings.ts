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
 * The next step of restoring the lock, and `ignore-waves` once no policy asks for it: first the setting (only while it
 * is still the value we set), then the record. Undefined when nothing is saved.
 */
export function restoreSettings(view: AgentView): AgentDecision | undefined {
  const saved = savedOf(view);
  const { settings } = view.host;
  if (isSet(saved.versionLock)) {
    const isOurs = sameVersion(settings.versionLock, saved.versionLockSet);
    if (isOurs && !sameVersion(settings.versionLock, saved.versionLock)) {
      return {
        action: { do: 'settings', change: { versionLock: saved.versionLock ?? 'latest' } },
        memory: view.memory,
      };
    }
    return forget(view, { ...saved, versionLock: null, versionLockSet: null });
  }
  if (!isSet(saved.ignoreWaves) || view.shadow.spec.host?.waves === 'Ignore') return undefined;
  if (settings.ignoreWaves && saved.ignoreWaves === false) {
    return { action: { do: 'settings', change: { ignoreWaves: false } }, memory: view.memory };
  }
  return forget(view, { ...saved, ignoreWaves: null });
}

/** Records what is left of the saved settings. */
function forget(view: AgentView, saved: SavedSettings): AgentDecision {
  const rest = isSet(saved.versionLock) || isSet(saved.ignoreWaves) ? saved : null;
  return report(view, { state: recordedState(view), saved: rest });
}
