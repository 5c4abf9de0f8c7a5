/** Invariants 3 and 7, of pods: what a drain may take away, by which way, and what must be gone before a reboot. */
import { PodDisruptionBudgets, Pods } from '../../../api/core.ts';
import type { Pod, PodDisruptionBudget } from '../../../api/core.ts';
import { AGENT_SERVICE_ACCOUNT } from '../../../api/names.ts';
import { parseRfc3339 } from '../../../runtime/clock.ts';
import type { MomentOf, Setting } from '../moment.ts';
import {
  cordonMarkOn,
  isController,
  isLeftRunning,
  isOwnPod,
  nodeNameOf,
  nodeOf,
  orderedToReboot,
  selects,
  shadowOf,
  takenPod,
} from '../reading.ts';
import { plainRule, rule } from '../rule.ts';
import type { Verdict } from '../rule.ts';

/** A list of pods is so old at most when what it allows is written. */
const LIST_AGE_MS = 10_000;
/** A pod may be bound for so long after a cordon by a scheduler that has not seen it. */
const BIND_GRACE_MS = 5_000;

type Ignores = (pod: Pod) => boolean;

/** Pods that a policy leaves running, by anything it said lately. */
function ignoredBy(setting: Setting, policyUid: string | undefined): Ignores {
  const versions =
    policyUid === undefined ? [] : setting.policies.since(policyUid, setting.atMs - setting.lagMs);
  const selectors = versions.flatMap(({ effective }) => effective.drain.ignorePods ?? []);
  return ({ metadata }) => selectors.some((selector) => selects(selector, metadata.labels));
}

const podsOn = ({ cluster }: Setting, node: string): Pod[] =>
  cluster.peekAll(Pods).filter(({ spec }) => spec?.nodeName === node);

/** At the write of state 2 nothing is left on the node that should have been moved. */
export const drainedBeforeReboot = rule(
  { name: 'drainedBeforeReboot', invariant: 3, of: ['shadow', 'pod'] },
  () => {
    const boundAtMs = new Map<string, number>();
    const noteBinding = ({ before, after, atMs }: MomentOf<'pod'>): void => {
      const uid = (after ?? before)?.metadata.uid ?? '';
      if (after === undefined) boundAtMs.delete(uid);
      else if (after.spec?.nodeName !== undefined && before?.spec?.nodeName === undefined)
        boundAtMs.set(uid, atMs);
    };
    return (moment): Verdict => {
      if (moment.kind === 'pod') {
        noteBinding(moment);
        return undefined;
      }
      const { atMs } = moment;
      const shadow = orderedToReboot(moment);
      if (shadow === undefined) return undefined;
      const node = nodeNameOf(shadow);
      const isIgnored = ignoredBy(moment, shadow.spec.policy?.uid);
      const left = podsOn(moment, node).filter((pod) => {
        const sinceMs = boundAtMs.get(pod.metadata.uid ?? '') ?? 0;
        return !isLeftRunning(pod) && !isOwnPod(pod) && !isIgnored(pod) && sinceMs <= atMs - LIST_AGE_MS;
      });
      return left.length === 0
        ? ''
        : `${node} is told to reboot with ${left.map(({ metadata }) => metadata.name).join(', ')}`;
    };
  },
);

/** State 2 comes only so long after this attempt's cordon that no scheduler can bind a pod any more. */
export const cordonSettles = plainRule({ name: 'cordonSettles', invariant: 3, of: ['shadow'] }, (moment) => {
  const { now, toleranceMs } = moment;
  const shadow = orderedToReboot(moment);
  if (shadow === undefined) return undefined;
  const node = nodeOf(moment, nodeNameOf(shadow));
  const mark = cordonMarkOn(node);
  if (node?.spec?.unschedulable !== true || mark?.owner?.attempt !== shadow.spec.attempt)
    return `${shadow.metadata.name} is told to reboot without a cordon of this attempt`;
  if (moment.hadWrongClock) return '';
  const cordonedAt = parseRfc3339(mark?.at) ?? now;
  // A time that is written down has lost its milliseconds.
  return now - cordonedAt >= BIND_GRACE_MS - Math.max(0, toleranceMs - 1000)
    ? ''
    : `${shadow.metadata.name} is told to reboot ${now - cordonedAt} ms after its cordon`;
});

/** An agent whose token names an older Node of this name is deleted; its DaemonSet puts another there. */
const isAgent = ({ spec }: Pod): boolean => spec?.serviceAccountName === AGENT_SERVICE_ACCOUNT;

/** Only pods that can live elsewhere are evicted, from a node that this attempt has cordoned. */
export const evictsOnlyEvictable = plainRule(
  { name: 'evictsOnlyEvictable', invariant: 3, of: ['pod'] },
  (moment) => {
    const pod = takenPod(moment);
    if (pod === undefined || isAgent(pod)) return undefined;
    const { name } = pod.metadata;
    const node = pod.spec?.nodeName ?? '';
    const shadow = shadowOf(moment, node);
    if (isLeftRunning(pod)) return `pod ${name} on ${node} was evicted, though it is not to be moved`;
    if (ignoredBy(moment, shadow?.spec.policy?.uid)(pod))
      return `pod ${name} was evicted, though it is ignored`;
    const owner = cordonMarkOn(nodeOf(moment, node))?.owner?.shadowUid;
    const isCordoned = owner !== undefined && owner === shadow?.metadata.uid;
    if (!isCordoned) return `pod ${name} was evicted from ${node}, which is not cordoned for it`;
    const { state } = shadow.spec;
    return DRAINING.has(state) ? '' : `pod ${name} on ${node} was evicted in state ${state}`;
  },
);

/** In Idle an eviction arrives that was sent before the attempt was put back. */
const DRAINING: ReadonlySet<string> = new Set(['StagedAndPerformedUpdate', 'Idle']);

/** Pods of the operator go last, and once. */
export const ownPodsGoLast = plainRule({ name: 'ownPodsGoLast', invariant: 3, of: ['pod'] }, (moment) => {
  const { now, toleranceMs } = moment;
  const pod = takenPod(moment);
  if (pod === undefined || !isOwnPod(pod)) return undefined;
  const node = pod.spec?.nodeName ?? '';
  const { name, uid, creationTimestamp } = pod.metadata;
  const isIgnored = ignoredBy(moment, shadowOf(moment, node)?.spec.policy?.uid);
  const isOlder = (other: Pod): boolean =>
    (parseRfc3339(other.metadata.creationTimestamp) ?? now) < now - LIST_AGE_MS - toleranceMs;
  const other = podsOn(moment, node).find(
    (each) =>
      each.metadata.uid !== uid &&
      !isOwnPod(each) &&
      !isLeftRunning(each) &&
      !isIgnored(each) &&
      isOlder(each),
  );
  if (other !== undefined) return `pod ${name} of the operator was evicted before ${other.metadata.name}`;
  const cordonedAt = parseRfc3339(cordonMarkOn(nodeOf(moment, node))?.at) ?? now;
  const createdAt = parseRfc3339(creationTimestamp) ?? now;
  return moment.hadWrongClock || createdAt <= cordonedAt + toleranceMs
    ? ''
    : `pod ${name} of the operator was evicted, though it came after the cordon`;
});

const has = ({ status }: Pod, condition: string): boolean =>
  status?.conditions?.some((each) => each.type === condition && each.status === 'True') === true;

const budgetsOf = ({ cluster }: Setting, { metadata: { namespace, labels } }: Pod): PodDisruptionBudget[] =>
  cluster
    .peekAll(PodDisruptionBudgets)
    .filter(
      ({ metadata, spec }) => metadata.namespace === namespace && selects(spec?.selector ?? {}, labels),
    );

interface BudgetStatus {
  disruptedPods?: Record<string, string>;
}

/** A pod is taken away by eviction alone, and its PodDisruptionBudget allowed it at that moment. */
export const budgetsAllowEvictions = plainRule(
  { name: 'budgetsAllowEvictions', invariant: 7, of: ['pod', 'budget'] },
  (moment): Verdict => (moment.kind === 'budget' ? spent(moment) : evicted(moment)),
);

function spent({ before, after, by }: MomentOf<'budget'>): Verdict {
  if (after === undefined || before === undefined || !isController(by)) return undefined;
  const allowed = before.status?.disruptionsAllowed ?? 0;
  return allowed > 0 ? '' : `PodDisruptionBudget ${after.metadata.name} allowed no disruption`;
}

function evicted(moment: MomentOf<'pod'>): Verdict {
  const pod = takenPod(moment);
  if (pod === undefined || isAgent(pod)) return undefined;
  const { name, namespace = '' } = pod.metadata;
  if (!has(moment.after ?? pod, 'DisruptionTarget'))
    return `pod ${namespace}/${name} was deleted, not evicted`;
  // Nobody counts on a pod that is not there yet.
  if (pod.status?.phase === 'Pending' || !has(pod, 'Ready')) return '';
  const past = budgetsOf(moment, pod).find(
    ({ status }) => (status as BudgetStatus | undefined)?.disruptedPods?.[name] === undefined,
  );
  return past === undefined ? '' : `pod ${name} was taken past PodDisruptionBudget ${past.metadata.name}`;
}
