/** Programs of others that test clusters consist of, in groups that share a go.mod of ours. */
import { join } from 'node:path';

/** Name of a group, and of its directory here. */
export type GroupName = 'pause' | 'etcd' | 'containerd' | 'kubernetes' | 'coredns';

/** Name of a program, as its file is called. */
export type Program =
  | 'pause'
  | 'etcd'
  | 'containerd'
  | 'containerd-shim-runc-v2'
  | 'ctr'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kubelet'
  | 'kube-proxy'
  | 'coredns';

/** One go.mod of ours and what is built from it. */
export interface ProgramGroup {
  name: GroupName;
  /** Directory of its go.mod. */
  dir: string;
  /** The module whose version is that of the programs; undefined: the program is our own. */
  module?: string;
  /** Package of each program. */
  packages: Partial<Record<Program, string>>;
  /** String variables that the linker sets, by their full name. */
  variables?: (version: string) => Record<string, string>;
  /** Whole minutes that two cores take for all of it, with nothing compiled before. */
  minutes: number;
}

const dirOf = (name: GroupName): string => join(import.meta.dirname, name);

/** Without these a program of Kubernetes calls itself v0.0.0-master. */
function kubernetesVariables(version: string): Record<string, string> {
  const [major = '', minor = ''] = version.split('.');
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`k8s.io/component-base/version.${name}`, value]),
  );
}

/** In the order in which they are built: small ones first. */
export const GROUPS: readonly ProgramGroup[] = [
  { name: 'pause', dir: dirOf('pause'), packages: { pause: '.' }, minutes: 0 },
  {
    name: 'etcd',
    dir: dirOf('etcd'),
    module: 'go.etcd.io/etcd/server/v3',
    packages: { etcd: 'go.etcd.io/etcd/server/v3' },
    minutes: 1,
  },
  {
    name: 'containerd',
    dir: dirOf('containerd'),
    module: 'github.com/containerd/containerd/v2',
    packages: {
      containerd: 'github.com/containerd/containerd/v2/cmd/containerd',
      'containerd-shim-runc-v2': 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
      ctr: 'github.com/containerd/containerd/v2/cmd/ctr',
    },
    variables: (version) => ({ 'github.com/containerd/containerd/v2/version.Version': `v${version}` }),
    minutes: 3,
  },
  {
    name: 'kubernetes',
    dir: dirOf('kubernetes'),
    module: 'k8s.io/kubernetes',
    packages: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
      kubelet: 'k8s.io/kubernetes/cmd/kubelet',
      'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
    },
    variables: kubernetesVariables,
    minutes: 11,
  },
  {
    name: 'coredns',
    dir: dirOf('coredns'),
    module: 'github.com/coredns/coredns',
    packages: { coredns: '.' },
    minutes: 4,
  },
];

/** The programs of a group among those wanted. */
export const programsOf = (group: ProgramGroup, wanted: readonly Program[]): Program[] =>
  wanted.filter((program) => group.packages[program] !== undefined);
