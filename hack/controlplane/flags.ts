/** Command lines of the four programs. */

/** Where kube-apiserver is reached. */
export interface ApiAddress {
  /** Address it listens on. */
  bind: string;
  /** Address that its certificate is for and that clients use; also what the Service `kubernetes` leads to. */
  advertise: string;
  port: number;
}

/** Everything the command lines depend on. */
export interface Layout {
  /** Directory of data, certificates and tokens. */
  dir: string;
  etcdClientPort: number;
  etcdPeerPort: number;
  api: ApiAddress;
  /** Range of the addresses of Services. */
  serviceCidr: string;
  /** Whether there is a network of pods, so that the Service `kubernetes` has to lead here. */
  network: boolean;
  /** Whether the controller-manager runs: without it nobody makes ServiceAccounts for pods. */
  controllers: boolean;
}

/** etcd that never waits for the disk: a power cut may lose everything, which is what a test wants. */
export const etcdFlags = (at: Layout): string[] => {
  const client = `http://127.0.0.1:${at.etcdClientPort}`;
  const peer = `http://127.0.0.1:${at.etcdPeerPort}`;
  return [
    '--name=test',
    `--data-dir=${at.dir}/etcd`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
};

/** kube-apiserver with the authentication, authorisation and admission of a real cluster. */
export const apiserverFlags = (at: Layout): string[] => [
  `--etcd-servers=http://127.0.0.1:${at.etcdClientPort}`,
  `--bind-address=${at.api.bind}`,
  `--advertise-address=${at.api.advertise}`,
  `--endpoint-reconciler-type=${at.network ? 'lease' : 'none'}`,
  `--secure-port=${at.api.port}`,
  // It makes its own certificate here.
  `--cert-dir=${at.dir}/pki`,
  `--token-auth-file=${at.dir}/tokens.csv`,
  '--authorization-mode=Node,RBAC',
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-signing-key-file=${at.dir}/service-accounts.key`,
  `--service-account-key-file=${at.dir}/service-accounts.pub`,
  `--service-cluster-ip-range=${at.serviceCidr}`,
  '--allow-privileged=true',
  '--enable-aggregator-routing=true',
  '--profiling=false',
  ...(at.controllers ? [] : ['--disable-admission-plugins=ServiceAccount']),
];

/** The controllers of Kubernetes, quick enough that tests do not wait for their rate limit. */
export const controllerManagerFlags = (at: Layout): string[] => [
  `--kubeconfig=${at.dir}/kube-controller-manager.kubeconfig`,
  `--authentication-kubeconfig=${at.dir}/kube-controller-manager.kubeconfig`,
  `--authorization-kubeconfig=${at.dir}/kube-controller-manager.kubeconfig`,
  `--service-account-private-key-file=${at.dir}/service-accounts.key`,
  `--root-ca-file=${at.dir}/pki/apiserver.crt`,
  '--use-service-account-credentials=true',
  '--leader-elect=false',
  '--secure-port=0',
  '--kube-api-qps=200',
  '--kube-api-burst=400',
];

export const schedulerFlags = (at: Layout): string[] => [
  `--kubeconfig=${at.dir}/kube-scheduler.kubeconfig`,
  `--authentication-kubeconfig=${at.dir}/kube-scheduler.kubeconfig`,
  `--authorization-kubeconfig=${at.dir}/kube-scheduler.kubeconfig`,
  '--leader-elect=false',
  '--secure-port=0',
];
