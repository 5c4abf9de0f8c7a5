/** Watches reboots: each must have been written down before, and none happens twice for one attempt (invariant 9). */
import { NAMESPACE, shadowName } from '../../api/names.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import type { PowerEvent } from '../host/power.ts';
import type { InvariantMonitor } from './monitor.ts';

export class RebootMonitor {
  readonly #cluster: SimCluster;
  readonly #monitor: InvariantMonitor;
  readonly #done = new Set<string>();
  /** Reboots that were judged. */
  count = 0;

  constructor(cluster: SimCluster, monitor: InvariantMonitor) {
    this.#cluster = cluster;
    this.#monitor = monitor;
  }

  /** To be told of every event of a host that nothing but the operator reboots. */
  onPower(node: string, event: PowerEvent): void {
    if (event.type !== 'down') return;
    this.count += 1;
    const key = { name: shadowName(node), namespace: NAMESPACE };
    const shadow = this.#cluster.peek(BottlerocketShadows, key);
    const intent = shadow?.status?.host?.rebootIntent;
    if (!intent || intent.bootId !== event.previous.bootId) {
      this.#monitor.report(9, `${node} rebooted without an open intent`);
      return;
    }
    const attempt = `${shadow?.metadata.uid ?? ''}/${shadow?.spec.attempt ?? 0}`;
    if (this.#done.has(attempt)) this.#monitor.report(9, `${node} rebooted twice for one attempt`);
    this.#done.add(attempt);
  }
}
