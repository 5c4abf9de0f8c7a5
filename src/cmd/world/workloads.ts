/** The operator's own pods in a world in memory. */
import { DaemonSets, Namespaces } from '../../api/core.ts';
import {
  AGENT_SERVICE_ACCOUNT,
  APISERVER_SERVICE_ACCOUNT,
  CONTROLLER_SERVICE_ACCOUNT,
  INTERFACE_VERSION,
  INTERFACE_VERSION_LABEL,
  NAMESPACE,
} from '../../api/names.ts';
import type { SimCluster } from '../../sim/cluster/cluster.ts';
import { Deployments, type Workload } from '../../sim/cluster/kinds.ts';

const deployment = (
  at: { namespace: string; name: string },
  { replicas, serviceAccount = 'default' }: { replicas: number; serviceAccount?: string },
): Workload => ({
  metadata: at,
  spec: {
    replicas,
    selector: { matchLabels: { app: at.name } },
    template: {
      metadata: { labels: { app: at.name } },
      spec: {
        serviceAccountName: serviceAccount,
        terminationGracePeriodSeconds: 30,
        containers: [{ name: at.name, image: `example.test/${at.name}:1` }],
      },
    },
  },
});

/** The operator's namespace, accounts, agents and Deployments. */
export function installOperator(cluster: SimCluster): void {
  cluster.add(Namespaces, { metadata: { name: NAMESPACE } });
  for (const name of [AGENT_SERVICE_ACCOUNT, APISERVER_SERVICE_ACCOUNT, CONTROLLER_SERVICE_ACCOUNT]) {
    cluster.serviceAccount(NAMESPACE, name);
  }
  const agents = {
    metadata: { name: 'brupop-agent', namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: 'brupop-agent' } },
      template: {
        metadata: { labels: { app: 'brupop-agent' } },
        spec: {
          serviceAccountName: AGENT_SERVICE_ACCOUNT,
          nodeSelector: { [INTERFACE_VERSION_LABEL]: INTERFACE_VERSION },
          containers: [{ name: 'agent', image: 'brupop' }],
        },
      },
    },
  };
  cluster.add(DaemonSets, agents);
  const own = (name: string, replicas: number, serviceAccount: string): void =>
    void cluster.add(Deployments, deployment({ namespace: NAMESPACE, name }, { replicas, serviceAccount }));
  own('brupop-controller', 2, CONTROLLER_SERVICE_ACCOUNT);
  own('brupop-apiserver', 3, APISERVER_SERVICE_ACCOUNT);
}
