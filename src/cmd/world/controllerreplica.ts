/** One replica of the controller in memory: the real election, fence and controllers on the world's clock. */
import { NAMESPACE } from '../../api/names.ts';
import { lead } from '../../controllers/lead.ts';
import type { Clock, Random } from '../../runtime/clock.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { fence } from '../../runtime/fence.ts';
import { LeaderElector } from '../../runtime/leader.ts';
import type { Logger } from '../../runtime/log.ts';

export interface ControllerReplicaOptions {
  clock: Clock;
  port: KubernetesPort;
  /** Unique among the replicas. */
  identity: string;
  random: Random;
  logger: Logger;
}

/** Stands for election, and leads when it wins, until the signal aborts. */
export async function runControllerReplica(
  { port, identity, ...shared }: ControllerReplicaOptions,
  signal: AbortSignal,
): Promise<void> {
  const elector = new LeaderElector({
    ...shared,
    port,
    identity,
    lease: { namespace: NAMESPACE, name: 'brupop-controller' },
  });
  const fenced = fence(port, elector);
  await elector.run(signal, (leading) =>
    // The double of the cluster has no roles of ours to hold.
    lead({ ...shared, port: fenced, namespace: NAMESPACE, instance: identity, holdsOwnRole: false }, leading),
  );
}
