/** The two watches of this process, whatever the number of agents: shadows, and the pods of our namespace. */
import type { Pod } from '../api/core.ts';
import { Pods } from '../api/core.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../api/v2/bottlerocketshadow.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { KubernetesPort } from '../runtime/kubernetes.ts';
import type { Logger } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { Reflector } from '../runtime/reflector.ts';
import { isAbort } from '../runtime/errors.ts';
import type { AgentApi } from './agentapi.ts';
import { trimPod } from './pods.ts';
import { trimShadow } from './wireshadow.ts';

/** A copy that has not been confirmed for so long is old: the API server sends a bookmark a minute. */
const FRESH_MS = 150_000;

export interface FeedOptions {
  api: AgentApi;
  kubernetes: Pick<KubernetesPort, 'list' | 'watch'>;
  namespace: string;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: Metrics;
}

/** See the head of this file. Constructing it starts nothing. */
export class Feeds {
  readonly #options: FeedOptions;
  readonly #shadows: Reflector<BottlerocketShadow>;
  readonly #pods: Reflector<Pod>;

  constructor(options: FeedOptions) {
    const { api, kubernetes: port, namespace, log: logger, ...rest } = options;
    const common = { ...rest, port, logger, selection: { namespace } };
    this.#options = options;
    this.#shadows = new Reflector({ ...common, resource: BottlerocketShadows, transform: trimShadow });
    this.#pods = new Reflector({ ...common, resource: Pods, transform: trimPod });
    this.#shadows.onChange((_key, old, shadow) => {
      if (shadow !== undefined) api.shadowChanged(shadow);
      else if (old !== undefined) api.shadowDeleted(old.metadata.name);
    });
    this.#pods.onChange((_key, old, pod) => {
      if (pod !== undefined) api.podChanged(pod);
      else if (old !== undefined) api.podDeleted(old);
    });
  }

  /** Why agents cannot be told the truth now; undefined when they can. */
  staleness(): string | undefined {
    const now = this.#options.clock.monotonic();
    for (const reflector of [this.#shadows, this.#pods]) {
      const name = reflector.resource.plural;
      if (!reflector.synced) return `${name} have not been listed yet`;
      const silentMs = now - (reflector.lastContactMonotonicMs ?? -Infinity);
      if (silentMs > FRESH_MS) return `nothing was heard of ${name} for ${Math.round(silentMs / 1000)} s`;
    }
    return undefined;
  }

  /** Feeds the core until the signal aborts. Never fails. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#shadows.run(signal), this.#pods.run(signal), this.#announce(signal)]);
  }

  async #announce(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#shadows.whenSynced(signal), this.#pods.whenSynced(signal)]);
      this.#options.api.synced();
    } catch (error) {
      if (!isAbort(error, signal)) throw error;
    }
  }
}
