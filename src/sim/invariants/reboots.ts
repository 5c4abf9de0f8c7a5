/** Tells the monitor of the power of machines, and counts what was rebooted. */
import type { PowerEvent } from '../host/power.ts';
import type { InvariantMonitor } from './monitor.ts';

/** See the head of this file. */
export class RebootMonitor {
  readonly #monitor: InvariantMonitor;
  /** Reboots that only the operator can have asked for. */
  count = 0;

  constructor(monitor: InvariantMonitor) {
    this.#monitor = monitor;
  }

  /** To be told of every event of a host, except when others take its power away or reboot it. */
  onPower(node: string, event: PowerEvent): void {
    if (event.type === 'up') this.#monitor.tell('up', { node, event });
    if (event.type !== 'down') return;
    this.count += 1;
    this.#monitor.tell('down', { node, event, byOthers: false });
  }

  /** To be told when it went down because of others. */
  onOthers(node: string, event: PowerEvent): void {
    this.#monitor.tell('down', { node, event, byOthers: true });
  }
}
