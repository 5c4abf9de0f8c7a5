/**
 * A fleet in the middle of its work: of the nodes six in ten are up to date, two in a hundred are being updated, the
 * others wait. The controller's own copies and gatherer are over it.
 */
import { Nodes, Pods } from '../../../src/api/core.ts';
import { POLICY_FINALIZER } from '../../../src/api/names.ts';
import type { LedgerEntry } from '../../../src/api/v1/updatepolicy.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { Caches } from '../../../src/controllers/kube/caches.ts';
import { Writer } from '../../../src/controllers/kube/writer.ts';
import { Drains } from '../../../src/controllers/rollout/drains.ts';
import { Gatherer } from '../../../src/controllers/rollout/gather.ts';
import { HealthChecks } from '../../../src/controllers/rollout/health.ts';
import { Lookups } from '../../../src/controllers/rollout/lookups.ts';
import { NodePods } from '../../../src/controllers/rollout/nodepods.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import { rfc3339 } from '../../../src/runtime/clock.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { NEW, OLD, agentPodOf, nodeOf, reportOf, shadowOf } from '../objects.ts';
import { GROUPS, GROUP_LABEL, NOW_MS, specOf } from './policies.ts';
import { StaticCluster } from './staticcluster.ts';

/** Time stands still, so that every round decides the same. */
const clock: Clock = {
  now: () => NOW_MS,
  monotonic: () => 0,
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason as Error)),
    ),
};

const uidOf = (group: number): string => `policy-${group}`;

/** See the head of this file. */
export class Fleet {
  readonly #cluster = new StaticCluster();
  readonly #shadows: BottlerocketShadow[] = [];
  readonly #entries: LedgerEntry[][] = Array.from({ length: GROUPS }, () => []);
  readonly #caches: Caches;
  readonly #gatherer: Gatherer;
  readonly #stop = new AbortController();
  #changed = 0;

  constructor(nodes: number) {
    for (let index = 0; index < nodes; index += 1) this.#add(index);
    this.#addPolicies();
    const { port } = this.#cluster;
    const shared = { port, clock, random: () => 0.5, logger: silentLogger };
    this.#caches = new Caches({ ...shared, namespace: NAMESPACE });
    const onReady = nothing;
    const onChange = nothing;
    this.#gatherer = new Gatherer({
      port,
      clock,
      caches: this.#caches,
      writers: {
        nodes: new Writer({ ...shared, resource: Nodes, copy: this.#caches.nodes, onReady }),
        shadows: new Writer({
          ...shared,
          resource: BottlerocketShadows,
          copy: this.#caches.shadows,
          onReady,
        }),
        policies: new Writer({ ...shared, resource: UpdatePolicies, copy: this.#caches.policies, onReady }),
      },
      drains: new Drains({ ...shared, onChange }),
      health: new HealthChecks({ ...shared, onChange }),
      nodePods: new NodePods({ ...shared, onChange }),
      lookups: new Lookups(port, silentLogger),
      needsApiserverPods: false,
    });
  }

  /** Resolves with the gatherer once everything is in its copies. */
  async start(): Promise<Gatherer> {
    void this.#caches.run(this.#stop.signal);
    this.#gatherer.follow();
    await this.#caches.whenSynced(this.#stop.signal);
    return this.#gatherer;
  }

  /** One in a hundred agents reports; resolves when the copies show it. */
  async report(): Promise<void> {
    const count = Math.max(1, Math.floor(this.#shadows.length / 100));
    let last = '';
    for (let step = 0; step < count; step += 1) {
      const index = (this.#changed += 101) % this.#shadows.length;
      const shadow = this.#shadows[index];
      if (!shadow?.status?.host) continue;
      const host = { ...shadow.status.host, seq: shadow.status.host.seq + 1 };
      const next = this.#cluster.put(BottlerocketShadows, { ...shadow, status: { ...shadow.status, host } });
      this.#shadows[index] = next;
      last = next.metadata.resourceVersion ?? '';
    }
    await this.#caches.shadows.whenPassed(last, this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort(new Error('The measurement is over'));
  }

  #add(index: number): void {
    const group = index % GROUPS;
    const made = nodeOf(index, { [GROUP_LABEL]: `g${group}` });
    const node = this.#cluster.put(Nodes, { ...made, metadata: { ...made.metadata, uid: `node-${index}` } });
    this.#cluster.put(Pods, agentPodOf(index));
    // Of every fifty nodes of a policy one is being updated, and thirty are up to date.
    const turn = Math.floor(index / GROUPS) % 50;
    const idle = shadowOf(node);
    const metadata = { ...idle.metadata, uid: `shadow-${index}`, generation: 1 };
    const shadow: BottlerocketShadow = { ...idle, metadata };
    const isFlying = turn === 0 && specOf(group).mode === undefined;
    const status = reportOf(shadow, index, turn >= 20 ? OLD : NEW);
    const spec = isFlying ? this.#start(index, group) : shadow.spec;
    this.#shadows.push(this.#cluster.put(BottlerocketShadows, { ...shadow, spec, status }));
  }

  /** Takes a slot for a node, and says what its shadow is asked for. */
  #start(index: number, group: number): BottlerocketShadow['spec'] {
    const since = rfc3339(NOW_MS - 60_000);
    this.#entries[group]?.push({
      node: nodeOf(index).metadata.name,
      uid: `node-${index}`,
      shadowUid: `shadow-${index}`,
      version: NEW,
      attempt: 1,
      phase: 'Reserved',
      since,
    });
    return {
      state: 'StagedAndPerformedUpdate',
      version: NEW,
      attempt: 1,
      policy: { name: uidOf(group), uid: uidOf(group) },
      state_transition_timestamp: since,
      deadline: rfc3339(NOW_MS + 1_800_000),
      host: { lock: 'Pin', waves: 'Respect' },
    };
  }

  #addPolicies(): void {
    for (let group = 0; group < GROUPS; group += 1) {
      this.#cluster.put(UpdatePolicies, {
        metadata: {
          name: uidOf(group),
          uid: uidOf(group),
          generation: 1,
          finalizers: [POLICY_FINALIZER],
        },
        spec: specOf(group),
        status: { observedGeneration: 1, updating: this.#entries[group] ?? [] },
      });
    }
  }
}

const nothing = (): void => undefined;
