/** Installs the operator and waits until all of it is Ready. */
import { join } from 'node:path';
import { GROUP, NAMESPACE } from '../../../src/api/names.ts';
import type { ClusterHandle } from './handle.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
export const OVERLAY = join(ROOT, 'test', 'cluster', 'overlay');
const CRDS = ['bottlerocketshadows', 'updatepolicies'].map((plural) => `crd/${plural}.${GROUP}`);

/** Name of the image that the overlay deploys. */
const IMAGE = 'brupop:v0.1.0';

export interface ApplyOptions {
  /** @default that of the tests */
  overlay?: string;
  /** @default that which the overlay names */
  image?: string;
}

/** As a user does, with `kubectl apply -k`, or with another image in place of the overlay's. */
export async function applyOperator(cluster: ClusterHandle, options: ApplyOptions = {}): Promise<void> {
  const { overlay = OVERLAY, image } = options;
  if (image === undefined) {
    await cluster.kubectl(['apply', '-k', overlay]);
  } else {
    const manifests = await cluster.kubectl(['kustomize', overlay]);
    await cluster.kubectl(
      ['apply', '-f', '-'],
      manifests.replaceAll(`image: ${IMAGE}\n`, `image: ${image}\n`),
    );
  }
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...CRDS]);
}

/** Waits until all of the operator is Ready, as it was applied last. */
export async function operatorReady(cluster: ClusterHandle): Promise<void> {
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

/** Applies it, and waits until all of it is Ready. */
export async function installOperator(cluster: ClusterHandle, overlay = OVERLAY): Promise<void> {
  await applyOperator(cluster, { overlay });
  await operatorReady(cluster);
}
