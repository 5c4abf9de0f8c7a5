/**
 * Metrics as the code that counts sees them. `prometheus.ts` puts a registry behind it; code that runs without one
 * takes `noMetrics`. Names carry their unit (`_seconds`, `_total`); the set of label values is declared, so that
 * every series exists with the value 0 from the start and the first failure shows as a step.
 */
export type Labels = Record<string, string>;

export interface MetricDeclaration {
  name: string;
  /** One sentence on what is counted. */
  help: string;
  /** Label names with all their values; an empty list means that the values are not known in advance. @default none */
  labels?: Readonly<Record<string, readonly string[]>>;
}

export interface Counter {
  /** @param by not negative, default 1 */
  inc(labels?: Labels, by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** Drops one series: what it described is gone. */
  remove(labels: Labels): void;
  /** Back to the declared series, all 0. */
  reset(): void;
}

export interface GaugeDeclaration extends MetricDeclaration {
  /** Called before every scrape, to set values that nobody announces. */
  collect?: (gauge: Gauge) => void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

export interface HistogramDeclaration extends MetricDeclaration {
  /** Upper bounds. @default 5 ms to 10 s */
  buckets?: readonly number[];
}

/** A name declared twice is one metric with the label values of both: each controller declares its own. */
export interface Metrics {
  /** @throws Error when the name is taken by a metric of another kind or with other labels. */
  counter(declaration: MetricDeclaration): Counter;
  gauge(declaration: GaugeDeclaration): Gauge;
  histogram(declaration: HistogramDeclaration): Histogram;
}

const nothing = (): void => undefined;

/** Counts nothing. */
export const noMetrics: Metrics = {
  counter: () => ({ inc: nothing }),
  gauge: () => ({ set: nothing, remove: nothing, reset: nothing }),
  histogram: () => ({ observe: nothing }),
};
