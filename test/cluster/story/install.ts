/** Installs the operator and waits until all of it is Ready. */
import { join } from 'node:path';
import { GROUP, NAMESPACE } from '../../../src/api/names.ts';
import type { ClusterHandle } from './handle.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const OVERLAY = join(ROOT, 'test', 'cluster', 'overlay');
const CRDS = ['bottlerocketshadows', 'updatepolicies'].map((plural) => `crd/${plural}.${GROUP}`);

/** As a user does, with `kubectl apply -k`. */
export async function installOperator(cluster: ClusterHandle, overlay = OVERLAY): Promise<void> {
  await cluster.kubectl(['apply', '-k', overlay]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...CRDS]);
  const wait = ['-n', NAMESPACE, '--timeout=120s'];
  for (const workload of ['deployment/brupop-controller', 'deployment/brupop-apiserver']) {
    await cluster.kubectl(['rollout', 'status', workload, ...wait]);
  }
  // The DaemonSet wants no pods until the controller has labelled the nodes.
  const label = 'bottlerocket.aws/updater-interface-version';
  for (const node of cluster.nodes) {
    await cluster.kubectl([
      'wait',
      `--for=jsonpath={.metadata.labels['${label.replaceAll('.', '\\.')}']}`,
      `node/${node}`,
      '--timeout=60s',
    ]);
  }
  await cluster.kubectl(['rollout', 'status', 'daemonset/brupop-agent', ...wait]);
}
