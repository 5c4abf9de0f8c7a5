/**
 * Watches a simulated world and says when it does what must never happen (design 10). Each rule is a named function
 * over one moment of the world, with a memory of its own; it looks at the world as it is then, not at what anybody believes.
 */
import { Nodes, PodDisruptionBudgets, Pods } from '../../api/core.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { Wants } from '../actors/wants.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import type { Change } from '../cluster/table.ts';
import type { SimulatedHost } from '../host/host.ts';
import type { Moment, MomentKind, Moments, Setting } from './moment.ts';
import { NodeHistory } from './nodehistory.ts';
import { PolicyHistory } from './policyhistory.ts';
import type { InvariantRule, Judge } from './rule.ts';
import { RULES } from './rules.ts';

/** One breach. */
export interface Breach {
  /** Name of the rule. */
  rule: string;
  /** Number of the invariant in the design. */
  invariant: number;
  message: string;
  /** Virtual time, milliseconds since the start. */
  atMs: number;
}

const KIND_OF: ReadonlyMap<string, MomentKind> = new Map([
  [Nodes.plural, 'node'],
  [Pods.plural, 'pod'],
  [BottlerocketShadows.plural, 'shadow'],
  [UpdatePolicies.plural, 'policy'],
  [PodDisruptionBudgets.plural, 'budget'],
]);

/** A machine of the world. */
export interface MonitoredMachine {
  readonly name: string;
  readonly host: SimulatedHost;
}

export interface MonitorOptions {
  cluster: SimCluster;
  /** How far the clocks of the operator's processes may be off, and how late what they send may arrive. @default 1000 */
  toleranceMs?: number;
  /** How old what they know may be. @default 150,000: what a leader acts on at most, and a watch that is late */
  lagMs?: number;
  /** The machines there are. @default none */
  machines?: () => readonly MonitoredMachine[];
  /** How far the clocks of the operator's processes are off now, the worst of them. @default 0 */
  skewMs?: () => number;
  /** What others last said that they want. */
  wants?: Wants;
  /** @default all of them */
  rules?: readonly InvariantRule[];
}

const DEFAULT_LAG_MS = 150_000;

interface Court {
  rule: InvariantRule;
  judge: Judge;
}

/** See the head of this file. */
export class InvariantMonitor {
  readonly breaches: Breach[] = [];
  /** How often each rule had something to judge. */
  readonly judged: Map<string, number>;
  readonly #options: MonitorOptions;
  readonly #courts: ReadonlyMap<MomentKind, readonly Court[]>;
  readonly #policies = new PolicyHistory();
  readonly #nodes = new NodeHistory();
  /** Every rule speaks once of the same thing. */
  readonly #said = new Set<string>();
  #hadWrongClock = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { rules = RULES } = options;
    const courts = new Map<MomentKind, Court[]>();
    for (const rule of rules) {
      const court = { rule, judge: rule.begin() };
      for (const kind of rule.of) courts.set(kind, [...(courts.get(kind) ?? []), court]);
    }
    this.#courts = courts;
    this.judged = new Map(rules.map(({ name }) => [name, 0]));
  }

  /** Watches until the signal aborts. */
  start(signal: AbortSignal): void {
    this.#options.cluster.server.store.subscribe((change, table) => {
      const kind = KIND_OF.get(table.definition.resource.plural);
      if (kind !== undefined && !signal.aborted) this.#onChange(kind, change);
    });
  }

  /** Something happened that is no write. */
  tell<K extends MomentKind>(kind: K, what: Moments[K]): void {
    this.#judge({ kind, ...this.#setting(''), ...what } as unknown as Moment);
  }

  /** A breach seen by somebody else. */
  report(rule: Pick<InvariantRule, 'name' | 'invariant'>, message: string): void {
    const text = `${rule.name} ${message}`;
    if (this.#said.has(text)) return;
    this.#said.add(text);
    const atMs = this.#options.cluster.clock.monotonic();
    this.breaches.push({ rule: rule.name, invariant: rule.invariant, message, atMs });
  }

  #onChange(kind: MomentKind, { type, object, previous }: Change): void {
    const change = { before: previous, after: type === 'DELETED' ? undefined : object };
    const setting = this.#setting(this.#options.cluster.actor);
    const moment = { kind, ...setting, ...change } as unknown as Moment;
    if (moment.kind === 'policy') this.#policies.note(moment, moment.atMs);
    if (moment.kind === 'node') this.#nodes.note(moment, moment.by, moment.atMs);
    this.#judge(moment);
  }

  #judge(moment: Moment): void {
    for (const { rule, judge } of this.#courts.get(moment.kind) ?? []) {
      const message = judge(moment);
      if (message === undefined) continue;
      this.judged.set(rule.name, (this.judged.get(rule.name) ?? 0) + 1);
      if (message !== '') this.report(rule, message);
    }
  }

  #setting(by: string): Setting {
    const { cluster, toleranceMs = 1000, lagMs = DEFAULT_LAG_MS, machines, skewMs, wants } = this.#options;
    this.#hadWrongClock ||= Math.abs(skewMs?.() ?? 0) > toleranceMs;
    let hosts: Map<string, SimulatedHost> | undefined;
    return {
      cluster,
      now: cluster.clock.now(),
      atMs: cluster.clock.monotonic(),
      by,
      toleranceMs,
      lagMs,
      hadWrongClock: this.#hadWrongClock,
      policies: this.#policies,
      nodes: this.#nodes,
      wants,
      // Few rules ask for them.
      get hosts() {
        hosts ??= new Map((machines?.() ?? []).map(({ name, host }) => [name, host]));
        return hosts;
      },
    };
  }
}
