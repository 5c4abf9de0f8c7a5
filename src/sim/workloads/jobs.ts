/** Double of the Job controller: pods until as many have succeeded as were asked for. */
import { Pods } from '../../api/core.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { resourceId } from '../cluster/definition.ts';
import { atPath } from '../cluster/json.ts';
import { KeyQueue } from '../cluster/keyqueue.ts';
import { type Job, Jobs } from '../cluster/kinds.ts';
import { storageKey } from '../cluster/object.ts';
import { patch } from '../cluster/patch.ts';
import { controllerOf, isPodActive } from '../cluster/pods.ts';
import { podFrom, splitKey } from './template.ts';

const DELAY_MS = 50;

export class JobsDouble {
  readonly #cluster: SimCluster;
  readonly #queue: KeyQueue;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue({ clock: cluster.clock, delayMs: DELAY_MS, handle: (key) => this.#sync(key) });
  }

  /** Works until the signal aborts. */
  start(signal: AbortSignal): void {
    for (const { metadata } of this.#cluster.peekAll(Jobs)) this.#queue.add(storageKey(metadata));
    this.#cluster.server.store.subscribe(({ object }, { definition: { resource } }) => {
      if (signal.aborted) return;
      const id = resourceId(resource);
      if (id === resourceId(Jobs)) this.#queue.add(storageKey(object.metadata));
      if (id !== resourceId(Pods)) return;
      const owner = controllerOf(object);
      if (owner?.kind === Jobs.kind) this.#queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
    });
  }

  #sync(key: string): void {
    const job = this.#cluster.peek(Jobs, splitKey(key));
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return;
    const { completions = 1, parallelism = 1 } = job.spec;
    const { active, succeeded } = this.#count(job);
    const wanted = Math.min(parallelism, completions - succeeded);
    for (let missing = wanted - active; missing > 0; missing--) this.#addPod(job);
    const { status } = job;
    const now = rfc3339(this.#cluster.clock.now());
    this.#writeStatus(job, {
      active: Math.max(active, wanted),
      succeeded,
      ...(succeeded >= completions && { completionTime: status?.completionTime ?? now }),
    });
  }

  #count({ metadata: { uid, namespace = '' } }: Job): { active: number; succeeded: number } {
    const pods = this.#cluster.server.store.table(Pods).having('metadata.namespace', namespace);
    const mine = pods.filter((pod) => controllerOf(pod)?.uid === uid);
    return {
      active: mine.filter(isPodActive).length,
      succeeded: mine.filter((pod) => atPath(pod, 'status.phase') === 'Succeeded').length,
    };
  }

  #addPod({ metadata, spec }: Job): void {
    const { name, namespace = '', uid = '' } = metadata;
    const owner = { apiVersion: 'batch/v1', kind: Jobs.kind, name, uid, controller: true };
    this.#cluster.add(Pods, podFrom(spec.template, { ...owner, blockOwnerDeletion: true, namespace }));
  }

  #writeStatus({ metadata: { name, namespace = '' } }: Job, status: NonNullable<Job['status']>): void {
    const { server } = this.#cluster;
    patch(server, server.store.table(Jobs), {
      key: { name, namespace },
      body: { status },
      subresource: 'status',
    });
  }
}
