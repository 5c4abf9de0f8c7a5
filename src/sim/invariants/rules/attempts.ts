/** Protocol 2 to 4, 8: how an attempt may go on and end, and that what is said of its end is true. */
import { END_COUNTS } from '../../../api/reasons.ts';
import type { EndReason } from '../../../api/reasons.ts';
import type { LedgerEntry, UpdatePolicy } from '../../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow, ShadowState } from '../../../api/v2/bottlerocketshadow.ts';
import { RETRY_ANNOTATION } from '../../../api/names.ts';
import { parseRfc3339 } from '../../../runtime/clock.ts';
import type { MomentOf } from '../moment.ts';
import { entriesOf, idOf, isController, nodeNameOf, nodeOf, openIntent } from '../reading.ts';
import { plainRule, rule } from '../rule.ts';
import type { Verdict } from '../rule.ts';

const NEXT: Readonly<Record<ShadowState, readonly ShadowState[]>> = {
  Idle: ['StagedAndPerformedUpdate'],
  StagedAndPerformedUpdate: ['RebootedIntoUpdate', 'Idle'],
  RebootedIntoUpdate: ['MonitoringUpdate', 'Idle'],
  MonitoringUpdate: ['Idle'],
  ErrorReset: ['Idle'],
};

const attemptOf = ({ spec }: BottlerocketShadow): number => spec.attempt ?? 0;

/** A shadow goes through the states in their order; the number of its attempt only grows; its target never changes. */
export const attemptsGoForward = plainRule(
  { name: 'attemptsGoForward', invariant: 9, of: ['shadow'] },
  ({ before, after, by }) => {
    if (before === undefined || after === undefined || !isController(by)) return undefined;
    const { name } = after.metadata;
    const [old, next] = [before.spec, after.spec];
    const [from, to] = [attemptOf(before), attemptOf(after)];
    if (to < from) return `${name}: attempt ${to} follows ${from}`;
    if (old.state !== next.state)
      return NEXT[old.state].includes(next.state) ? '' : `${name} goes from ${old.state} to ${next.state}`;
    if (next.state === 'Idle') return undefined;
    const isSame = old.version === next.version && old.policy?.uid === next.policy?.uid && from === to;
    return isSame ? '' : `${name}: an attempt under way was changed`;
  },
);

/** State 2 comes after Staged was reported for this attempt, state 3 after the Node has registered with the new boot. */
export const statesFollowReports = plainRule(
  { name: 'statesFollowReports', invariant: 9, of: ['shadow'] },
  (moment) => {
    const { before, after } = moment;
    if (before === undefined || after === undefined || before.spec.state === after.spec.state)
      return undefined;
    const { status } = before;
    const { name } = after.metadata;
    if (after.spec.state === 'RebootedIntoUpdate')
      return status?.current_state === 'StagedAndPerformedUpdate'
        ? ''
        : `${name} is told to reboot before it has staged`;
    if (after.spec.state !== 'MonitoringUpdate') return undefined;
    if (status?.current_state !== 'RebootedIntoUpdate') return `${name} is verified before it has rebooted`;
    const isKnown = status.host?.bootId !== undefined && status.current_version === before.spec.version;
    return isKnown ? '' : `${name} is verified with ${status.current_version ?? 'nothing'} running`;
  },
);

/** What a deadline was first set to may be moved once, and only to later. */
export const deadlinesMoveOnce = rule({ name: 'deadlinesMoveOnce', invariant: 9, of: ['shadow'] }, () => {
  const moved = new Set<string>();
  return ({ before, after, by }): Verdict => {
    if (before === undefined || after === undefined || !isController(by)) return undefined;
    const { state, attempt = 0, deadline } = after.spec;
    if (state === 'Idle' || before.spec.state !== state || before.spec.deadline === deadline)
      return undefined;
    const key = `${after.metadata.uid ?? ''}/${attempt}/${state}`;
    const isLater = (parseRfc3339(deadline) ?? 0) > (parseRfc3339(before.spec.deadline) ?? 0);
    if (!isLater) return `${after.metadata.name}: its deadline was moved to earlier`;
    if (moved.has(key)) return `${after.metadata.name}: its deadline was moved twice`;
    moved.add(key);
    return '';
  };
});

/** State 2 is taken back only while no intent is open; only a node that is gone is given up with one. */
export const noFenceUnderIntent = plainRule(
  { name: 'noFenceUnderIntent', invariant: 10, of: ['shadow'] },
  (moment) => {
    const { before, after, by } = moment;
    if (before?.spec.state !== 'RebootedIntoUpdate' || after?.spec.state !== 'Idle' || !isController(by))
      return undefined;
    if (openIntent(before) === undefined) return '';
    const owner = before.metadata.ownerReferences?.find(({ kind }) => kind === 'Node');
    const node = nodeOf(moment, nodeNameOf(before));
    return node === undefined || node.metadata.uid !== owner?.uid
      ? ''
      : `${before.metadata.name} was put back with an open intent`;
  },
);

const countsOf = ({ reason }: LedgerEntry): string => END_COUNTS[(reason ?? '') as EndReason] ?? 'nothing';

/** A failure is counted, and halts the policy, in the write that ends its entry; no end is counted twice. */
export const endsAreCountedOnce = plainRule(
  { name: 'endsAreCountedOnce', invariant: 6, of: ['policy'] },
  ({ before, after, by }) => {
    if (before === undefined || after === undefined || !isController(by)) return undefined;
    const old = new Map(entriesOf(before).map((entry) => [idOf(entry), entry]));
    const changed = entriesOf(after).filter((entry) => {
      const was = old.get(idOf(entry));
      return was !== undefined && was.phase !== entry.phase;
    });
    const again = changed.find((entry) => old.get(idOf(entry))?.phase !== 'Reserved');
    if (again !== undefined) return `${again.node}: its end was written twice`;
    const failed = changed.filter((entry) => countsOf(entry) === 'failure');
    const verdict = wrongCount(before, after, failed.length);
    if (verdict !== undefined) return verdict;
    if (failed.length === 0) return changed.length === 0 ? undefined : '';
    const isHalted = after.status?.halt ?? undefined;
    return isHalted === undefined ? `${failed[0]?.node ?? ''} failed, and the policy was not halted` : '';
  },
);

const failuresOf = ({ status }: UpdatePolicy): number => status?.rollout?.failures ?? 0;

function wrongCount(before: UpdatePolicy, after: UpdatePolicy, failed: number): string | undefined {
  const counted = failuresOf(after) - failuresOf(before);
  // A new rollout begins at zero.
  const isNew = before.status?.rollout?.startedAt !== after.status?.rollout?.startedAt;
  if (isNew || counted === failed) return undefined;
  return `policy ${after.metadata.name} counts ${counted} failures for ${failed} that ended so`;
}

const phaseFits: Readonly<Record<string, readonly string[]>> = {
  success: ['Resting'],
  failure: ['Failed', 'Lost'],
  backoff: ['Ended'],
  nothing: ['Ended'],
};

/** The phase of an entry says what its reason counts. */
export const phasesFitReasons = plainRule(
  { name: 'phasesFitReasons', invariant: 6, of: ['policy'] },
  ({ after, by }) => {
    if (after === undefined || !isController(by)) return undefined;
    const ended = entriesOf(after).filter(({ phase }) => phase !== 'Reserved');
    if (ended.length === 0) return undefined;
    const wrong = ended.find((entry) => phaseFits[countsOf(entry)]?.includes(entry.phase) !== true);
    return wrong === undefined ? '' : `${wrong.node} is ${wrong.phase} for ${wrong.reason ?? 'no reason'}`;
  },
);

/** A success is one: the host runs the target, its Node is Ready and schedulable, and has been for `stableFor`. */
export const successIsTrue = plainRule({ name: 'successIsTrue', invariant: 9, of: ['shadow'] }, (moment) => {
  const { before, after, hosts, by } = moment;
  if (before === undefined || after === undefined || !isController(by)) return undefined;
  if (before.spec.state === 'Idle' || after.spec.state !== 'Idle') return undefined;
  if (after.spec.outcome?.reason !== 'Updated') return undefined;
  const name = nodeNameOf(after);
  if (before.spec.state !== 'MonitoringUpdate') return `${name} ends well in state ${before.spec.state}`;
  const runs = hosts.get(name)?.image.version;
  // Nobody can know yet of a machine that has left for good without a word.
  if (runs === undefined) return '';
  if (runs !== before.spec.version) return `${name} ends well and runs ${runs}`;
  return notWell(moment, before) ?? '';
});

function notWell(moment: MomentOf<'shadow'>, shadow: BottlerocketShadow): string | undefined {
  const { atMs, lagMs, toleranceMs, policies } = moment;
  const name = nodeNameOf(shadow);
  const record = moment.nodes.get(nodeOf(moment, name)?.metadata.uid);
  const versions = policies.since(shadow.spec.policy?.uid ?? '', atMs - lagMs);
  const stableForMs = Math.min(...versions.map(({ effective }) => effective.health.stableForMs));
  if (record === undefined || versions.length === 0) return undefined;
  // What happened within the lag may not have been seen.
  const least = Math.max(0, stableForMs - toleranceMs - lagMs);
  const readyMs = record.readySinceMs === undefined ? -lagMs : atMs - record.readySinceMs;
  return readyMs >= least ? undefined : `${name} ends well, Ready for ${Math.round(readyMs / 1000)} s`;
}

/** After a bad end nothing is tried again on that shadow before its back-off: ten minutes, doubling to six hours. */
export const backoffIsKept = rule({ name: 'backoffIsKept', invariant: 9, of: ['shadow', 'node'] }, () => {
  const bad = new Map<string, { inARow: number; atMs: number; attempt: number }>();
  const retried = new Set<string>();
  const noteEnd = ({ after, atMs }: MomentOf<'shadow'>): void => {
    const uid = after?.metadata.uid ?? '';
    const { outcome } = after?.spec ?? {};
    if (!outcome || after?.spec.state !== 'Idle') return;
    const counts = END_COUNTS[outcome.reason as EndReason];
    const known = bad.get(uid);
    if (known !== undefined && outcome.attempt <= known.attempt) return;
    if (counts === 'success') bad.delete(uid);
    if (counts !== 'backoff' && counts !== 'failure') return;
    bad.set(uid, { inARow: (known?.inARow ?? 0) + 1, atMs, attempt: outcome.attempt });
  };
  return (moment): Verdict => {
    if (moment.kind === 'node') {
      const { before, after } = moment;
      const [old, next] = [before, after].map((node) => node?.metadata.annotations?.[RETRY_ANNOTATION]);
      if (next !== undefined && next !== old) retried.add(after?.metadata.name ?? '');
      return undefined;
    }
    const { before, after, atMs, toleranceMs } = moment;
    noteEnd(moment);
    if (before?.spec.state !== 'Idle' || after === undefined || after.spec.state === 'Idle') return undefined;
    const last = bad.get(after.metadata.uid ?? '');
    const name = nodeNameOf(after);
    if (last === undefined || retried.has(name) || moment.hadWrongClock) return undefined;
    // Not every success is written as an outcome that is seen here, so only the first step of the doubling is asked for.
    const waitMs = Math.min(6 * 3_600_000, 600_000 * 2 ** Math.min(last.inARow - 1, 10));
    const since = atMs - last.atMs;
    return since >= waitMs - toleranceMs - 1000
      ? ''
      : `${name} is tried again ${Math.round(since / 1000)} s after bad end ${last.inARow} in a row`;
  };
});
