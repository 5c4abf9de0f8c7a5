/** The folders of config/, built and read. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../src/runtime/kubernetes.ts';

export const CONFIG = fileURLToPath(new URL('../../../config/', import.meta.url));

/** Folders that `kubectl kustomize` builds. */
export const FOLDERS = ['crd', 'rbac', 'manager', 'default', 'samples', 'overlays/example'] as const;

/** Files of config/samples. */
export const SAMPLES = readdirSync(`${CONFIG}samples`).filter(
  (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
);

export interface Manifest extends KubeObject {
  apiVersion: string;
  kind: string;
  spec?: Record<string, unknown>;
}

/** The documents of a text. @throws when one is no YAML */
export const documents = (text: string): Manifest[] =>
  parseAllDocuments(text).map((each) => {
    if (each.errors[0] !== undefined) throw each.errors[0];
    return each.toJS() as Manifest;
  });

const built = new Map<string, Manifest[]>();

/** What a folder builds; each is built once. */
export const build = (kubectl: string, folder: string): Manifest[] => {
  const known = built.get(folder);
  if (known !== undefined) return known;
  const text = execFileSync(kubectl, ['kustomize', `${CONFIG}${folder}`], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const made = documents(text);
  built.set(folder, made);
  return made;
};

/** Text of a sample. */
export const sampleText = (name: string): string => readFileSync(`${CONFIG}samples/${name}`, 'utf8');

interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
  ports?: { name: string; containerPort: number }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  livenessProbe?: object;
  readinessProbe?: object;
  securityContext?: { seLinuxOptions?: Record<string, string>; readOnlyRootFilesystem?: boolean };
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
}

/** Spec of a pod, as far as the tests read it. */
export interface PodSpec {
  serviceAccountName: string;
  priorityClassName?: string;
  terminationGracePeriodSeconds?: number;
  automountServiceAccountToken?: boolean;
  tolerations?: { operator?: string; key?: string }[];
  containers: Container[];
  volumes?: {
    name: string;
    secret?: { secretName: string; optional?: boolean };
    configMap?: { name: string; optional?: boolean };
    hostPath?: { path: string; type?: string };
    projected?: { sources: { serviceAccountToken?: object }[] };
  }[];
}

/** A Deployment or DaemonSet. */
export interface Workload extends Manifest {
  spec: {
    replicas?: number;
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  };
}

/** Deployments and DaemonSets of a build, by what their one container runs. */
export const workloads = (built: readonly Manifest[]): Record<string, Workload> =>
  Object.fromEntries(
    built
      .filter((each): each is Workload => ['Deployment', 'DaemonSet'].includes(each.kind))
      .map((each) => [each.spec.template.spec.containers[0]?.args?.[0] ?? '', each]),
  );
