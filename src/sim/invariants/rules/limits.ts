/** Invariants 6 and 7, of admission: what may not start, and how many at a time in each domain. */
import type { Node } from '../../../api/core.ts';
import { EXCLUDE_ANNOTATION, RESUME_ANNOTATION } from '../../../api/names.ts';
import type { LedgerEntry, UpdatePolicy } from '../../../api/v1/updatepolicy.ts';
import { parseRfc3339 } from '../../../runtime/clock.ts';
import semver from 'semver';
import type { MomentOf, Setting } from '../moment.ts';
import {
  cordonMarkOn,
  entriesOf,
  isController,
  isStart,
  limitOf,
  nodeNameOf,
  nodeOf,
  orderedToReboot,
  reservedIn,
  selectedBy,
  shadowOf,
  startedShadow,
  takenPod,
  wonBy,
} from '../reading.ts';
import { plainRule, rule } from '../rule.ts';
import type { Verdict } from '../rule.ts';

/** Slots that a write has taken for something to be started. */
const startedIn = (moment: MomentOf<'policy'>): LedgerEntry[] =>
  moment.after === undefined || !isController(moment.by)
    ? []
    : reservedIn(moment.before, moment.after).filter((entry) => isStart(moment, entry));

/** Whether a policy is halted, as its own status and annotation say. */
function isHalted({ metadata, status }: UpdatePolicy, now: number): boolean {
  if (!status?.halt) return false;
  const at = parseRfc3339(status.halt.at) ?? Number.POSITIVE_INFINITY;
  const resumed = parseRfc3339(metadata.annotations?.[RESUME_ANNOTATION]);
  return resumed === undefined || resumed < at || resumed > now;
}

/** After a halt no slot is taken until somebody resumes. */
export const haltedStartsNothing = plainRule(
  { name: 'haltedStartsNothing', invariant: 6, of: ['policy'] },
  (moment) => {
    const { before, after, now } = moment;
    if (before === undefined || after === undefined || !isHalted(before, now)) return undefined;
    const names = startedIn(moment).map(({ node }) => node);
    return names.length === 0
      ? ''
      : `policy ${after.metadata.name} started ${names.join(', ')} after it was halted`;
  },
);

/** What a halted policy has under way goes no further either: no cordon, no eviction, no order to reboot. */
export const haltedGoesNoFurther = rule(
  { name: 'haltedGoesNoFurther', invariant: 6, of: ['policy', 'node', 'pod', 'shadow'] },
  () => {
    const haltedSinceMs = new Map<string, number>();
    const note = ({ before, after, atMs, now }: MomentOf<'policy'>): void => {
      const uid = (after ?? before)?.metadata.uid ?? '';
      if (after === undefined || !isHalted(after, now)) haltedSinceMs.delete(uid);
      else if (!haltedSinceMs.has(uid)) haltedSinceMs.set(uid, atMs);
    };
    return (moment): Verdict => {
      if (moment.kind === 'policy') {
        note(moment);
        return undefined;
      }
      const node = takenFrom(moment);
      if (node === undefined) return undefined;
      const sinceMs = haltedSinceMs.get(shadowOf(moment, node)?.spec.policy?.uid ?? '');
      if (sinceMs === undefined) return undefined;
      return moment.atMs - sinceMs <= moment.lagMs + moment.toleranceMs
        ? ''
        : `${node} went on ${Math.round((moment.atMs - sinceMs) / 1000)} s after its policy was halted`;
    };
  },
);

/** The node that a write of ours takes something from. */
function takenFrom(moment: MomentOf<'node' | 'pod' | 'shadow'>): string | undefined {
  if (!isController(moment.by)) return undefined;
  if (moment.kind === 'pod') return takenPod(moment)?.spec?.nodeName;
  if (moment.kind === 'shadow') {
    const shadow = orderedToReboot(moment);
    return shadow === undefined ? undefined : nodeNameOf(shadow);
  }
  const { before, after } = moment;
  const at = cordonMarkOn(after)?.at;
  return at === undefined || at === cordonMarkOn(before)?.at ? undefined : after?.metadata.name;
}

/** Only a policy that is enabled and not being deleted takes slots. */
export const onlyEnabledStarts = plainRule(
  { name: 'onlyEnabledStarts', invariant: 6, of: ['policy'] },
  (moment) => {
    if (startedIn(moment).length === 0) return undefined;
    const { spec, metadata } = moment.after as UpdatePolicy;
    if (metadata.deletionTimestamp !== undefined)
      return `policy ${metadata.name} starts while it is being deleted`;
    const { mode = 'Enabled' } = spec;
    return mode === 'Enabled' ? '' : `policy ${metadata.name} starts, though it is ${mode}`;
  },
);

/** A version that is excluded, outside the range, or not newer than what runs is never asked for. */
export const targetsAreAllowed = plainRule(
  { name: 'targetsAreAllowed', invariant: 6, of: ['shadow'] },
  (moment) => {
    const { hosts, atMs, lagMs } = moment;
    const after = startedShadow(moment);
    if (after === undefined) return undefined;
    const { version, policy } = after.spec;
    const { name } = after.metadata;
    if (!version) return `${name} was started for no version`;
    const runs = hosts.get(nodeNameOf(after))?.image.version;
    if (runs !== undefined && semver.gte(runs, version))
      return `${name} runs ${runs} and is to be updated to ${version}`;
    const versions = moment.policies.since(policy?.uid ?? '', atMs - lagMs);
    if (versions.length === 0) return undefined;
    const isAllowed = versions.some(({ effective }) => {
      const { exclude, range } = effective.version;
      return !exclude.includes(version) && semver.satisfies(version, range);
    });
    return isAllowed ? '' : `${name} was started for ${version}, which its policy does not allow`;
  },
);

/** Whether all that was said of a key lately says the same. */
const isSettled = (setting: Setting, node: Node | undefined, key: string): unknown => {
  const said = setting.nodes.get(node?.metadata.uid)?.since(key, setting.atMs - setting.lagMs) ?? [];
  return said.length === 1 ? said[0] : undefined;
};

/** A node that is excluded, or that others have cordoned, gets no slot. */
export const othersWordIsKept = plainRule(
  { name: 'othersWordIsKept', invariant: 5, of: ['policy'] },
  (moment) => {
    const started = startedIn(moment);
    if (started.length === 0) return undefined;
    const { spec } = moment.after as UpdatePolicy;
    for (const { node: name } of started) {
      const node = nodeOf(moment, name);
      const excluded = isSettled(moment, node, `annotation/${EXCLUDE_ANNOTATION}`);
      if (excluded !== undefined && excluded !== null && excluded !== 'false')
        return `${name} got a slot, though it is excluded`;
      const isCordoned = isSettled(moment, node, 'cordon') === true;
      if (isCordoned && (spec.cordonedNodes ?? 'Skip') === 'Skip')
        return `${name} got a slot, though others had cordoned it`;
    }
    return '';
  },
);

const domainOf = (setting: Setting, name: string, key: string): string =>
  nodeOf(setting, name)?.metadata.labels?.[key] ?? '';

/** The caps of failure domains hold, counting all that is away. */
export const domainCapsHold = plainRule(
  { name: 'domainCapsHold', invariant: 7, of: ['policy'] },
  (moment) => {
    const started = startedIn(moment);
    const topology = moment.after?.spec.topology;
    if (started.length === 0 || !topology) return undefined;
    const { key, maxConcurrentUpdates = 1, maxDomains = 0 } = topology;
    const held = entriesOf(moment.after).filter(({ node }) => nodeOf(moment, node) !== undefined);
    const domains = countBy(held, ({ node }) => domainOf(moment, node, key));
    const news = countBy(started, ({ node }) => domainOf(moment, node, key));
    for (const domain of news.keys()) {
      const there = domains.get(domain) ?? 0;
      if (there > maxConcurrentUpdates)
        return `${there} nodes of domain ${domain || '(none)'} are updated at a time`;
    }
    const isGrown = [...news].some(([domain, count]) => domains.get(domain) === count);
    return maxDomains > 0 && isGrown && domains.size > maxDomains
      ? `${domains.size} domains are worked on at a time`
      : '';
  },
);

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/** With `maxUnavailable` no node is taken while so many have been away for longer than news take. */
export const availabilityHolds = plainRule(
  { name: 'availabilityHolds', invariant: 7, of: ['policy'] },
  (moment) => {
    const { after, atMs, lagMs, toleranceMs } = moment;
    const most = after?.spec.maxUnavailable;
    if (after === undefined || most === undefined || most === null || startedIn(moment).length === 0)
      return undefined;
    const selected = selectedBy(moment, after);
    const held = new Set(entriesOf(after).map(({ node }) => node));
    const away = wonBy(moment, after).filter(({ metadata }) => {
      const sinceMs = moment.nodes.get(metadata.uid)?.unavailableSinceMs;
      return held.has(metadata.name) || (sinceMs !== undefined && sinceMs < atMs - lagMs - toleranceMs);
    });
    const limit = limitOf(most, Math.max(selected.length, after.status?.nodes?.selected ?? 0));
    return away.length <= limit
      ? ''
      : `policy ${after.metadata.name} has ${away.length} nodes away of ${limit}: ${away.map(({ metadata }) => metadata.name).join(', ')}`;
  },
);
