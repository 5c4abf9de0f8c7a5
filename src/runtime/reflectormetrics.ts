/** Metrics of a reflector. */
import type { Counter, Gauge, Metrics } from './metrics.ts';

export interface ReflectorMetrics {
  lists: Counter;
  failures: Counter;
  objects: Gauge;
}

/** All reflectors share the metrics; `resource` tells them apart. */
export const reflectorMetrics = (metrics: Metrics, resource: string): ReflectorMetrics => ({
  lists: metrics.counter({
    name: 'reflector_lists_total',
    help: 'Complete lists taken; more than one a resource means that a watch could not go on.',
    labels: { resource: [resource] },
  }),
  failures: metrics.counter({
    name: 'reflector_failures_total',
    help: 'Lists and watches that failed, by reason.',
    labels: { resource: [resource], code: ['expired', 'server', 'silent', 'throttled', 'unknown'] },
  }),
  objects: metrics.gauge({
    name: 'reflector_objects',
    help: 'Objects held in memory.',
    labels: { resource: [resource] },
  }),
});
