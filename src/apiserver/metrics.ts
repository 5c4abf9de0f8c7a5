/** What the API server counts. */
import type { ProblemCode } from '../api/wire.ts';
import { PROBLEMS } from '../api/wire.ts';
import type { Counter, Histogram, Metrics } from '../runtime/metrics.ts';
import { STREAM_ENDS } from './streams/stream.ts';
import type { StreamEnd } from './streams/stream.ts';

/** The three things an agent may ask for. */
export const OPERATIONS = ['read', 'watch', 'report'] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface MetricSources {
  /** Open streams. */
  streams: () => number;
  /** Identities in the cache. */
  identities: () => number;
}

/** Names are prefixed by the registry. */
export class ApiServerMetrics {
  readonly #problems: Counter;
  readonly #ends: Counter;
  readonly #reviews: Counter;
  readonly #durations: Histogram;
  readonly #reloads: Counter;

  constructor(metrics: Metrics, sources: MetricSources) {
    this.#problems = metrics.counter({
      name: 'apiserver_problems_total',
      help: 'Requests that were refused or failed, by the code in their answer.',
      labels: { code: Object.keys(PROBLEMS) },
    });
    this.#ends = metrics.counter({
      name: 'apiserver_stream_ends_total',
      help: 'Streams that ended, by what ended them.',
      labels: { reason: STREAM_ENDS },
    });
    this.#reviews = metrics.counter({
      name: 'apiserver_token_reviews_total',
      help: 'TokenReviews sent to Kubernetes.',
    });
    this.#durations = metrics.histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from a complete request to its answer, or to the first line of a stream.',
      labels: { operation: OPERATIONS },
    });
    this.#reloads = metrics.counter({
      name: 'apiserver_certificate_reloads_total',
      help: 'Attempts to load a changed serving certificate, by outcome.',
      labels: { outcome: ['loaded', 'refused'] },
    });
    metrics.gauge({
      name: 'apiserver_streams',
      help: 'Open streams.',
      collect: (gauge) => gauge.set(sources.streams()),
    });
    metrics.gauge({
      name: 'apiserver_cached_identities',
      help: 'Identities of agents in the cache of token reviews.',
      collect: (gauge) => gauge.set(sources.identities()),
    });
  }

  problem(code: ProblemCode): void {
    this.#problems.inc({ code });
  }

  streamEnded(reason: StreamEnd): void {
    this.#ends.inc({ reason });
  }

  review(): void {
    this.#reviews.inc();
  }

  served(operation: Operation, ms: number): void {
    this.#durations.observe(ms / 1000, { operation });
  }

  certificate(outcome: 'loaded' | 'refused'): void {
    this.#reloads.inc({ outcome });
  }
}
