/**
 * What the leader does: all controllers over one set of copies. Transport-free, so that the process and the simulation
 * run the same code.
 */
import { Nodes, Pods } from '../api/core.ts';
import { UpdatePolicies } from '../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../api/v2/bottlerocketshadow.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { KubernetesPort } from '../runtime/kubernetes.ts';
import type { Logger } from '../runtime/log.ts';
import { noMetrics } from '../runtime/metrics.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { serverClock } from '../runtime/serverclock.ts';
import { linkAbort } from '../runtime/timers.ts';
import { EventRecorder } from './events/recorder.ts';
import { Caches } from './kube/caches.ts';
import { Writer } from './kube/writer.ts';
import { RolloutController } from './rollout/controller.ts';
import { MAX_SKEW_MS } from './rollout/gather.ts';
import { HostMetrics } from './rollout/hostmetrics.ts';
import { ShadowsController } from './shadows/controller.ts';
import { holdOwned } from './uninstall/owned.ts';

export { MAX_SKEW_MS };

export interface LeadOptions {
  /** Fenced by the lease. */
  port: KubernetesPort;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** @default none */
  metrics?: Metrics;
  /** The operator's namespace. */
  namespace: string;
  /** Name of this process's pod, for Events. */
  instance: string;
  /** Set the label on every Bottlerocket node. @default true */
  autoLabel?: boolean;
  /** Let deadlines stand still while no API server pod is Ready. @default true */
  needsApiserverPods?: boolean;
  /** Hold the own role and account while running, so that an uninstallation can be cleaned up after. @default true */
  holdsOwnRole?: boolean;
  /** Called after every look at everything, at least once a minute; for liveness. */
  onLook?: () => void;
}

/**
 * Runs the controllers until the signal aborts, and finishes what is in hand. Everything is read anew: what an earlier
 * leader knew is of no use, and a copy from before the lease was won may be old.
 */
export async function lead(options: LeadOptions, signal: AbortSignal): Promise<void> {
  const { port, random, logger, namespace, instance, metrics = noMetrics } = options;
  const clock = serverClock(options.clock, port, MAX_SKEW_MS);
  const shared = { port, clock, random, logger };
  const caches = new Caches({ ...shared, metrics, namespace });
  const events = new EventRecorder({ port, clock, logger, instance });
  const onReady = (): void => {
    shadows.trigger();
    rollout.trigger();
  };
  const writers = {
    nodes: new Writer({ ...shared, resource: Nodes, copy: caches.nodes, onReady }),
    shadows: new Writer({ ...shared, resource: BottlerocketShadows, copy: caches.shadows, onReady }),
    policies: new Writer({ ...shared, resource: UpdatePolicies, copy: caches.policies, onReady }),
    pods: new Writer({ ...shared, resource: Pods, copy: caches.pods, onReady }),
  };
  const hostMetrics = new HostMetrics(metrics);
  const controllers = { ...shared, caches, writers, events };
  const shadows: ShadowsController = new ShadowsController({
    ...controllers,
    logger: logger.child({ controller: 'shadows' }),
    autoLabel: options.autoLabel ?? true,
  });
  const rollout: RolloutController = new RolloutController({
    ...controllers,
    logger: logger.child({ controller: 'rollout' }),
    needsApiserverPods: options.needsApiserverPods ?? true,
    onPlan: (snapshot, plan) => {
      hostMetrics.observe(snapshot, plan);
      options.onLook?.();
    },
  });
  // The copies outlive the controllers, which wait for what they wrote to be seen.
  const copies = linkAbort(undefined);
  const copying = Promise.all([caches.run(copies.signal), events.run(copies.signal)]);
  try {
    await caches.whenSynced(signal);
    if (options.holdsOwnRole ?? true) await holdOwned({ port, namespace, logger });
    await Promise.all([shadows.run(signal), rollout.run(signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    hostMetrics.clear();
    copies.abort();
    await copying;
  }
}
