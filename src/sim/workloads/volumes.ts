/**
 * Double of the attach-detach controller: a volume is at one machine at a time. It follows its pod, once the pod before
 * is gone and the volume has been detached, which takes its time; from a machine that is silent it is taken after six
 * minutes.
 */
import { type Node, Nodes, type Pod, Pods } from '../../api/core.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { create } from '../cluster/create.ts';
import { resourceId } from '../cluster/definition.ts';
import { KeyQueue } from '../cluster/keyqueue.ts';
import { type VolumeAttachment, VolumeAttachments } from '../cluster/kinds.ts';
import type { ApiObject } from '../cluster/object.ts';
import { patch } from '../cluster/patch.ts';
import { isPodActive } from '../cluster/pods.ts';
import { remove } from '../cluster/remove.ts';
import { behaviourOf } from './behaviour.ts';
import type { ClaimingPod } from './statefulsets.ts';

const REACTION_MS = 100;
const ATTACH_MS = 3_000;
const DETACH_MS = 5_000;
/** `maxWaitForUnmountDuration` of the real one. */
const FORCE_MS = 360_000;

const claimsOf = (pod: ClaimingPod): string[] =>
  (pod.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);

/** Whether all volumes of a pod are at its machine. */
export const areVolumesAttached = (cluster: SimCluster, pod: ClaimingPod): boolean =>
  claimsOf(pod).every(
    (claim) =>
      cluster.peek(VolumeAttachments, { name: attachmentName(claim, pod.spec?.nodeName ?? '') })?.status
        ?.attached === true,
  );

const attachmentName = (claim: string, node: string): string => `${claim}.${node}`;

export class VolumesDouble {
  readonly #cluster: SimCluster;
  readonly #queue: KeyQueue;
  /** How long the detachment of a claim takes. */
  readonly #detachMs = new Map<string, number>();
  /** Since when nobody uses an attachment. */
  readonly #unusedMs = new Map<string, number>();

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue({
      clock: cluster.clock,
      delayMs: REACTION_MS,
      handle: (claim) => this.#sync(claim),
    });
  }

  /** Works until the signal aborts. */
  start(signal: AbortSignal): void {
    this.#cluster.server.store.subscribe(({ object }, { definition: { resource } }) => {
      if (signal.aborted || resourceId(resource) !== resourceId(Pods)) return;
      const pod = object as unknown as ClaimingPod;
      for (const claim of claimsOf(pod)) {
        this.#detachMs.set(claim, behaviourOf(pod).detachMs ?? DETACH_MS);
        this.#queue.add(claim);
      }
    });
  }

  #sync(claim: string): void {
    const users = this.#nodesThatUse(claim);
    const attachments = this.#cluster
      .peekAll(VolumeAttachments)
      .filter(({ spec }) => spec.source.persistentVolumeName === claim);
    for (const attachment of attachments) this.#syncAttachment(claim, attachment, users);
    const [node] = users;
    if (attachments.length > 0 || node === undefined) return;
    const { server } = this.#cluster;
    const body = {
      metadata: { name: attachmentName(claim, node) },
      spec: { attacher: 'csi.example.test', nodeName: node, source: { persistentVolumeName: claim } },
    };
    create(server, server.store.table(VolumeAttachments), { body });
    this.#queue.add(claim, ATTACH_MS);
  }

  // oxlint-disable-next-line max-params -- a claim, its attachment and who uses it
  #syncAttachment(claim: string, { metadata, spec, status }: VolumeAttachment, users: Set<string>): void {
    const { server, clock } = this.#cluster;
    const table = server.store.table(VolumeAttachments);
    const key = { name: metadata.name };
    if (users.has(spec.nodeName)) {
      this.#unusedMs.delete(metadata.name);
      if (status?.attached !== true) {
        patch(server, table, { key, body: { status: { attached: true } }, subresource: 'status' });
      }
      return;
    }
    const sinceMs = this.#unusedMs.get(metadata.name) ?? clock.monotonic();
    this.#unusedMs.set(metadata.name, sinceMs);
    const isWell = isReady(this.#cluster.peek(Nodes, { name: spec.nodeName }));
    const dueMs = sinceMs + (isWell ? (this.#detachMs.get(claim) ?? DETACH_MS) : FORCE_MS);
    if (clock.monotonic() < dueMs) return this.#queue.add(claim, Math.min(dueMs - clock.monotonic(), 10_000));
    this.#unusedMs.delete(metadata.name);
    remove(server, table, { key, options: {} });
    this.#queue.add(claim);
  }

  /** A pod that is being deleted still has its volume mounted. */
  #nodesThatUse(claim: string): Set<string> {
    const pods = this.#cluster.peekAll(Pods) as readonly ClaimingPod[];
    const users = pods.filter((pod) => claimsOf(pod).includes(claim) && isMounted(pod));
    return new Set(users.map(({ spec }) => spec?.nodeName ?? ''));
  }
}

const isMounted = (pod: Pod): boolean =>
  (pod.spec?.nodeName ?? '') !== '' &&
  (pod.metadata.deletionTimestamp !== undefined || isPodActive(pod as unknown as ApiObject));

const isReady = (node: Readonly<Node> | undefined): boolean =>
  node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
