/** One replica of the controller in memory: the real election, fence and controllers on the world's clock. */
import { NAMESPACE } from '../../api/names.ts';
import { lead } from '../../controllers/lead.ts';
import type { Random } from '../../runtime/clock.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { fence } from '../../runtime/fence.ts';
import { LeaderElector } from '../../runtime/leader.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Life } from '../../sim/process/life.ts';

export interface ControllerReplicaOptions {
  life: Life;
  port: KubernetesPort;
  /** Unique among all lives of all replicas. */
  identity: string;
  random: Random;
  logger: Logger;
}

/** Name of the Lease, in the operator's namespace. */
export const LEASE = 'brupop-controller';

/** Stands for election, and leads when it wins, until its life is asked to end. */
export async function runControllerReplica({
  life,
  port,
  identity,
  ...rest
}: ControllerReplicaOptions): Promise<void> {
  const shared = { ...rest, clock: life.clock };
  const lease = { namespace: NAMESPACE, name: LEASE };
  const elector = new LeaderElector({ ...shared, port, identity, lease });
  const fenced = fence(port, elector);
  await elector.run(life.signal, (leading) =>
    // The double of the cluster has no roles of ours to hold.
    lead(
      { ...shared, port: fenced, namespace: NAMESPACE, instance: life.name, holdsOwnRole: false },
      leading,
    ),
  );
}
