/** Pods of nodes that may start, for `drain.waitForPods`: live lists, remembered for a short while. */
import type { Pod } from '../../api/core.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { listPodsOf } from '../drain/evict.ts';

/** A list is good for so long. */
const VALID_MS = 30_000;
const RETRY_MS = 10_000;

interface Listed {
  pods: readonly Pod[] | undefined;
  /** To be listed again from this instant on. */
  dueMs: number;
  isBusy: boolean;
}

export class NodePods {
  readonly #options: { port: KubernetesPort; clock: Clock; logger: Logger; onChange: () => void };
  readonly #listed = new Map<string, Listed>();

  constructor(options: { port: KubernetesPort; clock: Clock; logger: Logger; onChange: () => void }) {
    this.#options = options;
  }

  /** The pods of a node, if they were listed a short while ago. */
  get(node: string): readonly Pod[] | undefined {
    const listed = this.#listed.get(node);
    return listed !== undefined && this.#options.clock.now() < listed.dueMs ? listed.pods : undefined;
  }

  /** When the pods of a node are to be listed again; Infinity while they are being listed. */
  dueMs(node: string): number {
    const listed = this.#listed.get(node);
    if (listed === undefined) return 0;
    return listed.isBusy ? Number.POSITIVE_INFINITY : listed.dueMs;
  }

  async list(node: string): Promise<void> {
    const { port, clock, logger, onChange } = this.#options;
    const before = this.#listed.get(node);
    this.#listed.set(node, { pods: before?.pods, dueMs: before?.dueMs ?? 0, isBusy: true });
    try {
      const pods = await listPodsOf(port, node);
      this.#listed.set(node, { pods, dueMs: clock.now() + VALID_MS, isBusy: false });
    } catch (error) {
      this.#listed.set(node, { pods: undefined, dueMs: clock.now() + RETRY_MS, isBusy: false });
      if (!isKubernetesError(error)) throw error;
      logger.info('Pods of a node could not be listed', { node, ...errorFields(error) });
    } finally {
      onChange();
    }
  }

  /** Forgets lists that are over. */
  prune(): void {
    const now = this.#options.clock.now();
    for (const [node, { dueMs, isBusy }] of this.#listed) {
      if (!isBusy && dueMs + VALID_MS < now) this.#listed.delete(node);
    }
  }
}
