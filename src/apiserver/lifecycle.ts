/** The life of one replica: feeds, certificate, server, and an end that loses nothing. */
import { NAMESPACE } from '../api/names.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { Health, HealthCheck } from '../runtime/health.ts';
import { HEALTHY, unhealthy } from '../runtime/health.ts';
import type { KubernetesPort } from '../runtime/kubernetes.ts';
import type { Logger } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { aborted, linkAbort } from '../runtime/timers.ts';
import { AgentApi } from './agentapi.ts';
import { Feeds } from './feeds.ts';
import type { HttpLimits } from './http/limits.ts';
import type { Pair } from './http/server.ts';
import { HttpServer } from './http/server.ts';
import { ServingPair } from './http/servingpair.ts';

/** After the signal, new requests are served for so long at least: who routes to us learns late that we go. */
const LAST_CALL_MS = 1000;
/** Then requests under way have so long to finish. */
const FINISH_MS = 1000;

export interface ReplicaOptions {
  kubernetes: KubernetesPort;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: Metrics;
  /** Where to listen; no host = everywhere, port 0 lets the system choose. */
  address: { host: string | undefined; port: number };
  /** Holds `tls.crt` and `tls.key`. */
  certificateDirectory: string;
  /** @default the operator's own */
  namespace?: string;
  limits?: Partial<HttpLimits>;
  /** Called once it listens. */
  onListening?: (port: number) => void;
}

const isPair = (value: unknown): value is Pair =>
  typeof value === 'object' && value !== null && 'cert' in value;

const told = (why: string | undefined): Health => (why === undefined ? HEALTHY : unhealthy(why));

/** See the head of this file. Constructing it starts nothing. */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #api: AgentApi;
  readonly #feeds: Feeds;
  readonly #pair: ServingPair;
  readonly #firstPair = Promise.withResolvers<Pair>();
  #server: HttpServer | undefined;
  #stopping = false;

  constructor(options: ReplicaOptions) {
    const { namespace = NAMESPACE, certificateDirectory: directory, clock, log, metrics } = options;
    this.#options = options;
    this.#api = new AgentApi(options);
    this.#feeds = new Feeds({ ...options, namespace, api: this.#api });
    this.#pair = new ServingPair({
      directory,
      clock,
      log,
      onLoaded: (pair) => {
        this.#server?.setPair(pair);
        this.#firstPair.resolve(pair);
      },
      onOutcome: (outcome) => this.#api.metrics.certificate(outcome),
    });
    metrics.gauge({
      name: 'apiserver_certificate_not_after_timestamp_seconds',
      help: 'When the serving certificate in use ends; 0 while there is none.',
      collect: (gauge) => gauge.set((this.#pair.notAfterMs ?? 0) / 1000),
    });
  }

  /** What only a restart could mend. */
  get liveness(): Record<string, HealthCheck> {
    return { heartbeats: () => told(this.#api.whyStuck()) };
  }

  /** Whether agents are served, part by part. */
  get readiness(): Record<string, HealthCheck> {
    return {
      running: () => told(this.#stopping ? 'this replica is being stopped' : undefined),
      certificate: () => told(this.#whyNoCertificate()),
      shadows: () => told(this.#feeds.staleness()),
    };
  }

  /**
   * Serves until the signal aborts, then ends streams and requests within 5 s.
   * @throws Error when the address cannot be had.
   */
  async run(signal: AbortSignal): Promise<void> {
    // What serves goes on while the last requests are finished.
    const work = linkAbort(undefined);
    const background = Promise.all([
      this.#feeds.run(work.signal),
      this.#api.run(work.signal),
      this.#pair.run(work.signal),
    ]);
    try {
      const pair = await Promise.race([this.#firstPair.promise, aborted(signal), background]);
      // Nothing in the background ends by itself: if something does, it failed, and so does the process.
      if (isPair(pair) && !signal.aborted) await Promise.race([this.#serve(pair, signal), background]);
    } finally {
      this.#stopping = true;
      work.abort();
      await background;
    }
  }

  async #serve(pair: Pair, signal: AbortSignal): Promise<void> {
    const { address, log, onListening } = this.#options;
    const server = new HttpServer({
      ...this.#options,
      api: this.#api,
      pair,
      isReady: () => this.#whyNotReady(),
    });
    this.#server = server;
    const port = await server.listen(address);
    // A newer pair may have come while this one was being taken up.
    if (this.#pair.current !== undefined && this.#pair.current !== pair) server.setPair(this.#pair.current);
    log.info('Listening for agents', { port });
    onListening?.(port);
    await aborted(signal);
    await this.#stop(server);
  }

  async #stop(server: HttpServer): Promise<void> {
    const { clock, log } = this.#options;
    this.#stopping = true;
    log.info('Ending streams', { streams: this.#api.streams });
    server.announceClose();
    await Promise.all([this.#api.drain(), clock.sleep(LAST_CALL_MS)]);
    await server.close(FINISH_MS);
    log.info('Stopped listening');
  }

  #whyNoCertificate(): string | undefined {
    const { notAfterMs } = this.#pair;
    if (notAfterMs === undefined) return 'there is no serving certificate yet';
    return notAfterMs <= this.#options.clock.now() ? 'the serving certificate has ended' : undefined;
  }

  #whyNotReady(): string | undefined {
    if (this.#stopping) return 'this replica is being stopped';
    return this.#whyNoCertificate() ?? this.#feeds.staleness();
  }
}
