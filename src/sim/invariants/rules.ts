/** The rules of the monitor. `check` answers undefined when it has nothing to judge, '' when all is well. */
import { type Node, Nodes, type Pod, Pods } from '../../api/core.ts';
import { NAMESPACE, RESUME_ANNOTATION, RUN_NOW_ANNOTATION, shadowName } from '../../api/names.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { resolveLimit } from '../../policy/budget.ts';
import { withDefaults } from '../../policy/effective.ts';
import { CompiledWindows } from '../../policy/windows.ts';
import { isHalted, slotsUsed } from '../../protocol/ledger.ts';
import { readMarks } from '../../protocol/marks.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import type { Moment } from './monitor.ts';

export interface InvariantRule {
  name: string;
  /** Number in the design. */
  invariant: number;
  check(moment: Moment): string | undefined;
}

const shadowOf = ({ cluster }: Moment, node: string): BottlerocketShadow | undefined =>
  cluster.peek(BottlerocketShadows, { name: shadowName(node), namespace: NAMESPACE });

const nodeNameOf = (shadow: BottlerocketShadow): string => shadow.metadata.name.replace(/^brs-/, '');

const cordonMark = (node: Node | undefined) =>
  node === undefined ? undefined : readMarks(node).marks.cordon;

/** Every node in flight has its entry, written before. */
const inFlightIsInLedger: InvariantRule = {
  name: 'inFlightIsInLedger',
  invariant: 1,
  check: (moment) => {
    const { change } = moment;
    if (change.of !== 'shadow' || change.after === undefined || change.after.spec.state === 'Idle')
      return undefined;
    const entries = moment.policyOf(change.after)?.status?.updating ?? [];
    const isThere = entries.some((entry) => entry.shadowUid === change.after?.metadata.uid);
    return isThere
      ? ''
      : `${change.after.metadata.name} is in state ${change.after.spec.state} without a slot`;
  },
};

/** No more slots than allowed; a limit that was lowered below what is taken may be exceeded, not filled further. */
const ledgerKeepsLimit: InvariantRule = {
  name: 'ledgerKeepsLimit',
  invariant: 1,
  check: ({ change }) => {
    if (change.of !== 'policy' || change.after === undefined) return undefined;
    const { status, spec } = change.after;
    const used = slotsUsed(status?.updating ?? []);
    if (used <= slotsUsed(change.before?.status?.updating ?? [])) return undefined;
    const limit = resolveLimit(spec.maxConcurrentUpdates ?? 1, status?.nodes?.selected ?? used);
    return used <= limit ? '' : `policy ${change.after.metadata.name} uses ${used} slots of ${limit}`;
  },
};

/** Whether a policy's windows were open within the tolerance before now, for a node. */
function isOpen(moment: Moment, policy: UpdatePolicy, node: Node | undefined): boolean {
  const runNow = parseRfc3339(node?.metadata.annotations?.[RUN_NOW_ANNOTATION]);
  const effective = withDefaults(policy.spec);
  const windows = new CompiledWindows(effective);
  const verdicts = [windows.at(moment.now), windows.at(moment.now - moment.toleranceMs)];
  const isForced = runNow !== undefined && moment.now - moment.toleranceMs < runNow;
  if (isForced && verdicts.some((verdict) => !verdict.blackout)) return true;
  // With onClose Finish a node goes on after the close, but not into a blackout.
  return verdicts.some((verdict) => verdict.open || (effective.onClose === 'Finish' && !verdict.blackout));
}

const cordonsOnlyInWindows: InvariantRule = {
  name: 'cordonsOnlyInWindows',
  invariant: 2,
  check: (moment) => {
    const { change } = moment;
    if (change.of !== 'node' || change.after === undefined) return undefined;
    const [before, after] = [cordonMark(change.before), cordonMark(change.after)];
    if (after === undefined || before?.at === after.at) return undefined;
    const shadow = shadowOf(moment, change.after.metadata.name);
    const policy = shadow === undefined ? undefined : moment.policyOf(shadow);
    if (policy === undefined) return `${change.after.metadata.name} was cordoned for no policy`;
    return isOpen(moment, policy, change.after)
      ? ''
      : `${change.after.metadata.name} was cordoned outside the window`;
  },
};

const intentsOnlyInWindows: InvariantRule = {
  name: 'intentsOnlyInWindows',
  invariant: 2,
  check: (moment) => {
    const { change } = moment;
    if (change.of !== 'shadow' || change.after === undefined) return undefined;
    const intent = change.after.status?.host?.rebootIntent;
    if (!intent || intent.at === change.before?.status?.host?.rebootIntent?.at) return undefined;
    const policy = moment.policyOf(change.after);
    const node = moment.cluster.peek(Nodes, { name: nodeNameOf(change.after) });
    if (policy === undefined) return '';
    return isOpen(moment, policy, node)
      ? ''
      : `${change.after.metadata.name}: an intent was accepted outside the window`;
  },
};

/** At the write of state 2 nothing is left on the node that should have been moved. */
const drainedBeforeReboot: InvariantRule = {
  name: 'drainedBeforeReboot',
  invariant: 3,
  check: (moment) => {
    const { change } = moment;
    if (change.of !== 'shadow' || change.after?.spec.state !== 'RebootedIntoUpdate') return undefined;
    if (change.before?.spec.state === 'RebootedIntoUpdate') return undefined;
    if (change.after.status?.current_version === change.after.spec.version) return '';
    const node = nodeNameOf(change.after);
    const left = moment.cluster.peekAll(Pods).filter((pod) => pod.spec?.nodeName === node && mustMove(pod));
    return left.length === 0
      ? ''
      : `${node} is told to reboot with ${left.map((pod) => pod.metadata.name).join(', ')}`;
  },
};

/** Pods of users that an eviction is for; what policies leave running is not in the worlds that use this rule. */
function mustMove(pod: Pod): boolean {
  const isOurs = pod.metadata.namespace === NAMESPACE;
  const isDaemon = pod.metadata.ownerReferences?.some((owner) => owner.kind === 'DaemonSet') === true;
  const isOver = ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '');
  return !isOurs && !isDaemon && !isOver;
}

/** After a halt no slot is taken until somebody resumes. */
const haltedStartsNothing: InvariantRule = {
  name: 'haltedStartsNothing',
  invariant: 6,
  check: ({ change, now }) => {
    if (change.of !== 'policy' || change.after === undefined || change.before === undefined) return undefined;
    const { annotations = {} } = change.before.metadata;
    if (!isHalted(change.before.status?.halt, annotations[RESUME_ANNOTATION], now)) return undefined;
    const known = new Set(
      (change.before.status?.updating ?? []).map((entry) => `${entry.shadowUid}/${entry.attempt}`),
    );
    const added = (change.after.status?.updating ?? []).filter(
      (entry) => entry.phase === 'Reserved' && !known.has(`${entry.shadowUid}/${entry.attempt}`),
    );
    const names = added.map((entry) => entry.node).join(', ');
    return added.length === 0
      ? ''
      : `policy ${change.after.metadata.name} started ${names} after it was halted`;
  },
};

/** What PodDisruptionBudgets ask for is there, whatever we do. */
const budgetsHold: InvariantRule = {
  name: 'budgetsHold',
  invariant: 7,
  check: ({ change, cluster }) => {
    // While a world comes up its pods are not there yet.
    if (change.of !== 'budget' || cluster.clock.monotonic() < 60_000) return undefined;
    return change.healthy >= change.desired
      ? ''
      : `PodDisruptionBudget ${change.name} has ${change.healthy} healthy pods of ${change.desired}`;
  },
};

/** An open intent of a silent host keeps the cordon. */
const noUncordonUnderIntent: InvariantRule = {
  name: 'noUncordonUnderIntent',
  invariant: 10,
  check: (moment) => {
    const { change } = moment;
    if (change.of !== 'node' || change.after === undefined || change.before?.spec?.unschedulable !== true)
      return undefined;
    if (change.after.spec?.unschedulable === true || cordonMark(change.before) === undefined)
      return undefined;
    const intent = shadowOf(moment, change.after.metadata.name)?.status?.host?.rebootIntent;
    return intent ? `${change.after.metadata.name} was uncordoned with an open intent` : '';
  },
};

export const RULES: readonly InvariantRule[] = [
  inFlightIsInLedger,
  ledgerKeepsLimit,
  cordonsOnlyInWindows,
  intentsOnlyInWindows,
  drainedBeforeReboot,
  haltedStartsNothing,
  budgetsHold,
  noUncordonUnderIntent,
];
