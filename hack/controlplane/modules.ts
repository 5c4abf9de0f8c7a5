/** The programs of the test control plane and the Go modules that pin their versions. */
import { join } from 'node:path';

/** Small ones first: etcd is built while nothing else is known yet. */
export const PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
] as const;
export type Program = (typeof PROGRAMS)[number];

/** One go.mod of ours. */
export interface ProgramModule {
  /** Directory of its go.mod. */
  dir: string;
  /** The module whose version names the programs. */
  path: string;
  /** Package of each program. */
  packages: Partial<Record<Program, string>>;
}

export const MODULES: Record<'etcd' | 'kubernetes', ProgramModule> = {
  etcd: {
    dir: join(import.meta.dirname, 'etcd'),
    path: 'go.etcd.io/etcd/server/v3',
    packages: { etcd: 'go.etcd.io/etcd/server/v3' },
  },
  kubernetes: {
    dir: join(import.meta.dirname, 'kubernetes'),
    path: 'k8s.io/kubernetes',
    packages: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    },
  },
};
