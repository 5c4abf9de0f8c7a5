/** Double of the disruption controller: keeps the status of PodDisruptionBudgets, a while after what it follows. */
import { Pods, PodDisruptionBudgets } from '../../api/core.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import type { OwnerReference } from '../../runtime/kubernetes.ts';
import type { VirtualClock } from '../clock.ts';
import { resourceId } from './definition.ts';
import { type BudgetObject, budgetsOf } from './evict.ts';
import { atPath } from './json.ts';
import { KeyQueue } from './keyqueue.ts';
import { Deployments, ReplicaSets, StatefulSets } from './kinds.ts';
import { type ApiObject, storageKey } from './object.ts';
import { patch } from './patch.ts';
import { controllerOf, isPodActive, isPodReady } from './pods.ts';
import { matchesSelector } from './selectors.ts';
import { type Server, serverTime } from './server.ts';
import type { Change, Table } from './table.ts';

/** A pod that was to be disrupted and is still there after so long counts as there again. */
const DISRUPTION_TIMEOUT_MS = 120_000;
const SCALED = [ReplicaSets, StatefulSets];

interface Expectation {
  expected: number;
  desired: number;
}

export class DisruptionController {
  readonly #server: Server;
  readonly #queue: KeyQueue;

  constructor(server: Server, clock: VirtualClock, delayMs: number) {
    this.#server = server;
    this.#queue = new KeyQueue({ clock, delayMs, handle: (key) => this.#sync(key) });
    server.store.subscribe((change, table) => this.#follow(change, table));
  }

  #follow({ object, previous }: Change, { definition: { resource } }: Table): void {
    const id = resourceId(resource);
    if (id === resourceId(PodDisruptionBudgets)) return this.#queue.add(storageKey(object.metadata));
    if (id === resourceId(Pods)) {
      const states = previous === undefined ? [object] : [object, previous];
      for (const budget of states.flatMap((pod) => budgetsOf(this.#server, pod)))
        this.#queue.add(storageKey(budget.metadata));
    }
    if ([...SCALED, Deployments].some((scaled) => resourceId(scaled) === id)) this.#followAll(object);
  }

  /** A scale changed: any budget of the namespace may count by it. */
  #followAll({ metadata: { namespace = '' } }: ApiObject): void {
    const budgets = this.#server.store.table(PodDisruptionBudgets).having('metadata.namespace', namespace);
    for (const { metadata } of budgets) this.#queue.add(storageKey(metadata));
  }

  #sync(key: string): void {
    const table = this.#server.store.table(PodDisruptionBudgets);
    const [namespace = '', name = ''] = key.split('/');
    const budget = table.get({ name, namespace }) as BudgetObject | undefined;
    if (budget === undefined) return;
    const pods = this.#server.store
      .table(Pods)
      .having('metadata.namespace', namespace)
      .filter((pod) => matchesSelector(budget.spec?.selector, pod.metadata.labels));
    const disruptedPods = this.#stillDisrupted(budget, pods, key);
    const status = this.#status(budget, pods, disruptedPods);
    const body = {
      status: { ...status, disruptedPods: replaceMap(budget.status?.disruptedPods ?? {}, disruptedPods) },
    };
    patch(this.#server, table, { key: budget.metadata, subresource: 'status', body });
  }

  #status(budget: BudgetObject, pods: ApiObject[], disrupted: Record<string, string>): object {
    const expectation = this.#expect(budget, pods);
    // Without knowing the scale nothing may be disrupted.
    if (expectation === undefined)
      return { disruptionsAllowed: 0, observedGeneration: budget.metadata.generation };
    const { expected, desired } = expectation;
    const healthy = pods.filter(
      (pod) => isPodActive(pod) && isPodReady(pod) && disrupted[pod.metadata.name] === undefined,
    );
    const allowed = expected > 0 ? Math.max(0, healthy.length - desired) : 0;
    return {
      currentHealthy: healthy.length,
      desiredHealthy: desired,
      expectedPods: expected,
      disruptionsAllowed: allowed,
      observedGeneration: budget.metadata.generation,
      conditions: [this.#condition(budget, allowed)],
    };
  }

  #condition(budget: BudgetObject, allowed: number): object {
    const status = allowed > 0 ? 'True' : 'False';
    const [before] = (budget.status?.conditions ?? []) as { status: string; lastTransitionTime: string }[];
    return {
      type: 'DisruptionAllowed',
      status,
      reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      observedGeneration: budget.metadata.generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : serverTime(this.#server),
    };
  }

  /** Evicted pods whose deletion has not been seen yet, and looks again when the first of them is given up. */
  #stillDisrupted(budget: BudgetObject, pods: ApiObject[], key: string): Record<string, string> {
    const nowMs = this.#server.clock.now();
    const kept = Object.entries(budget.status?.disruptedPods ?? {}).filter(([name, at]) => {
      const pod = pods.find(({ metadata }) => metadata.name === name);
      const untilMs = (parseRfc3339(at) ?? 0) + DISRUPTION_TIMEOUT_MS;
      return pod !== undefined && isPodActive(pod) && untilMs > nowMs;
    });
    for (const [, at] of kept) this.#queue.add(key, (parseRfc3339(at) ?? 0) + DISRUPTION_TIMEOUT_MS - nowMs);
    return Object.fromEntries(kept);
  }

  /** How many pods there should be and how many of them healthy; undefined when that cannot be known. */
  #expect({ spec = {} }: BudgetObject, pods: ApiObject[]): Expectation | undefined {
    const { minAvailable, maxUnavailable } = spec;
    if (maxUnavailable === undefined && typeof minAvailable !== 'string')
      return { expected: pods.length, desired: minAvailable ?? 1 };
    const expected = this.#scale(pods);
    if (expected === undefined) return undefined;
    const desired =
      maxUnavailable === undefined
        ? portion(minAvailable ?? 1, expected)
        : Math.max(0, expected - portion(maxUnavailable, expected));
    return { expected, desired };
  }

  /** Sum of the scales of the pods' controllers; pods without one count for nothing. */
  #scale(pods: ApiObject[]): number | undefined {
    const owners = new Map(pods.flatMap((pod) => controllerOf(pod) ?? []).map((owner) => [owner.uid, owner]));
    const scales = new Map<string, number>();
    for (const owner of owners.values()) {
      const scaled = this.#scaleOf(owner, pods[0]?.metadata.namespace ?? '');
      if (scaled === undefined) return undefined;
      scales.set(scaled.uid, scaled.replicas);
    }
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  #scaleOf(owner: OwnerReference, namespace: string): { uid: string; replicas: number } | undefined {
    const table = this.#server.store.tableOfKind(owner.apiVersion, owner.kind);
    const object = table?.get({ name: owner.name, namespace });
    if (table === undefined || object === undefined || object.metadata.uid !== owner.uid) return undefined;
    const above = controllerOf(object);
    if (above?.kind === Deployments.kind) return this.#scaleOf(above, namespace);
    const isScaled = [...SCALED, Deployments].some(({ kind }) => kind === owner.kind);
    return isScaled ? { uid: owner.uid, replicas: Number(atPath(object, 'spec.replicas') ?? 1) } : undefined;
  }
}

/** A number, or a percentage of `total` rounded up. */
const portion = (value: number | string, total: number): number =>
  typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) / 100) * total);

/** The merge patch that leaves exactly `next` of a map. */
const replaceMap = (
  old: Record<string, string>,
  next: Record<string, string>,
): Record<string, string | null> => ({
  ...Object.fromEntries(Object.keys(old).map((key) => [key, null])),
  ...next,
});
