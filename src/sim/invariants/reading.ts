/** Questions that several rules ask of the world as it is. They share no code with what is judged. */
import { type Node, Nodes, type Pod } from '../../api/core.ts';
import {
  APISERVER_SERVICE_ACCOUNT,
  CONTROLLER_SERVICE_ACCOUNT,
  MARKS_ANNOTATION,
  NAMESPACE,
  shadowName,
} from '../../api/names.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import type { LedgerEntry, UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow, RebootIntent } from '../../api/v2/bottlerocketshadow.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import type { ChangeOf } from './moment.ts';

/** What rules need to look something up. */
export interface Looking {
  readonly cluster: SimCluster;
}

export const isController = (by: string): boolean => by.startsWith('controller-');
export const isApiServer = (by: string): boolean => by.startsWith('apiserver-');
export const isOperator = (by: string): boolean => isController(by) || isApiServer(by);

/** The node a shadow is about. */
export const nodeNameOf = ({ metadata }: BottlerocketShadow): string => metadata.name.replace(/^brs-/, '');

export const shadowOf = ({ cluster }: Looking, node: string): BottlerocketShadow | undefined =>
  cluster.peek(BottlerocketShadows, { name: shadowName(node), namespace: NAMESPACE });

export const nodeOf = ({ cluster }: Looking, name: string): Node | undefined => cluster.peek(Nodes, { name });

/** The policy that a shadow names, if it is still the same. */
export function policyOf({ cluster }: Looking, shadow: BottlerocketShadow): UpdatePolicy | undefined {
  const named = shadow.spec.policy;
  const found = named ? cluster.peek(UpdatePolicies, { name: named.name }) : undefined;
  return found?.metadata.uid === named?.uid ? found : undefined;
}

export const entriesOf = (policy: UpdatePolicy | undefined): readonly LedgerEntry[] =>
  policy?.status?.updating ?? [];

/** The slot of a shadow, in whatever ledger. */
export function entryOf({ cluster }: Looking, shadowUid: string | undefined): LedgerEntry | undefined {
  for (const policy of cluster.peekAll(UpdatePolicies)) {
    const found = entriesOf(policy).find((entry) => entry.shadowUid === shadowUid);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const idOf = ({ shadowUid, attempt }: Pick<LedgerEntry, 'shadowUid' | 'attempt'>): string =>
  `${shadowUid}/${attempt}`;

/** Slots that a write has taken, where nothing was taken before for that attempt. */
export function reservedIn(before: UpdatePolicy | undefined, after: UpdatePolicy): LedgerEntry[] {
  const known = new Set(entriesOf(before).map(idOf));
  return entriesOf(after).filter((entry) => entry.phase === 'Reserved' && !known.has(idOf(entry)));
}

/** Whether a new entry takes a slot for something to be started, and does not only record what is under way. */
export const isStart = (looking: Looking, entry: LedgerEntry): boolean => {
  const shadow = shadowOf(looking, entry.node);
  return shadow?.metadata.uid === entry.shadowUid && (shadow.spec.attempt ?? 0) < entry.attempt;
};

export const openIntent = (shadow: BottlerocketShadow | undefined): RebootIntent | undefined =>
  shadow?.status?.host?.rebootIntent ?? undefined;

/** A mark of the operator as it stands on a Node; only what rules read of it. */
export interface ReadMark {
  ours: unknown;
  was: unknown;
  at: string;
  owner?: { shadowUid: string; attempt: number };
  released?: boolean;
}

/** The marks on a Node; none when a person has made them unreadable. */
export function marksOn(node: Node | undefined): Record<string, ReadMark> {
  const text = node?.metadata.annotations?.[MARKS_ANNOTATION];
  if (text === undefined || text === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, ReadMark>) : {};
  } catch {
    return {};
  }
}

export const cordonMarkOn = (node: Node | undefined): ReadMark | undefined => marksOn(node)['cordon'];

/** A limit: percentages rounded down, at least one above 0 %, 100 % is no limit. */
export function limitOf(limit: number | string, total: number): number {
  if (typeof limit === 'number') return limit;
  const percent = Number.parseInt(limit, 10);
  if (percent >= 100) return Number.POSITIVE_INFINITY;
  return percent === 0 ? 0 : Math.max(1, Math.floor((total * percent) / 100));
}

type Labels = Record<string, string> | undefined;
interface LabelSelector {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: { key: string; operator: string; values?: string[] }[] | undefined;
}

/** Whether labels are selected, as metav1.LabelSelector says. */
export function selects(selector: LabelSelector, labels: Labels = {}): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const isEqual = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return (
    isEqual &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const isListed = value !== undefined && values.includes(value);
      return operator === 'In' ? isListed : !isListed;
    })
  );
}

/** How many Nodes a policy's selector matches, whoever wins them. */
export const selectedBy = ({ cluster }: Looking, { spec }: UpdatePolicy): Node[] =>
  cluster.peekAll(Nodes).filter(({ metadata }) => selects(spec.nodeSelector ?? {}, metadata.labels));

/** The Nodes that a policy selects and no other of its priority or above does: those that count for it. */
export function wonBy(looking: Looking, policy: UpdatePolicy): Node[] {
  const priority = policy.spec.priority ?? 0;
  const rivals = looking.cluster
    .peekAll(UpdatePolicies)
    .filter(({ metadata, spec }) => metadata.uid !== policy.metadata.uid && (spec.priority ?? 0) >= priority)
    .map(({ spec }) => spec.nodeSelector ?? {});
  return selectedBy(looking, policy).filter(
    ({ metadata }) => !rivals.some((selector) => selects(selector, metadata.labels)),
  );
}

const ownedBy = (pod: Pod, kind: string): boolean =>
  pod.metadata.ownerReferences?.some((owner) => owner.kind === kind) === true;

/** Pods that a drain leaves where they are, whatever a policy says. */
export const isLeftRunning = (pod: Pod): boolean =>
  ownedBy(pod, 'DaemonSet') ||
  pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined ||
  ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '');

/** Pods of the operator itself that a drain treats with care. */
export const isOwnPod = (pod: Pod): boolean =>
  pod.metadata.namespace === NAMESPACE &&
  [CONTROLLER_SERVICE_ACCOUNT, APISERVER_SERVICE_ACCOUNT].includes(pod.spec?.serviceAccountName ?? '');

/** The pod that a write of the controller takes away from its node. */
export function takenPod({ before, after, by }: ChangeOf<Pod> & { by: string }): Pod | undefined {
  if (before === undefined || !isController(by) || before.metadata.deletionTimestamp !== undefined)
    return undefined;
  return after === undefined || after.metadata.deletionTimestamp !== undefined ? before : undefined;
}

/** The shadow that a write takes from Idle to something else. */
export const startedShadow = ({
  before,
  after,
}: ChangeOf<BottlerocketShadow>): BottlerocketShadow | undefined =>
  before?.spec.state === 'Idle' && after?.spec.state !== 'Idle' ? after : undefined;

/** The shadow that a write orders to reboot, with something to drain for: the target does not run already. */
export function orderedToReboot({
  before,
  after,
}: ChangeOf<BottlerocketShadow>): BottlerocketShadow | undefined {
  if (after?.spec.state !== 'RebootedIntoUpdate' || before?.spec.state === after.spec.state) return undefined;
  return after.status?.current_version === after.spec.version ? undefined : after;
}
