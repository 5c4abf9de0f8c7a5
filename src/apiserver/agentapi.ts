/**
 * The API server without its transport: what agents may ask (design 7), and the events that answer them. HTTP is an
 * adapter in `http/`; the simulation calls this directly.
 */
import { AGENT_SERVICE_ACCOUNT, NAMESPACE, TOKEN_AUDIENCE } from '../api/names.ts';
import type { Pod } from '../api/core.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import type { ReportAccepted, ShadowAnswer, StatusReport } from '../api/wire.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { KubernetesPort } from '../runtime/kubernetes.ts';
import type { Logger } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { Authenticator } from './auth/authenticator.ts';
import type { Identity } from './auth/identity.ts';
import type { Operation } from './metrics.ts';
import { ApiServerMetrics } from './metrics.ts';
import { owns, requireOwner } from './ownership.ts';
import { PodDirectory } from './pods.ts';
import { ApiProblem } from './problem.ts';
import { Reporter } from './reporter.ts';
import { ShadowDirectory } from './shadows.ts';
import { StreamHub } from './streams/hub.ts';
import type { AgentStream, Sink } from './streams/stream.ts';
import { KeyedBuckets } from './tokenbucket.ts';
import { toWire } from './wireshadow.ts';

/** Requests of one agent: a report for every step and a read now and then are far below it. */
const AGENT_RATE = { perSecond: 5, burst: 20 };
/** Agents whose rate is remembered. */
const MAX_AGENTS = 20_000;
/** All streams are ended within this time at a shutdown. */
const DRAIN_MS = 3000;
/** When to come back to a replica that is not ready. */
const NOT_READY_RETRY_MS = 1000;

export interface AgentApiOptions {
  kubernetes: KubernetesPort;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: Metrics;
  /** @default the operator's own */
  namespace?: string;
}

/** See the head of this file. Constructing it starts nothing. */
export class AgentApi {
  readonly metrics: ApiServerMetrics;
  readonly #options: AgentApiOptions;
  readonly #pods: PodDirectory;
  readonly #shadows: ShadowDirectory;
  readonly #authenticator: Authenticator;
  readonly #reporter: Reporter;
  readonly #hub: StreamHub;
  readonly #rates: KeyedBuckets;
  #synced = false;
  #draining = false;

  constructor(options: AgentApiOptions) {
    const { kubernetes, clock, random, log } = options;
    const namespace = options.namespace ?? NAMESPACE;
    this.#options = options;
    this.#hub = new StreamHub({ clock, onEnd: (why) => this.metrics.streamEnded(why) });
    this.#pods = new PodDirectory({ kubernetes, namespace, serviceAccount: AGENT_SERVICE_ACCOUNT });
    this.#shadows = new ShadowDirectory({ kubernetes, namespace });
    this.#authenticator = new Authenticator({
      kubernetes,
      pods: this.#pods,
      expected: { audience: TOKEN_AUDIENCE, namespace, serviceAccount: AGENT_SERVICE_ACCOUNT },
      clock,
      random,
      log,
      onReview: () => this.metrics.review(),
    });
    this.#reporter = new Reporter({ kubernetes, shadows: this.#shadows, namespace, clock });
    this.#rates = new KeyedBuckets({ rate: AGENT_RATE, maxKeys: MAX_AGENTS, clock });
    this.metrics = new ApiServerMetrics(options.metrics, {
      streams: () => this.#hub.size,
      identities: () => this.#authenticator.size,
    });
  }

  /** Open streams. */
  get streams(): number {
    return this.#hub.size;
  }

  /**
   * Who calls.
   * @param authorization the header, as received; nothing else of a request says who it is from.
   * @throws ApiProblem.
   */
  authenticate(authorization: string | undefined): Promise<Identity> {
    return this.#authenticator.authenticate(authorization);
  }

  /** The caller's shadow, read live. @throws ApiProblem. */
  read(identity: Identity): Promise<ShadowAnswer> {
    return this.#serve('read', identity, async () => {
      const shadow = await this.#shadows.live(identity.node);
      requireOwner(identity, shadow);
      return { type: 'SHADOW', object: toWire(shadow) };
    });
  }

  /** Records a report of the caller's host. @throws ApiProblem. */
  report(identity: Identity, report: StatusReport): Promise<ReportAccepted> {
    return this.#serve('report', identity, () => this.#reporter.record(identity, report));
  }

  /** Streams the caller's shadow into `sink` until one side ends it. @throws ApiProblem. */
  watch(identity: Identity, sink: Sink): Promise<AgentStream> {
    return this.#serve('watch', identity, async () => {
      if (this.#draining) throw new ApiProblem('ShuttingDown', { retryAfterMs: NOT_READY_RETRY_MS });
      if (!this.#synced) throw new ApiProblem('NotReady', { retryAfterMs: NOT_READY_RETRY_MS });
      const current = this.#shadows.seen(identity.node);
      if (current !== undefined && !owns(identity, current)) await this.#refuseStranger(identity);
      return this.#hub.open(identity, { sink, current });
    });
  }

  /** Every shadow and pod that there was at the start is known. */
  synced(): void {
    this.#synced = true;
  }

  shadowChanged(shadow: BottlerocketShadow): void {
    this.#hub.shadowChanged(shadow, this.#shadows.changed(shadow));
  }

  shadowDeleted(name: string): void {
    this.#shadows.deleted(name);
    this.#hub.shadowDeleted(name);
  }

  podChanged(pod: Pod): void {
    for (const uid of this.#pods.changed(pod)) this.#hub.podGone(uid);
  }

  podDeleted(pod: Pod): void {
    for (const uid of this.#pods.deleted(pod)) this.#hub.podGone(uid);
  }

  /** Heartbeats and ends of streams, until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#hub.run(signal);
  }

  /** Why streams get no heartbeats though they should; undefined when all is well. */
  whyStuck(): string | undefined {
    return this.#hub.whyStuck();
  }

  /** Opens no further stream and ends those there are, spread over 3 s. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#hub.drain({ withinMs: DRAIN_MS, random: this.#options.random });
  }

  /** The cache says that the shadow is another Node's. It may be old: only the live object refuses for good. */
  async #refuseStranger(identity: Identity): Promise<never> {
    requireOwner(identity, await this.#shadows.live(identity.node));
    throw new ApiProblem('NotReady', { retryAfterMs: NOT_READY_RETRY_MS });
  }

  async #serve<T>(operation: Operation, identity: Identity, work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    if (this.#pods.isGone(identity.podUid)) throw new ApiProblem('PodReplaced');
    const waitMs = this.#rates.take(identity.podUid);
    if (waitMs > 0) throw new ApiProblem('TooManyRequests', { retryAfterMs: waitMs });
    const startMs = clock.monotonic();
    const answer = await work();
    this.metrics.served(operation, clock.monotonic() - startMs);
    return answer;
  }
}
