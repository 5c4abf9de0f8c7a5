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

  /** The pods of a node as they were last listed: enough to say why it waits, not to start it. */
  last(node: string): readonly Pod[] | undefined {
    return this.#listed.get(node)?.pods;
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
      // Not to be taken for a list that was just made, and not asked for again at once.
      this.#listed.set(node, { pods: undefined, dueMs: clock.now() + RETRY_MS, isBusy: false });
      if (!isKubernetesError(error)) throw error;
      logger.info('Pods of a node could not be listed', { node, ...errorFields(error) });
    } finally {
      onChange();
    }
  }

  /** Forgets nodes that are gone. */
  keep(isThere: (node: string) => boolean): void {
    for (const [node, { isBusy }] of this.#listed) if (!isBusy && !isThere(node)) this.#listed.delete(node);
  }
}
