/**
 * Objects that the copies do not show although a ledger speaks of them: whether they are gone is asked live, as much
 * is counted by it (protocol 3). A UID that is gone never comes back, so the answer is kept.
 */
import { Nodes } from '../../api/core.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { Key, KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';

/** An object to be asked for. */
export interface Lookup {
  kind: 'node' | 'shadow';
  key: Key;
  uid: string;
}

export class Lookups {
  readonly #port: Pick<KubernetesPort, 'get'>;
  readonly #logger: Logger;
  readonly #gone = new Set<string>();

  constructor(port: Pick<KubernetesPort, 'get'>, logger: Logger) {
    this.#port = port;
    this.#logger = logger;
  }

  /** Whether the object was seen, live, to be gone, or to have another UID. */
  isGone(uid: string): boolean {
    return this.#gone.has(uid);
  }

  /** Forgets those no ledger speaks of any more. */
  keep(isNeeded: (uid: string) => boolean): void {
    for (const uid of this.#gone) if (!isNeeded(uid)) this.#gone.delete(uid);
  }

  /** Asks. An error leaves it open. @returns whether something was learnt. */
  async ask({ kind, key, uid }: Lookup): Promise<boolean> {
    try {
      const live =
        kind === 'node' ? await this.#port.get(Nodes, key) : await this.#port.get(BottlerocketShadows, key);
      if (live.metadata.uid === uid) return false;
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
      if (error.code !== 'notFound') {
        this.#logger.info('Look-up failed', { kind, ...key, ...errorFields(error) });
        return false;
      }
    }
    this.#gone.add(uid);
    return true;
  }
}
