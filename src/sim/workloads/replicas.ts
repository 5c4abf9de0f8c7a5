/** Doubles of the Deployment and ReplicaSet controllers: as many pods as wished for, with the latest template. */
import { type Pod, Pods } from '../../api/core.ts';
import type { Resource } from '../../runtime/kubernetes.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { resourceId } from '../cluster/definition.ts';
import { KeyQueue } from '../cluster/keyqueue.ts';
import { Deployments, ReplicaSets, type Workload } from '../cluster/kinds.ts';
import { type ApiObject, storageKey } from '../cluster/object.ts';
import { patch } from '../cluster/patch.ts';
import { controllerOf, isPodActive, isPodReady } from '../cluster/pods.ts';
import { remove } from '../cluster/remove.ts';
import { type Owner, podFrom, splitKey, textHash } from './template.ts';

const DELAY_MS = 50;
const HASH_LABEL = 'pod-template-hash';

export class ReplicasDouble {
  readonly #cluster: SimCluster;
  readonly #deployments: KeyQueue;
  readonly #sets: KeyQueue;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    const { clock } = cluster;
    this.#deployments = new KeyQueue({
      clock,
      delayMs: DELAY_MS,
      handle: (key) => this.#syncDeployment(key),
    });
    this.#sets = new KeyQueue({ clock, delayMs: DELAY_MS, handle: (key) => this.#syncSet(key) });
  }

  /** Works until the signal aborts. */
  start(signal: AbortSignal): void {
    for (const { metadata } of this.#cluster.peekAll(Deployments))
      this.#deployments.add(storageKey(metadata));
    for (const { metadata } of this.#cluster.peekAll(ReplicaSets)) this.#sets.add(storageKey(metadata));
    this.#cluster.server.store.subscribe(({ object }, { definition: { resource } }) => {
      if (!signal.aborted) this.#follow(resource, object);
    });
  }

  #follow(resource: Resource, object: ApiObject): void {
    const id = resourceId(resource);
    const { namespace = '' } = object.metadata;
    if (id === resourceId(Deployments)) this.#deployments.add(storageKey(object.metadata));
    if (id === resourceId(ReplicaSets)) this.#sets.add(storageKey(object.metadata));
    const owner = controllerOf(object);
    if (owner?.kind === ReplicaSets.kind) this.#sets.add(`${namespace}/${owner.name}`);
    if (owner?.kind === Deployments.kind) this.#deployments.add(`${namespace}/${owner.name}`);
  }

  #syncDeployment(key: string): void {
    const deployment = this.#cluster.peek(Deployments, splitKey(key));
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return;
    const { spec, metadata } = deployment;
    if (spec.paused === true) return;
    const hash = textHash(JSON.stringify(spec.template));
    const sets = this.#cluster
      .peekAll(ReplicaSets)
      .filter(({ metadata: { ownerReferences = [] } }) =>
        ownerReferences.some(({ uid }) => uid === metadata.uid),
      );
    const latest = sets.find(({ metadata: { name } }) => name === `${metadata.name}-${hash}`);
    if (latest === undefined) this.#addSet(deployment, hash);
    for (const set of sets) {
      const replicas = set === latest ? (spec.replicas ?? 1) : 0;
      if (set.spec.replicas !== replicas) this.#patch(ReplicaSets, set, { spec: { replicas } });
    }
    this.#writeStatus(Deployments, deployment, {
      replicas: sum(sets, 'replicas'),
      readyReplicas: sum(sets, 'readyReplicas'),
    });
  }

  #addSet(deployment: Readonly<Workload>, hash: string): void {
    const { name, namespace = '' } = deployment.metadata;
    const { template, selector, replicas = 1 } = deployment.spec;
    const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
    this.#cluster.add(ReplicaSets, {
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        ownerReferences: [ownedBy(Deployments, deployment)],
      },
      spec: {
        replicas,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    });
  }

  #syncSet(key: string): void {
    const set = this.#cluster.peek(ReplicaSets, splitKey(key));
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const pods = this.#podsOf(set);
    const missing = (set.spec.replicas ?? 1) - pods.length;
    for (let i = 0; i < missing; i++) {
      const owner: Owner = { ...ownedBy(ReplicaSets, set), namespace: set.metadata.namespace ?? '' };
      this.#cluster.add(Pods, podFrom(set.spec.template, owner));
    }
    for (const pod of pods.toSorted(readyFirst).slice(pods.length + Math.min(0, missing))) this.#delete(pod);
    this.#writeStatus(ReplicaSets, set, {
      replicas: pods.length,
      readyReplicas: pods.filter((pod) => isPodReady(pod as unknown as ApiObject)).length,
    });
  }

  #podsOf(set: Readonly<Workload>): Pod[] {
    const pods = this.#cluster.server.store
      .table(Pods)
      .having('metadata.namespace', set.metadata.namespace ?? '');
    const mine = pods.filter((pod) => controllerOf(pod)?.uid === set.metadata.uid && isPodActive(pod));
    return mine as unknown as Pod[];
  }

  #delete({ metadata: { name, namespace = '' } }: Pod): void {
    const { server } = this.#cluster;
    remove(server, server.store.table(Pods), { key: { name, namespace }, options: {} });
  }

  // oxlint-disable-next-line max-params -- resource, object and what becomes of it, as in patch
  #writeStatus(resource: Resource<Workload>, object: Readonly<Workload>, status: object): void {
    this.#patch(
      resource,
      object,
      { status: { ...status, observedGeneration: object.metadata.generation } },
      'status',
    );
  }

  // oxlint-disable-next-line max-params -- as the port's patch
  #patch(
    resource: Resource<Workload>,
    { metadata }: Readonly<Workload>,
    body: object,
    subresource?: 'status',
  ): void {
    const { server } = this.#cluster;
    const { name, namespace = '' } = metadata;
    patch(server, server.store.table(resource), {
      key: { name, namespace },
      body,
      ...(subresource !== undefined && { subresource }),
    });
  }
}

const ownedBy = ({ group, version, kind }: Resource<Workload>, { metadata }: Readonly<Workload>) => ({
  apiVersion: `${group}/${version}`,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

const sum = (sets: readonly Readonly<Workload>[], field: 'replicas' | 'readyReplicas'): number =>
  sets.reduce((total, { status }) => total + (status?.[field] ?? 0), 0);

const readyFirst = (a: Pod, b: Pod): number =>
  Number(isPodReady(b as unknown as ApiObject)) - Number(isPodReady(a as unknown as ApiObject));
