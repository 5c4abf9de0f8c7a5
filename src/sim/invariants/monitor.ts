/**
 * Watches a simulated world and says when it does what must never happen (design 10). Each rule is a named function
 * over one change of the world; it looks at the world as it is then, not at what anybody believes.
 */
import { type Node, Nodes, type Pod, PodDisruptionBudgets, Pods } from '../../api/core.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { Resource } from '../../runtime/kubernetes.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import type { Change } from '../cluster/table.ts';
import { RULES } from './rules.ts';

/** One breach. */
export interface Breach {
  /** Number of the invariant in the design. */
  invariant: number;
  message: string;
  /** Virtual time, milliseconds since the start. */
  atMs: number;
}

/** One change, typed, with the world it happened in. */
export interface Moment {
  cluster: SimCluster;
  /** The wall clock of the world. */
  now: number;
  /** How far a component's clock may be off: nothing is held against it within. */
  toleranceMs: number;
  change:
    | { of: 'node'; before: Node | undefined; after: Node | undefined }
    | { of: 'pod'; before: Pod | undefined; after: Pod | undefined }
    | { of: 'shadow'; before: BottlerocketShadow | undefined; after: BottlerocketShadow | undefined }
    | { of: 'policy'; before: UpdatePolicy | undefined; after: UpdatePolicy | undefined }
    | { of: 'budget'; name: string; healthy: number; desired: number };
  policyOf(shadow: BottlerocketShadow): UpdatePolicy | undefined;
}

const KINDS: readonly [Resource, Moment['change']['of']][] = [
  [Nodes, 'node'],
  [Pods, 'pod'],
  [BottlerocketShadows, 'shadow'],
  [UpdatePolicies, 'policy'],
  [PodDisruptionBudgets, 'budget'],
];

export interface MonitorOptions {
  cluster: SimCluster;
  /** @default 1000 */
  toleranceMs?: number;
}

/** See the head of this file. */
export class InvariantMonitor {
  readonly breaches: Breach[] = [];
  readonly #cluster: SimCluster;
  readonly #toleranceMs: number;
  /** How often each rule had something to judge. */
  readonly judged = new Map<string, number>();

  constructor({ cluster, toleranceMs = 1000 }: MonitorOptions) {
    this.#cluster = cluster;
    this.#toleranceMs = toleranceMs;
  }

  /** Watches until the signal aborts. */
  start(signal: AbortSignal): void {
    this.#cluster.server.store.subscribe((change, table) => {
      const kind = KINDS.find(([resource]) => resource.plural === table.definition.resource.plural)?.[1];
      if (kind !== undefined && !signal.aborted) this.#judge(kind, change);
    });
  }

  /** A breach seen by somebody else: a host that reboots, say. */
  report(invariant: number, message: string): void {
    this.breaches.push({ invariant, message, atMs: this.#cluster.clock.monotonic() });
  }

  #judge(of: Moment['change']['of'], change: Change): void {
    const moment = this.#moment(of, change);
    for (const rule of RULES) {
      const message = rule.check(moment);
      if (message === undefined) continue;
      this.judged.set(rule.name, (this.judged.get(rule.name) ?? 0) + 1);
      if (message !== '') this.report(rule.invariant, message);
    }
  }

  #moment(of: Moment['change']['of'], { type, object, previous }: Change): Moment {
    const after = type === 'DELETED' ? undefined : object;
    const common = {
      cluster: this.#cluster,
      now: this.#cluster.clock.now(),
      toleranceMs: this.#toleranceMs,
      policyOf: (shadow: BottlerocketShadow) => this.#policyOf(shadow),
    };
    if (of !== 'budget') {
      return { ...common, change: { of, before: previous, after } as unknown as Moment['change'] };
    }
    const status = (after as { status?: { currentHealthy?: number; desiredHealthy?: number } } | undefined)
      ?.status;
    const { currentHealthy: healthy = 0, desiredHealthy: desired = 0 } = status ?? {};
    return { ...common, change: { of, name: object.metadata.name, healthy, desired } };
  }

  #policyOf(shadow: BottlerocketShadow): UpdatePolicy | undefined {
    const name = shadow.spec.policy?.name;
    return name === undefined ? undefined : this.#cluster.peek(UpdatePolicies, { name });
  }
}
