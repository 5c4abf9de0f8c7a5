/** Double of the DaemonSet controller: one pod a matching node, cordoned or not. */
import { type DaemonSet, DaemonSets, type Node, Nodes, type Pod, Pods } from '../../api/core.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { resourceId } from '../cluster/definition.ts';
import { sameJson } from '../cluster/json.ts';
import { KeyQueue } from '../cluster/keyqueue.ts';
import type { PodTemplate } from '../cluster/kinds.ts';
import { type ApiObject, storageKey } from '../cluster/object.ts';
import { patch } from '../cluster/patch.ts';
import { controllerOf, isPodActive, isPodReady } from '../cluster/pods.ts';
import { remove } from '../cluster/remove.ts';
import type { Change, Table } from '../cluster/table.ts';
import { podFrom, splitKey } from './template.ts';

const DELAY_MS = 50;

/** A DaemonSet with the template its pods are made from. */
export interface DaemonWorkload extends DaemonSet {
  spec: NonNullable<DaemonSet['spec']> & { template: PodTemplate };
}

export class DaemonsDouble {
  readonly #cluster: SimCluster;
  readonly #queue: KeyQueue;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue({ clock: cluster.clock, delayMs: DELAY_MS, handle: (key) => this.#sync(key) });
  }

  /** Works until the signal aborts. */
  start(signal: AbortSignal): void {
    this.#addAll();
    this.#cluster.server.store.subscribe((change, table) => {
      if (!signal.aborted) this.#follow(change, table);
    });
  }

  #addAll(): void {
    for (const { metadata } of this.#cluster.peekAll(DaemonSets)) this.#queue.add(storageKey(metadata));
  }

  #follow({ type, object, previous }: Change, { definition: { resource } }: Table): void {
    const id = resourceId(resource);
    if (id === resourceId(DaemonSets)) this.#queue.add(storageKey(object.metadata));
    if (id === resourceId(Pods)) {
      const owner = controllerOf(object);
      if (owner?.kind === DaemonSets.kind)
        this.#queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
    }
    const isMoved = type !== 'MODIFIED' || !sameJson(object.metadata.labels, previous?.metadata.labels);
    if (id === resourceId(Nodes) && isMoved) this.#addAll();
  }

  #sync(key: string): void {
    const set = this.#cluster.peek(DaemonSets, splitKey(key)) as DaemonWorkload | undefined;
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const pods = this.#podsOf(set);
    const wanted = new Set(this.#nodesOf(set).map(({ metadata: { name } }) => name));
    const served = new Set(pods.map(({ spec }) => spec?.nodeName));
    for (const node of wanted) if (!served.has(node)) this.#addPod(set, node);
    for (const pod of pods) if (!wanted.has(pod.spec?.nodeName ?? '')) this.#delete(pod);
    this.#writeStatus(set, wanted, pods);
  }

  #nodesOf({ spec }: DaemonWorkload): readonly Readonly<Node>[] {
    const selector = Object.entries(spec.template.spec.nodeSelector ?? {});
    return this.#cluster
      .peekAll(Nodes)
      .filter(({ metadata: { labels = {} } }) => selector.every(([key, value]) => labels[key] === value));
  }

  /** Those that are there to stay; one that ends is replaced when it is gone. */
  #podsOf({ metadata: { uid, namespace = '' } }: DaemonWorkload): Pod[] {
    const pods = this.#cluster.server.store.table(Pods).having('metadata.namespace', namespace);
    return pods.filter((pod) => controllerOf(pod)?.uid === uid) as unknown as Pod[];
  }

  #addPod({ metadata, spec }: DaemonWorkload, nodeName: string): void {
    const { name, namespace = '', uid = '' } = metadata;
    const owner = {
      apiVersion: 'apps/v1',
      kind: DaemonSets.kind,
      name,
      uid,
      controller: true,
      blockOwnerDeletion: true,
    };
    const pod = podFrom(spec.template, { ...owner, namespace });
    this.#cluster.add(Pods, { ...pod, spec: { ...pod.spec, nodeName } });
  }

  #delete({ metadata: { name, namespace = '', deletionTimestamp } }: Pod): void {
    if (deletionTimestamp !== undefined) return;
    const { server } = this.#cluster;
    remove(server, server.store.table(Pods), { key: { name, namespace }, options: {} });
  }

  #writeStatus({ metadata }: DaemonWorkload, wanted: ReadonlySet<string>, pods: Pod[]): void {
    const { server } = this.#cluster;
    const { name, namespace = '', generation } = metadata;
    const serving = pods.filter(
      (pod) => wanted.has(pod.spec?.nodeName ?? '') && isPodActive(pod as unknown as ApiObject),
    );
    const ready = serving.filter((pod) => isPodReady(pod as unknown as ApiObject)).length;
    const status = {
      desiredNumberScheduled: wanted.size,
      currentNumberScheduled: serving.length,
      updatedNumberScheduled: serving.length,
      numberMisscheduled: pods.length - serving.length,
      numberReady: ready,
      numberAvailable: ready,
      numberUnavailable: wanted.size - ready,
      observedGeneration: generation,
    };
    patch(server, server.store.table(DaemonSets), {
      key: { name, namespace },
      body: { status },
      subresource: 'status',
    });
  }
}
