/** The two clusters of a story. */
import { setTimeout as delay } from 'node:timers/promises';
import { KINDS as OWN_KINDS } from '../../src/api/definitions.ts';
import { Namespaces, ServiceAccounts } from '../../src/api/core.ts';
import { admissionOf } from '../../src/cmd/world/admission.ts';
import type { KubernetesPort } from '../../src/runtime/kubernetes.ts';
import { VirtualClock } from '../../src/sim/clock.ts';
import { SimCluster } from '../../src/sim/cluster/cluster.ts';
import { Side } from './side.ts';

/** Controllers that never come to act. */
const NEVER_MS = 10 * 365 * 86_400_000;
/** How long a real watch may take to show what has happened. */
const PATIENCE_MS = 5_000;
const POLL_MS = 5;

export interface ClusterOptions {
  namespace: string;
  /** With the garbage collector, the disruption controller and the like. */
  controllers: boolean;
}

/** A cluster in memory with nothing in it but the story's namespace. */
export async function simulatedSide({ namespace, controllers }: ClusterOptions): Promise<Side> {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock, ...(!controllers && { controllerDelayMs: NEVER_MS }) });
  cluster.install(OWN_KINDS.UpdatePolicy.resource, admissionOf('UpdatePolicy'));
  cluster.install(OWN_KINDS.BottlerocketShadow.resource, admissionOf('BottlerocketShadow'));
  cluster.namespace(namespace);
  cluster.serviceAccount(namespace, 'default');
  cluster.compact();
  return new Side({
    port: cluster.client('differential'),
    namespace,
    settle: async (call) => {
      const state = { ended: false };
      const end = (): void => void (state.ended = true);
      call.then(end, end);
      await clock.runUntil(() => state.ended, PATIENCE_MS * 10);
      return call;
    },
    waitUntil: async () => clock.advance(10),
    rest: async () => clock.advance(60_000),
  });
}

/** A namespace of its own in a real cluster. */
export async function realSide(port: KubernetesPort, { namespace }: ClusterOptions): Promise<Side> {
  await port.create(Namespaces, { metadata: { name: namespace } });
  await port.create(ServiceAccounts, { metadata: { name: 'default', namespace } }).catch(() => undefined);
  return new Side({
    port,
    namespace,
    settle: (call) => call,
    waitUntil: async (done) => {
      const endMs = performance.now() + PATIENCE_MS;
      while (!done() && performance.now() < endMs) await delay(POLL_MS);
      // What should not come would have come by now.
      await delay(POLL_MS);
    },
    rest: async () => undefined,
  });
}
