/** What changes of a shadow tell. */
import {
  END_COUNTS,
  WAIT_REASONS,
  type EndReason,
  type ProgressReason,
  type WaitReason,
} from '../../../api/reasons.ts';
import type { BottlerocketShadow } from '../../../api/v2/bottlerocketshadow.ts';
import { happened, type Change, type Happening } from './happening.ts';

/** Reasons that say why a drain does not get on. */
const HOLDS: readonly string[] = [
  'PodDisruptionBudget',
  'MultipleDisruptionBudgets',
  'PodTerminating',
  'EvictionThrottled',
  'EvictionRefused',
] satisfies ProgressReason[];

/** Waiting for these is how it is meant to be. */
const USUAL: readonly string[] = ['UpToDate', 'NoSlot', 'NoPolicy'] satisfies WaitReason[];

type Shadow = BottlerocketShadow | undefined;

export const isInFlight = (shadow: Shadow): boolean => shadow !== undefined && shadow.spec.state !== 'Idle';

const attemptText = ({ spec }: BottlerocketShadow): string =>
  `attempt ${spec.attempt ?? '?'} to ${spec.version ?? '?'}`;

/** How the attempt ended, as the patch that ended it says. */
function outcome(shadow: BottlerocketShadow): Happening {
  const { outcome: end } = shadow.spec;
  if (end === undefined || end === null) return happened('putBack');
  const counts = END_COUNTS[end.reason as EndReason] as string | undefined;
  if (counts === 'success') return happened('updated', shadow.status?.current_version ?? '');
  return happened(counts === 'failure' ? 'failed' : 'putBack', `${end.reason}: ${end.message}`);
}

/** A host that had not begun has nothing to undo. */
function ending(shadow: BottlerocketShadow): Happening[] {
  const undone = shadow.status?.current_state === 'Idle';
  const end = outcome(shadow);
  return end.kind !== 'updated' && undone ? [end, happened('finished')] : [end];
}

/** What asking for a state says: the controller has seen the one before. */
const STEPS: Partial<Record<string, Happening[]>> = {
  RebootedIntoUpdate: [happened('drained')],
  MonitoringUpdate: [happened('bootReported')],
};

function state({ before, after }: Change<BottlerocketShadow>): Happening[] {
  if (after === undefined || before?.spec.state === after.spec.state) return [];
  if (!isInFlight(before) && isInFlight(after)) return [happened('started', attemptText(after))];
  if (isInFlight(before) && !isInFlight(after)) return ending(after);
  return STEPS[after.spec.state] ?? [];
}

/** Idle is only reported when nothing is staged or changed any more. */
function report({ before, after }: Change<BottlerocketShadow>): Happening[] {
  const [was, is] = [before?.status?.current_state, after?.status?.current_state];
  if (was === is || was === undefined || was === null) return [];
  if (is === 'StagedAndPerformedUpdate') return [happened('staged', after?.spec.version ?? '')];
  return is === 'Idle' && !isInFlight(after) ? [happened('finished')] : [];
}

function intent({ before, after }: Change<BottlerocketShadow>): Happening[] {
  const [was, is] = [before?.status?.host?.rebootIntent, after?.status?.host?.rebootIntent];
  if (is === undefined || is === null || was?.bootId === is.bootId) return [];
  return [happened('rebootRequested', `into ${is.version}`)];
}

/** True for a wait that somebody may want to know of. */
const isUnusual = (reason: string): boolean => Object.hasOwn(WAIT_REASONS, reason) && !USUAL.includes(reason);

function display({ before, after }: Change<BottlerocketShadow>): Happening[] {
  const was = before?.status?.update?.reason ?? '';
  const { reason, message } = after?.status?.update ?? { reason: '', message: '' };
  if (was === reason) return [];
  const text = `${reason}: ${message}`;
  if (HOLDS.includes(reason)) return [happened('drainHeld', text)];
  if (reason === 'Draining' && HOLDS.includes(was)) return [happened('drainContinued')];
  return isUnusual(reason) && !isInFlight(after) ? [happened('held', text)] : [];
}

function offer({ before, after }: Change<BottlerocketShadow>): Happening[] {
  const [was, is] = [before?.status?.host?.available?.[0], after?.status?.host?.available?.[0]];
  const running = after?.status?.current_version;
  if (is === undefined || was === is || is === running) return [];
  return [happened('updateAvailable', `${running ?? '?'} → ${is}`)];
}

/** See the head of this file. */
export function shadowHappenings(change: Change<BottlerocketShadow>): Happening[] {
  if (change.after === undefined) return isInFlight(change.before) ? [happened('finished')] : [];
  return [...offer(change), ...state(change), ...report(change), ...intent(change), ...display(change)];
}
