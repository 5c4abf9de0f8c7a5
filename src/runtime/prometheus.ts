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

interface Configuration {
  name: string;
  help: string;
  labelNames: string[];
  registers: Registry[];
  buckets?: number[];
}

type AnyMetric = PrometheusCounter<string> | PrometheusGauge<string> | PrometheusHistogram<string>;

/** One registry of its own; two in one process do not share anything. */
export class PrometheusMetrics implements Metrics {
  readonly registry = new Registry();
  readonly #prefix: string;
  readonly #declared = new Map<string, { metric: AnyMetric; labelNames: string; series: Labels[] }>();
  readonly #collectors: (() => void)[] = [];

  constructor(options: PrometheusMetricsOptions = {}) {
    this.#prefix = options.prefix ?? '';
    if (options.processMetrics === true) collectDefaultMetrics({ register: this.registry });
  }

  counter(declaration: MetricDeclaration): Counter {
    const { metric } = this.#declare(declaration, PrometheusCounter<string>);
    for (const labels of combinations(declaration)) metric.inc(labels, 0);
    return { inc: (labels = {}, by = 1) => metric.inc(labels, by) };
  }

  gauge(declaration: GaugeDeclaration): Gauge {
    const { metric, series } = this.#declare(declaration, PrometheusGauge<string>);
    const gauge: Gauge = {
      set: (value, labels = {}) => metric.set(labels, value),
      remove: (labels) => metric.remove(labels),
      reset: () => {
        metric.reset();
        for (const labels of series) metric.set(labels, 0);
      },
    };
    for (const labels of combinations(declaration)) metric.set(labels, 0);
    const { collect } = declaration;
    if (collect !== undefined) this.#collectors.push(() => collect(gauge));
    return gauge;
  }

  histogram(declaration: HistogramDeclaration): Histogram {
    const buckets = [...(declaration.buckets ?? BUCKETS)];
    const { metric } = this.#declare({ ...declaration, buckets }, PrometheusHistogram<string>);
    for (const labels of combinations(declaration)) metric.zero(labels);
    return { observe: (value, labels = {}) => metric.observe(labels, value) };
  }

  /** The text of a scrape and its content type. */
  async scrape(): Promise<{ contentType: string; body: string }> {
    for (const collect of this.#collectors) collect();
    return { contentType: this.registry.contentType, body: await this.registry.metrics() };
  }

  /** The metric of that name, made when it is new. */
  #declare<M extends AnyMetric>(
    declaration: HistogramDeclaration,
    Kind: new (configuration: Configuration) => M,
  ): { metric: M; series: Labels[] } {
    const { help, labels = {}, buckets } = declaration;
    const name = this.#prefix + declaration.name;
    const labelNames = Object.keys(labels);
    const series = combinations(declaration);
    const known = this.#declared.get(name);
    if (known === undefined) {
      const configuration = { name, help, labelNames, registers: [this.registry] };
      const metric = new Kind({ ...configuration, ...(buckets !== undefined && { buckets: [...buckets] }) });
      this.#declared.set(name, { metric, labelNames: labelNames.join(), series });
      return { metric, series };
    }
    if (!(known.metric instanceof Kind) || known.labelNames !== labelNames.join())
      throw new Error(`The metric ${name} is declared twice, and differently`);
    known.series.push(...series);
    return { metric: known.metric, series: known.series };
  }
}

/** Every combination of the declared label values; none when a label's values are not known in advance. */
export function combinations(declaration: MetricDeclaration): Labels[] {
  let all: Labels[] = [{}];
  for (const [name, values] of Object.entries(declaration.labels ?? {}))
    all = all.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value })));
  return all;
}
