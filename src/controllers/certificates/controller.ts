/** Keeps the authority, the API server's certificate and the bundle of the agents. Run by the leader only. */
import type { Clock, Random } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Counter, Gauge, Metrics } from '../../runtime/metrics.ts';
import { Loop } from '../kube/loop.ts';
import { apply, objectOf } from './apply.ts';
import { gather } from './gather.ts';
import type { Keys } from './keys.ts';
import { plan } from './plan.ts';
import type { Snapshot } from './plan.ts';

export interface CertificatesControllerOptions {
  /** Fenced, so that nobody writes who has lost the lease. */
  kubernetes: KubernetesPort;
  keys: Keys;
  namespace: string;
  /** Names for the serving certificate beside those of the Service, such as localhost. @default none */
  extraDnsNames?: readonly string[];
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: Metrics;
}

const ACTIONS = ['makeAuthority', 'publish', 'promote', 'forget', 'issue'] as const;

/** See the head of this file. Constructing it starts nothing. */
export class CertificatesController {
  readonly #options: CertificatesControllerOptions;
  readonly #loop: Loop;
  readonly #actions: Counter;
  readonly #ends: Gauge;
  #keeper: string | undefined;

  constructor(options: CertificatesControllerOptions) {
    this.#options = options;
    const { clock, random, logger, metrics } = options;
    this.#actions = metrics.counter({
      name: 'certificate_actions_total',
      help: 'Steps in the life of the certificates.',
      labels: { action: ACTIONS },
    });
    this.#ends = metrics.gauge({
      name: 'certificate_not_after_timestamp_seconds',
      help: 'When a certificate ends; 0 while there is none.',
      labels: { certificate: ['authority', 'serving'] },
    });
    this.#loop = new Loop({ clock, random, logger, pass: () => this.pass() });
  }

  /** Runs until the signal aborts; a step under way is finished. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  /** One look and at most one step. @returns milliseconds until the next. @throws KubernetesError. */
  async pass(): Promise<number> {
    const { kubernetes, clock, logger, namespace, extraDnsNames = [] } = this.#options;
    const seen = await gather(kubernetes, { namespace, extraDnsNames, now: () => clock.now() });
    this.#show(seen.snapshot);
    const { action, waitMs } = plan(seen.snapshot);
    if (action === undefined) return waitMs;
    const { do: step, why } = action;
    logger.info('Certificates need a step', { step, why, object: objectOf(action) });
    try {
      await apply(action, seen, this.#options);
    } catch (error) {
      // Somebody else was faster: the next look sees what they did.
      if (isKubernetesError(error, 'conflict', 'alreadyExists')) return 0;
      if (isKubernetesError(error, 'invalid', 'forbidden')) {
        const remedy = 'Delete the object, it is made anew, or let the controller write it';
        logger.warn('Certificates cannot be kept', {
          object: objectOf(action),
          remedy,
          ...errorFields(error),
        });
      }
      throw error;
    }
    this.#actions.inc({ action: step });
    return waitMs;
  }

  #show({ authorities: { signer }, serving, foreignKeeper }: Snapshot): void {
    for (const [certificate, slot] of Object.entries({ authority: signer, serving })) {
      const ends = slot.is === 'usable' ? slot.value.certificate.notAfterMs / 1000 : 0;
      this.#ends.set(ends, { certificate });
    }
    if (foreignKeeper !== undefined && foreignKeeper !== this.#keeper) {
      this.#options.logger.info('Certificates are kept by somebody else', { keeper: foreignKeeper });
    }
    this.#keeper = foreignKeeper;
  }
}
