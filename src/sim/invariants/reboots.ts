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

  /** To be told of every event of a host, except when others take its power away or reboot it. */
  onPower(node: string, event: PowerEvent): void {
    if (event.type !== 'down') return;
    this.count += 1;
    const attempt = this.#attemptOf(node, event);
    if (attempt === undefined) {
      this.#monitor.report(9, `${node} rebooted without an open intent`);
      return;
    }
    if (this.#done.has(attempt)) this.#monitor.report(9, `${node} rebooted twice for one attempt`);
    this.#done.add(attempt);
  }

  /** To be told when it went down because of others: an attempt that was about to reboot it has had its reboot. */
  onOthers(node: string, event: PowerEvent): void {
    const attempt = this.#attemptOf(node, event);
    if (attempt !== undefined) this.#done.add(attempt);
  }

  /** The attempt whose open intent is about the boot that ends. */
  #attemptOf(node: string, event: PowerEvent): string | undefined {
    const key = { name: shadowName(node), namespace: NAMESPACE };
    const shadow = this.#cluster.peek(BottlerocketShadows, key);
    const intent = shadow?.status?.host?.rebootIntent;
    if (!intent || intent.bootId !== event.previous.bootId) return undefined;
    return `${shadow?.metadata.uid ?? ''}/${shadow?.spec.attempt ?? 0}`;
  }
}
