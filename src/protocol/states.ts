/** Reading a shadow: small questions that controllers, API server, agent and model must answer alike. */
import type {
  BottlerocketShadow,
  RebootIntent,
  SavedSettings,
  ShadowSpec,
  ShadowState,
} from '../api/v2/bottlerocketshadow.ts';
import { parseRfc3339 } from '../runtime/clock.ts';

/** The number of the current or last attempt; 0 before the first. */
export const attemptOf = (shadow: BottlerocketShadow): number => shadow.spec.attempt ?? 0;

/** The state the agent reported; undefined before its first report. */
export const reportedState = (shadow: BottlerocketShadow): ShadowState | undefined =>
  shadow.status?.current_state ?? undefined;

/** The open reboot intent: the host was, is or may be told to reboot, and has not been heard since. */
export const openIntent = (shadow: BottlerocketShadow): RebootIntent | undefined =>
  shadow.status?.host?.rebootIntent ?? undefined;

/** True while something that was staged or a setting that was changed has not been undone on the host. */
export const hasLeftovers = (shadow: BottlerocketShadow): boolean =>
  isSet(shadow.status?.host?.staged) ||
  hasSavedLeftovers(shadow.spec, shadow.status?.host?.saved) ||
  openIntent(shadow) !== undefined;

/**
 * True while a setting waits to be restored: the lock always, `ignore-waves` only once the policy no longer asks to
 * ignore them (it may stay set while Idle).
 */
export const hasSavedLeftovers = (spec: ShadowSpec, saved: SavedSettings | null | undefined): boolean =>
  isSet(saved?.versionLock) || (isSet(saved?.ignoreWaves) && spec.host?.waves !== 'Ignore');

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

/** The agent has seen the present spec and reports Idle with nothing staged or saved. */
export const isSettled = (shadow: BottlerocketShadow): boolean =>
  reportedState(shadow) === 'Idle' &&
  !hasLeftovers(shadow) &&
  shadow.status?.host?.generation === shadow.metadata.generation;

/** The node runs the version this attempt is for. */
export const runsTarget = (shadow: BottlerocketShadow): boolean =>
  isSet(shadow.spec.version) && shadow.status?.current_version === shadow.spec.version;

/** True while the instant lies ahead; an absent instant never passes. */
export function isAhead(text: string | null | undefined, now: number): boolean {
  const at = parseRfc3339(text);
  return at === undefined || now < at;
}
