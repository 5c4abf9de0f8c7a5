/**
 * What one Bottlerocket node and its shadow need (design 3): the label, the shadow, and that both go with the node.
 * Pure: what was read of one node in, actions out.
 */
import type { Node, Pod } from '../../api/core.ts';
import {
  IN_FLIGHT_FINALIZER,
  INTERFACE_VERSION,
  INTERFACE_VERSION_LABEL,
  shadowName,
} from '../../api/names.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { mayReleaseShadow } from '../../protocol/ledger.ts';
import { INTERFACE_LABEL_MARK, readMarks, setMark } from '../../protocol/marks.ts';
import type { NodePatch } from '../../protocol/marks.ts';
import { openIntent } from '../../protocol/states.ts';
import { parseRfc3339, rfc3339 } from '../../runtime/clock.ts';
import { isBottlerocket, isSupported } from './osimage.ts';

export interface NodeSnapshot {
  name: string;
  now: number;
  node: Node | undefined;
  shadow: BottlerocketShadow | undefined;
  /** Agent pods bound to this node name. */
  agentPods: readonly Pod[];
  /** Whether some ledger has an entry for this shadow. */
  isInLedger: boolean;
  /** Set the label on every Bottlerocket node. */
  autoLabel: boolean;
  namespace: string;
}

export type ShadowAction =
  /** Set the label, with its mark. */
  | { do: 'label'; node: Node; patch: NodePatch }
  | { do: 'create'; shadow: BottlerocketShadow; owner: Node }
  /** The shadow goes: its node did, or its label, or it belongs to an earlier node of that name. */
  | { do: 'delete'; shadow: BottlerocketShadow; why: 'NodeGone' | 'LabelGone' | 'NodeReplaced' }
  /** An update that Brupop had begun: back to Idle. */
  | { do: 'inherit'; shadow: BottlerocketShadow; patch: object }
  /** The attempt is over, on the host as well. */
  | { do: 'unfinalize'; shadow: BottlerocketShadow; patch: object }
  /** The token of an agent that is older than its Node names a Node that is gone. */
  | { do: 'deleteAgent'; pod: Pod }
  /** Said once: the host is too old for us. */
  | { do: 'unsupported'; node: Node };

/** Everything that is to be done for one node now. Each action stands alone: one that fails is planned again. */
export function planNode(snapshot: NodeSnapshot): ShadowAction[] {
  const { node, shadow } = snapshot;
  return [
    ...(node === undefined ? [] : planLabel(snapshot, node)),
    ...planShadow(snapshot),
    ...(shadow === undefined ? [] : planInherited(shadow)),
    ...(shadow === undefined ? [] : planFinalizer(snapshot, shadow)),
    ...(node === undefined ? [] : planAgents(snapshot, node)),
  ];
}

const labelOf = (node: Node): string | undefined => node.metadata.labels?.[INTERFACE_VERSION_LABEL];

/** Somebody who takes the label away, or sets it, is heeded: our mark tells that we had set it once. */
function planLabel({ autoLabel, now }: NodeSnapshot, node: Node): ShadowAction[] {
  if (!isBottlerocket(node)) return [];
  if (!isSupported(node)) return [{ do: 'unsupported', node }];
  if (!autoLabel || labelOf(node) !== undefined || node.metadata.deletionTimestamp !== undefined) return [];
  const { marks, error } = readMarks(node);
  if (error !== undefined || marks[INTERFACE_LABEL_MARK] !== undefined) return [];
  const patch = setMark(node, INTERFACE_LABEL_MARK, { value: INTERFACE_VERSION, at: rfc3339(now) });
  return patch === undefined ? [] : [{ do: 'label', node, patch }];
}

const isManaged = (node: Node): boolean =>
  isBottlerocket(node) && isSupported(node) && labelOf(node) === INTERFACE_VERSION;

/** The Node's UID that a shadow belongs to. */
export const ownerUidOf = (shadow: BottlerocketShadow): string | undefined =>
  shadow.metadata.ownerReferences?.find(({ kind }) => kind === 'Node')?.uid;

function planShadow(snapshot: NodeSnapshot): ShadowAction[] {
  const { node, shadow } = snapshot;
  if (shadow === undefined) return node === undefined ? [] : planCreate(snapshot, node);
  const why = whyGone(node, shadow);
  if (why === undefined || isInFlight(snapshot, shadow)) return [];
  return shadow.metadata.deletionTimestamp === undefined ? [{ do: 'delete', shadow, why }] : [];
}

function planCreate({ namespace }: NodeSnapshot, node: Node): ShadowAction[] {
  if (!isManaged(node) || node.metadata.deletionTimestamp !== undefined) return [];
  return [{ do: 'create', owner: node, shadow: newShadow(node, namespace) }];
}

function whyGone(
  node: Node | undefined,
  shadow: BottlerocketShadow,
): 'NodeGone' | 'LabelGone' | 'NodeReplaced' | undefined {
  if (node === undefined) return 'NodeGone';
  if (ownerUidOf(shadow) !== node.metadata.uid) return 'NodeReplaced';
  // A node that still boots for the first time has no osImage yet: nothing is concluded from that.
  if (node.status?.nodeInfo === undefined) return undefined;
  return isManaged(node) ? undefined : 'LabelGone';
}

const isInFlight = ({ isInLedger }: NodeSnapshot, shadow: BottlerocketShadow): boolean =>
  isInLedger || shadow.spec.state !== 'Idle' || openIntent(shadow) !== undefined || hasFinalizer(shadow);

const hasFinalizer = (shadow: BottlerocketShadow): boolean =>
  shadow.metadata.finalizers?.includes(IN_FLIGHT_FINALIZER) ?? false;

/** Brupop's controller set no policy; ours always does, in the same write as the state. */
export const isInherited = ({ spec }: BottlerocketShadow): boolean =>
  spec.state !== 'Idle' && (spec.policy === undefined || spec.policy === null);

function planInherited(shadow: BottlerocketShadow): ShadowAction[] {
  if (!isInherited(shadow) || openIntent(shadow) !== undefined) return [];
  const patch = {
    metadata: { resourceVersion: shadow.metadata.resourceVersion },
    spec: { state: 'Idle', version: null, deadline: null, notAfter: null },
  };
  return [{ do: 'inherit', shadow, patch }];
}

/** The finalizer goes when no ledger knows the shadow and nothing is left on the host (protocol 8). */
function planFinalizer(snapshot: NodeSnapshot, shadow: BottlerocketShadow): ShadowAction[] {
  const { node, isInLedger } = snapshot;
  if (!hasFinalizer(shadow)) return [];
  const isNodeGone = node === undefined || node.metadata.uid !== ownerUidOf(shadow);
  if (!mayReleaseShadow(shadow, { hasEntry: isInLedger, isNodeGone })) return [];
  const finalizers = shadow.metadata.finalizers?.filter((name) => name !== IN_FLIGHT_FINALIZER) ?? [];
  const patch = { metadata: { resourceVersion: shadow.metadata.resourceVersion, finalizers } };
  return [{ do: 'unfinalize', shadow, patch }];
}

function planAgents({ agentPods }: NodeSnapshot, node: Node): ShadowAction[] {
  const registeredAt = parseRfc3339(node.metadata.creationTimestamp);
  if (registeredAt === undefined) return [];
  return agentPods
    .filter(
      ({ metadata }) =>
        metadata.deletionTimestamp === undefined && isBefore(metadata.creationTimestamp, registeredAt),
    )
    .map((pod) => ({ do: 'deleteAgent', pod }));
}

const isBefore = (text: string | undefined, ms: number): boolean => {
  const at = parseRfc3339(text);
  return at !== undefined && at < ms;
};

/** A new shadow: Idle, owned by its Node, so that it goes with it also when nobody of ours is there. */
function newShadow(node: Node, namespace: string): BottlerocketShadow {
  return {
    apiVersion: 'brupop.bottlerocket.aws/v2',
    kind: 'BottlerocketShadow',
    metadata: {
      name: shadowName(node.metadata.name),
      namespace,
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid ?? '' },
      ],
    },
    spec: { state: 'Idle' },
  };
}
