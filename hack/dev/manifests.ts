/** Installs the operator as a user would, from `config/default`, with what differs on a development cluster. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { GROUP } from '../../src/api/names.ts';
import { kubectl, type KubectlOptions } from './kubectl.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Label and taint of the machine that runs the controller and the API server. */
export const INFRA = 'brupop.test/infra';

const CRDS = ['bottlerocketshadows', 'updatepolicies'].map((plural) => `crd/${plural}.${GROUP}`);

/** Replicas of a Deployment, and where its pods run: they are not to be moved by the updates they make. */
const onInfra = (name: string, replicas: number): object => ({
  target: { kind: 'Deployment', name },
  patch: stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      template: {
        spec: {
          nodeSelector: { [INFRA]: 'true' },
          tolerations: [{ key: INFRA, operator: 'Exists' }],
        },
      },
    },
  }),
});

/** Hosts look for updates so often that nobody has to wait for it. */
const eagerAgents: object = {
  target: { kind: 'DaemonSet', name: 'brupop-agent' },
  patch: stringify({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'brupop-agent' },
    spec: {
      template: {
        spec: { containers: [{ name: 'brupop', env: [{ name: 'CHECK_INTERVAL', value: '10s' }] }] },
      },
    },
  }),
};

/** An overlay over `config/default`, written to `dir`. */
function writeOverlay(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(dir, join(ROOT, 'config', 'default'))],
    patches: [onInfra('brupop-controller', 2), onInfra('brupop-apiserver', 2), eagerAgents],
  };
  writeFileSync(join(dir, 'kustomization.yaml'), stringify(kustomization));
}

/** Applies CRDs, roles and workloads of the operator, and waits until its CRDs are served. */
export async function installOperator(options: KubectlOptions, dir: string): Promise<void> {
  const overlay = join(dir, 'overlay');
  writeOverlay(overlay);
  await kubectl(options, ['apply', '-k', join(ROOT, 'config', 'crd')]);
  await kubectl(options, ['wait', '--for=condition=Established', '--timeout=30s', ...CRDS]);
  await kubectl(options, ['apply', '-k', overlay]);
}

/** Applies the sample workloads. */
export const installWorkloads = (options: KubectlOptions): Promise<string> =>
  kubectl(options, ['apply', '-f', join(import.meta.dirname, 'workloads.yaml')]);
