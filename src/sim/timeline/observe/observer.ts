/** Changes of objects → events of a timeline. Whoever watches a cluster, real or simulated, tells it what it sees. */
import type { Event, Lease, Node, Pod } from '../../../api/core.ts';
import { NAMESPACE } from '../../../api/names.ts';
import type { UpdatePolicy } from '../../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../../api/v2/bottlerocketshadow.ts';
import { actorEvent, nodeEvent, type TimelineEvent } from '../events.ts';
import { happened, type Change, type Happening } from './happening.ts';
import { isCordonedByUs, nodeHappenings } from './node.ts';
import { isInFlight, shadowHappenings } from './shadow.ts';

/** Label that says which part of the operator a pod is. */
const COMPONENT = 'brupop.bottlerocket.aws/component';
/** Parts whose pods have a lane of their own. */
const OPERATOR = ['controller', 'apiserver'];
const LEASE = 'brupop-controller';

const isReady = (pod: Pod | undefined): boolean =>
  pod?.metadata.deletionTimestamp === undefined &&
  pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

const isDaemon = (pod: Pod): boolean =>
  pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') === true;

const leaves = (pod: Pod | undefined): boolean => pod?.metadata.deletionTimestamp !== undefined;

const podName = ({ metadata }: Pod): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** Open, closed, or not yet known. */
const windowOf = (policy: UpdatePolicy | undefined): boolean | undefined => policy?.status?.window?.open;

const lostIn = (policy: UpdatePolicy | undefined): string[] =>
  (policy?.status?.updating ?? []).filter(({ phase }) => phase === 'Lost').map(({ node }) => node);

/** Nodes that did not come back from their reboot in time. */
function lostNodes({ before, after }: Change<UpdatePolicy>): string[] {
  const known = new Set(lostIn(before));
  return lostIn(after).filter((node) => !known.has(node));
}

/** See the head of this file. It remembers what it needs to tell an eviction from any other end of a pod. */
export class RolloutObserver {
  readonly #cordoned = new Set<string>();
  readonly #inFlight = new Set<string>();

  /** A Node changed. */
  node(atMs: number, name: string, change: Change<Node>): TimelineEvent[] {
    const happenings = nodeHappenings(change);
    const ours = isCordonedByUs(change.after);
    // A drain begins with our own cordon, and pods that leave before are none of its business.
    if (ours && !this.#cordoned.has(name) && this.#inFlight.has(name)) {
      happenings.push(happened('drainStarted'));
    }
    if (ours) this.#cordoned.add(name);
    else this.#cordoned.delete(name);
    return onNode(name, atMs, happenings);
  }

  /** The shadow of a Node changed. */
  shadow(atMs: number, node: string, change: Change<BottlerocketShadow>): TimelineEvent[] {
    const happenings = shadowHappenings(change);
    if (isInFlight(change.after)) this.#inFlight.add(node);
    else this.#inFlight.delete(node);
    return onNode(node, atMs, happenings);
  }

  /** A pod changed. */
  pod(atMs: number, { before, after }: Change<Pod>): TimelineEvent[] {
    return [...this.#eviction(atMs, { before, after }), ...operatorPod(atMs, { before, after })];
  }

  /** A policy changed. */
  policy(atMs: number, name: string, { before, after }: Change<UpdatePolicy>): TimelineEvent[] {
    const [was, is] = [windowOf(before), windowOf(after)];
    const window = is === undefined || was === is ? [] : [happened(is ? 'opened' : 'closed')];
    const halt = after?.status?.halt ?? undefined;
    const halted =
      halt === undefined || (before?.status?.halt ?? undefined) !== undefined
        ? []
        : [happened('note', `halted: ${halt.reason} on ${halt.node}`)];
    const gone = after === undefined ? [happened('closed', 'deleted')] : [];
    return [
      ...onActor(`policy ${name}`, atMs, [...window, ...halted, ...gone]),
      ...lostNodes({ before, after }).flatMap((node) =>
        onNode(node, atMs, [happened('lost', 'not heard of since the reboot')]),
      ),
    ];
  }

  /** The lease of the leader changed. */
  lease(atMs: number, { before, after }: Change<Lease>): TimelineEvent[] {
    if (after?.metadata.name !== LEASE) return [];
    const [was, is] = [before?.spec?.holderIdentity ?? '', after.spec?.holderIdentity ?? ''];
    return is === '' || was === is ? [] : onActor('controller', atMs, [happened('leads', is)]);
  }

  /** An Event was written: told where it is a warning of ours about a node. */
  event(atMs: number, { before, after }: Change<Event>): TimelineEvent[] {
    const { regarding, type, reason, note, reportingController } = after ?? {};
    const ours = reportingController?.startsWith('brupop.') === true;
    if (before !== undefined || !ours || type !== 'Warning' || regarding?.kind !== 'Node') return [];
    return onNode(regarding.name, atMs, [happened('note', `${reason ?? ''}: ${note ?? ''}`)]);
  }

  #eviction(atMs: number, { before, after }: Change<Pod>): TimelineEvent[] {
    const pod = after ?? before;
    const node = pod?.spec?.nodeName;
    if (pod === undefined || node === undefined || isDaemon(pod) || !this.#cordoned.has(node)) return [];
    const told = leaves(after) || after === undefined ? !leaves(before) : false;
    return onNode(node, atMs, [
      ...(told ? [happened('podEvicted', podName(pod))] : []),
      ...(after === undefined ? [happened('podGone', podName(pod))] : []),
    ]);
  }
}

/** Pods of controller and API server coming and going. */
function operatorPod(atMs: number, { before, after }: Change<Pod>): TimelineEvent[] {
  const pod = after ?? before;
  const component = pod?.metadata.labels?.[COMPONENT] ?? '';
  if (pod === undefined || pod.metadata.namespace !== NAMESPACE || !OPERATOR.includes(component)) return [];
  const [was, is] = [isReady(before), isReady(after)];
  if (was === is) return [];
  const text = `${pod.metadata.name} on ${pod.spec?.nodeName ?? 'no node'}`;
  return onActor(component, atMs, [is ? happened('podStarted', text) : happened('podLeft', text)]);
}

const onNode = (name: string, atMs: number, happenings: readonly Happening[]): TimelineEvent[] =>
  happenings.map((each) => nodeEvent(name, { atMs, ...each }));

const onActor = (name: string, atMs: number, happenings: readonly Happening[]): TimelineEvent[] =>
  happenings.map((each) => actorEvent(name, { atMs, ...each }));
