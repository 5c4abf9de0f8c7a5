/** The Prometheus registry behind `Metrics`. */
import {
  collectDefaultMetrics,
  Counter as PrometheusCounter,
  Gauge as PrometheusGauge,
  Histogram as PrometheusHistogram,
  Registry,
} from '@prometheus-io/client';
import type {
  Counter,
  Gauge,
  GaugeDeclaration,
  Histogram,
  HistogramDeclaration,
  Labels,
  MetricDeclaration,
  Metrics,
} from './metrics.ts';

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface PrometheusMetricsOptions {
  /** Put before every name. @default none */
  prefix?: string;
  /** Also memory, CPU, event loop and garbage collection of this process. @default false */
  processMetrics?: boolean;
}

/** One registry of its own; two in one process do not share anything. */
export class PrometheusMetrics implements Metrics {
  readonly registry = new Registry();
  readonly #prefix: string;

  constructor(options: PrometheusMetricsOptions = {}) {
    this.#prefix = options.prefix ?? '';
    if (options.processMetrics === true) collectDefaultMetrics({ register: this.registry });
  }

  counter(declaration: MetricDeclaration): Counter {
    const counter = new PrometheusCounter<string>(this.#configuration(declaration));
    for (const labels of combinations(declaration)) counter.inc(labels, 0);
    return { inc: (labels = {}, by = 1) => counter.inc(labels, by) };
  }

  gauge(declaration: GaugeDeclaration): Gauge {
    const { collect } = declaration;
    const metric = new PrometheusGauge<string>({
      ...this.#configuration(declaration),
      ...(collect !== undefined && { collect: () => collect(gauge) }),
    });
    const zero = (): void => {
      for (const labels of combinations(declaration)) metric.set(labels, 0);
    };
    const gauge: Gauge = {
      set: (value, labels = {}) => metric.set(labels, value),
      remove: (labels) => metric.remove(labels),
      reset: () => {
        metric.reset();
        zero();
      },
    };
    zero();
    return gauge;
  }

  histogram(declaration: HistogramDeclaration): Histogram {
    const histogram = new PrometheusHistogram<string>({
      ...this.#configuration(declaration),
      buckets: [...(declaration.buckets ?? BUCKETS)],
    });
    for (const labels of combinations(declaration)) histogram.zero(labels);
    return { observe: (value, labels = {}) => histogram.observe(labels, value) };
  }

  /** The text of a scrape and its content type. */
  async scrape(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.registry.contentType, body: await this.registry.metrics() };
  }

  #configuration(declaration: MetricDeclaration): {
    name: string;
    help: string;
    labelNames: string[];
    registers: Registry[];
  } {
    return {
      name: this.#prefix + declaration.name,
      help: declaration.help,
      labelNames: Object.keys(declaration.labels ?? {}),
      registers: [this.registry],
    };
  }
}

/** Every combination of the declared label values; none when a label's values are not known in advance. */
export function combinations(declaration: MetricDeclaration): Labels[] {
  let all: Labels[] = [{}];
  for (const [name, values] of Object.entries(declaration.labels ?? {}))
    all = all.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value })));
  return all;
}
