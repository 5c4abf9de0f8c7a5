/** The metrics of the leader: Brupop's two, and why nodes wait. */
import type { Gauge, Metrics } from '../../runtime/metrics.ts';
import { STATES } from '../../api/v2/bottlerocketshadow.ts';
import { PROGRESS_REASONS, WAIT_REASONS } from '../../api/reasons.ts';
import type { RolloutPlan } from './plan.ts';
import type { Snapshot } from './snapshot.ts';

export class HostMetrics {
  readonly #states: Gauge;
  readonly #versions: Gauge;
  readonly #reasons: Gauge;
  #known = new Set<string>();

  constructor(metrics: Metrics) {
    this.#states = metrics.gauge({
      name: 'hosts_state',
      help: 'Hosts by the state that their agent reported.',
      labels: { state: STATES },
    });
    this.#versions = metrics.gauge({
      name: 'hosts_version',
      help: 'Hosts by the version of Bottlerocket that runs.',
      labels: { bottlerocket_version: [] },
    });
    this.#reasons = metrics.gauge({
      name: 'hosts_reason',
      help: 'Hosts by why they are where they are: a word of the list of reasons.',
      labels: { reason: [...Object.keys(WAIT_REASONS), ...Object.keys(PROGRESS_REASONS)] },
    });
  }

  /** Takes in a plan. */
  observe({ nodes }: Snapshot, { reasons }: RolloutPlan): void {
    const states = new Map<string, number>();
    const versions = new Map<string, number>();
    for (const { shadow } of nodes.values()) {
      const { current_state: state, current_version: version } = shadow?.status ?? {};
      if (state) add(states, state);
      if (version) add(versions, version);
    }
    for (const state of STATES) this.#states.set(states.get(state) ?? 0, { state });
    for (const gone of this.#known) {
      if (!versions.has(gone)) this.#versions.remove({ bottlerocket_version: gone });
    }
    for (const [version, count] of versions) this.#versions.set(count, { bottlerocket_version: version });
    this.#known = new Set(versions.keys());
    this.#setReasons(reasons);
  }

  /** Another replica leads from now on: what this one knew must not be counted beside what that one knows. */
  clear(): void {
    this.#states.reset();
    this.#reasons.reset();
    for (const version of this.#known) this.#versions.remove({ bottlerocket_version: version });
    this.#known.clear();
  }

  #setReasons(reasons: RolloutPlan['reasons']): void {
    const counts = new Map<string, number>();
    for (const { reason } of reasons.values()) add(counts, reason);
    this.#reasons.reset();
    for (const [reason, count] of counts) this.#reasons.set(count, { reason });
  }
}

const add = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};
