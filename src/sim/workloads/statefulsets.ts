/** Double of the StatefulSet controller: pods with names of their own, one after the other, each replaced when it is gone. */
import { type Pod, Pods } from '../../api/core.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { resourceId } from '../cluster/definition.ts';
import { KeyQueue } from '../cluster/keyqueue.ts';
import { StatefulSets, type Workload } from '../cluster/kinds.ts';
import { type ApiObject, storageKey } from '../cluster/object.ts';
import { patch } from '../cluster/patch.ts';
import { controllerOf, isPodActive, isPodReady } from '../cluster/pods.ts';
import { remove } from '../cluster/remove.ts';
import type { Change, Table } from '../cluster/table.ts';
import { podFrom, splitKey } from './template.ts';

const DELAY_MS = 50;

/** A StatefulSet; with claims each pod has a volume of its own. */
export interface StatefulWorkload extends Workload {
  spec: Workload['spec'] & {
    podManagementPolicy?: 'OrderedReady' | 'Parallel';
    volumeClaimTemplates?: { metadata: { name: string } }[];
  };
}

/** A pod that has volumes. */
export interface ClaimingPod extends Pod {
  spec?: NonNullable<Pod['spec']> & {
    volumes?: { name: string; persistentVolumeClaim?: { claimName: string } }[];
  };
}

export class StatefulSetsDouble {
  readonly #cluster: SimCluster;
  readonly #queue: KeyQueue;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue({ clock: cluster.clock, delayMs: DELAY_MS, handle: (key) => this.#sync(key) });
  }

  /** Works until the signal aborts. */
  start(signal: AbortSignal): void {
    for (const { metadata } of this.#cluster.peekAll(StatefulSets)) this.#queue.add(storageKey(metadata));
    this.#cluster.server.store.subscribe((change, table) => {
      if (!signal.aborted) this.#follow(change, table);
    });
  }

  #follow({ object }: Change, { definition: { resource } }: Table): void {
    const id = resourceId(resource);
    if (id === resourceId(StatefulSets)) this.#queue.add(storageKey(object.metadata));
    if (id !== resourceId(Pods)) return;
    const owner = controllerOf(object);
    if (owner?.kind === StatefulSets.kind)
      this.#queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
  }

  #sync(key: string): void {
    const set = this.#cluster.peek<StatefulWorkload>(StatefulSets, splitKey(key));
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const isOrdered = set.spec.podManagementPolicy !== 'Parallel';
    let ready = 0;
    for (let ordinal = 0; ordinal < (set.spec.replicas ?? 1); ordinal++) {
      const isReady = this.#syncPod(set, ordinal);
      if (isReady) ready += 1;
      else if (isOrdered) break;
    }
    this.#writeStatus(set, ready);
  }

  /** @returns whether the pod is there and ready */
  #syncPod(set: StatefulWorkload, ordinal: number): boolean {
    const key = { name: `${set.metadata.name}-${ordinal}`, namespace: set.metadata.namespace ?? '' };
    const { server } = this.#cluster;
    const pods = server.store.table(Pods);
    const pod = pods.get(key);
    if (pod === undefined) {
      this.#cluster.add(Pods, podOf(set, ordinal));
      return false;
    }
    if (pod.metadata.deletionTimestamp !== undefined) return false;
    if (isPodActive(pod)) return isPodReady(pod);
    remove(server, pods, { key, options: {} });
    return false;
  }

  #writeStatus({ metadata, spec }: StatefulWorkload, readyReplicas: number): void {
    const { server } = this.#cluster;
    const { name, namespace = '', generation } = metadata;
    const status = { replicas: spec.replicas ?? 1, readyReplicas, observedGeneration: generation };
    patch(server, server.store.table(StatefulSets), {
      key: { name, namespace },
      body: { status },
      subresource: 'status',
    });
  }
}

function podOf({ metadata, spec }: StatefulWorkload, ordinal: number): ClaimingPod {
  const { name, namespace = '', uid = '' } = metadata;
  const owner = {
    apiVersion: 'apps/v1',
    kind: StatefulSets.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  const pod = podFrom(spec.template, { ...owner, namespace });
  const volumes = (spec.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}-${ordinal}` },
  }));
  const { generateName, ...rest } = pod.metadata as ApiObject['metadata'] & { generateName?: string };
  void generateName;
  return { metadata: { ...rest, name: `${name}-${ordinal}` }, spec: { ...pod.spec, volumes } };
}
