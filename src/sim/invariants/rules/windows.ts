/** Invariant 2: nothing is taken from a node outside the windows or inside a blackout, by the clock of the world. */
import { RUN_NOW_ANNOTATION } from '../../../api/names.ts';
import { parseRfc3339 } from '../../../runtime/clock.ts';
import type { Setting } from '../moment.ts';
import { remainingMs, wasOpen } from '../openness.ts';
import type { PolicyVersion } from '../policyhistory.ts';
import {
  cordonMarkOn,
  isController,
  isStart,
  nodeNameOf,
  nodeOf,
  openIntent,
  reservedIn,
  shadowOf,
  startedShadow,
  takenPod,
} from '../reading.ts';
import { plainRule } from '../rule.ts';

/** From the acceptance of an intent to the shutdown: a minute to ask, five that somebody may delay it, and the shutdown. */
const REBOOT_SLACK_MS = 7 * 60_000;
/** From the decision to the last eviction of a batch, beside what the tolerance says. */
const BATCH_MS = 5_000;
/** From a reservation to its start. */
const START_SLACK_MS = 60_000;

/** What the policy that owns a node said lately. */
const ownersOf = (setting: Setting, node: string): PolicyVersion[] =>
  versionsOf(setting, shadowOf(setting, node)?.spec.policy?.uid);

const versionsOf = (setting: Setting, policyUid: string | undefined): PolicyVersion[] =>
  policyUid === undefined ? [] : setting.policies.since(policyUid, setting.atMs - setting.lagMs);

/** A node is cordoned only while it is open. */
export const cordonsOnlyInWindows = plainRule(
  { name: 'cordonsOnlyInWindows', invariant: 2, of: ['node'] },
  (moment) => {
    const { before, after, by } = moment;
    const mark = cordonMarkOn(after);
    if (after === undefined || mark === undefined || !isController(by)) return undefined;
    if (cordonMarkOn(before)?.at === mark.at) return undefined;
    const { name } = after.metadata;
    const versions = ownersOf(moment, name);
    if (versions.length === 0) return `${name} was cordoned for no policy`;
    return wasOpen(moment, { versions, node: after }) ? '' : `${name} was cordoned outside the window`;
  },
);

/** Pods are evicted only while it is open. */
export const evictionsOnlyInWindows = plainRule(
  { name: 'evictionsOnlyInWindows', invariant: 2, of: ['pod'] },
  (moment) => {
    const pod = takenPod(moment);
    if (pod === undefined) return undefined;
    const { name } = pod.metadata;
    const node = pod.spec?.nodeName ?? '';
    const versions = ownersOf(moment, node);
    if (versions.length === 0) return undefined;
    return wasOpen(moment, { versions, node: nodeOf(moment, node), slackMs: BATCH_MS })
      ? ''
      : `pod ${name} on ${node} was evicted outside the window`;
  },
);

/** An intent, and with it the reboot, is accepted only while it is open. */
export const intentsOnlyInWindows = plainRule(
  { name: 'intentsOnlyInWindows', invariant: 2, of: ['shadow'] },
  (moment) => {
    const { before, after } = moment;
    const intent = openIntent(after);
    if (after === undefined || intent === undefined || intent.at === openIntent(before)?.at) return undefined;
    const versions = versionsOf(moment, after.spec.policy?.uid);
    if (versions.length === 0) return undefined;
    return wasOpen(moment, { versions, node: nodeOf(moment, nodeNameOf(after)) })
      ? ''
      : `${after.metadata.name}: an intent was accepted outside the window`;
  },
);

/** Machines go down while it is open, or soon after. */
export const rebootsOnlyInWindows = plainRule(
  { name: 'rebootsOnlyInWindows', invariant: 2, of: ['down'] },
  (moment) => {
    if (moment.byOthers) return undefined;
    const versions = ownersOf({ ...moment, lagMs: moment.lagMs + REBOOT_SLACK_MS }, moment.node);
    if (versions.length === 0) return undefined;
    return wasOpen(moment, { versions, node: nodeOf(moment, moment.node), slackMs: REBOOT_SLACK_MS })
      ? ''
      : `${moment.node} was rebooted outside the window`;
  },
);

/** A node gets its slot only when `minRemaining` lies ahead of the close and of the next blackout. */
export const slotsLeaveTime = plainRule(
  { name: 'slotsLeaveTime', invariant: 2, of: ['policy'] },
  (moment) => {
    const { before, after, by } = moment;
    if (after === undefined || !isController(by)) return undefined;
    const started = reservedIn(before, after).filter((entry) => isStart(moment, entry));
    if (started.length === 0) return undefined;
    // The write carries the version of the policy that was read: only this very one counts.
    const versions = moment.policies.since(after.metadata.uid ?? '', moment.atMs).slice(0, 1);
    const least = (versions[0]?.effective.minRemainingMs ?? 0) - moment.toleranceMs;
    for (const { node } of started) {
      const left = remainingMs(moment, versions, nodeOf(moment, node));
      const isOpen = wasOpen(moment, { versions, node: nodeOf(moment, node) });
      if (!isOpen) return `${node} got a slot outside the window`;
      if (left < least) return `${node} got a slot with ${Math.round(left / 1000)} s left`;
    }
    return '';
  },
);

/** A node is started only when about as much lies ahead: a slot that was taken long ago starts nothing at the close. */
export const startsLeaveTime = plainRule(
  { name: 'startsLeaveTime', invariant: 2, of: ['shadow'] },
  (moment) => {
    const after = startedShadow(moment);
    if (after === undefined) return undefined;
    const versions = versionsOf(moment, after.spec.policy?.uid);
    if (versions.length === 0) return undefined;
    const needs = Math.min(...versions.map(({ effective }) => effective.minRemainingMs));
    const left = remainingMs(moment, versions, nodeOf(moment, nodeNameOf(after)));
    return left >= needs - moment.toleranceMs - START_SLACK_MS
      ? ''
      : `${after.metadata.name} was started with ${Math.round(left / 1000)} s left`;
  },
);

/** `notAfter` is never later than the close, or with onClose Finish the next blackout. */
export const notAfterIsTheClose = plainRule(
  { name: 'notAfterIsTheClose', invariant: 2, of: ['shadow'] },
  (moment) => {
    const { before, after, now, toleranceMs } = moment;
    if (after === undefined || !isController(moment.by) || after.spec.state === 'Idle') return undefined;
    const notAfter = parseRfc3339(after.spec.notAfter) ?? Number.POSITIVE_INFINITY;
    const isNew = before?.spec.state !== after.spec.state || before.spec.notAfter !== after.spec.notAfter;
    if (!isNew || after.spec.state === 'MonitoringUpdate') return undefined;
    const node = nodeOf(moment, nodeNameOf(after));
    if (node?.metadata.annotations?.[RUN_NOW_ANNOTATION] !== undefined) return undefined;
    const versions = versionsOf(moment, after.spec.policy?.uid);
    if (versions.length === 0) return undefined;
    const ends = versions.map(({ windows, effective }) => {
      const { closesAt, blackoutAt, open } = windows.at(now);
      // Closed by now: what was open when it was decided has closed since.
      if (!open && effective.onClose !== 'Finish') return now;
      return (effective.onClose === 'Finish' ? blackoutAt : closesAt) ?? Number.POSITIVE_INFINITY;
    });
    const latest = Math.max(...ends);
    return notAfter <= latest + toleranceMs + 1000 ? '' : `${after.metadata.name} may reboot after the close`;
  },
);
