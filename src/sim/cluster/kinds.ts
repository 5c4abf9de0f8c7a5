/** Built-in kinds that only the doubles of controllers need; the others are in `api/core.ts`. */
import type { LabelSelector, Pod } from '../../api/core.ts';
import type { KubeObject, Resource } from '../../runtime/kubernetes.ts';

/** What a workload makes its pods from. */
export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: NonNullable<Pod['spec']>;
}

/** A workload with a scale: Deployment, ReplicaSet or StatefulSet. */
export interface Workload extends KubeObject {
  spec: { replicas?: number; selector: LabelSelector; template: PodTemplate; paused?: boolean };
  status?: { replicas?: number; readyReplicas?: number; observedGeneration?: number };
}

const apps = <T extends KubeObject>(kind: string, plural: string): Resource<T> => ({
  group: 'apps',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});

export const Deployments = apps<Workload>('Deployment', 'deployments');
export const ReplicaSets = apps<Workload>('ReplicaSet', 'replicasets');
export const StatefulSets = apps<Workload>('StatefulSet', 'statefulsets');

/** Work with an end. */
export interface Job extends KubeObject {
  spec: { completions?: number; parallelism?: number; template: PodTemplate };
  status?: { active?: number; succeeded?: number; completionTime?: string };
}

export const Jobs: Resource<Job> = {
  group: 'batch',
  version: 'v1',
  plural: 'jobs',
  kind: 'Job',
  namespaced: true,
};

/** A volume at a machine. */
export interface VolumeAttachment extends KubeObject {
  spec: { attacher: string; nodeName: string; source: { persistentVolumeName: string } };
  status?: { attached: boolean };
}

export const VolumeAttachments: Resource<VolumeAttachment> = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'volumeattachments',
  kind: 'VolumeAttachment',
  namespaced: false,
};

const rbac = (kind: string, plural: string): Resource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});

export const Roles = rbac('Role', 'roles');
export const RoleBindings = rbac('RoleBinding', 'rolebindings');
