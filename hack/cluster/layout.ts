/** Names, addresses and paths of a cluster. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export const DEFAULT_NAME = 'dev';
/** More would not fit into the names of cgroups and hosts comfortably. */
const MAX_NAME_LENGTH = 20;

/** Addresses, all of them inside the cluster's own network namespace, so that clusters may share them. */
export const NETWORK = {
  bridge: 'brupop0',
  /** Of the bridge: kube-apiserver and CoreDNS listen here. */
  gateway: '10.99.0.1',
  prefixLength: 24,
  apiPort: 6443,
  serviceCidr: '10.96.0.0/16',
  dnsAddress: '10.96.0.10',
  dnsDomain: 'cluster.local',
  clusterCidr: '10.244.0.0/16',
} as const;

/** Machine numbers go up to this: their addresses begin at 10.99.0.11. */
export const MAX_MACHINES = 200;

export const machineAddress = (index: number): string => `10.99.0.${10 + index}`;
export const podCidr = (index: number): string => `10.244.${index}.0/24`;
/** Always the same for a machine, so that nobody remembers an old one after a power cycle. */
export const machineMac = (index: number): string =>
  `02:00:0a:63:00:${(10 + index).toString(16).padStart(2, '0')}`;

/** Name of the cgroups of a cluster, in every hierarchy. */
export const cgroupName = (cluster: string): string => `brupop-${cluster}`;

/** @returns what is wrong with it, or nothing */
export function objectionToName(name: string): string | undefined {
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) && name.length <= MAX_NAME_LENGTH) return undefined;
  return `The name of a cluster is made of a-z, 0-9 and -, at most ${MAX_NAME_LENGTH} characters: not ${JSON.stringify(name)}.`;
}

/** Directory of all clusters: `$XDG_STATE_HOME/brupop/clusters`, else below `~/.local/state`. */
export function stateRoot(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env['XDG_STATE_HOME'];
  const base = xdg !== undefined && xdg !== '' ? xdg : join(env['HOME'] ?? homedir(), '.local', 'state');
  return join(base, 'brupop', 'clusters');
}

/** What is where in the state directory of one cluster. */
export const paths = (dir: string) => ({
  dir,
  /** What it was started with; its presence means that there is, or was, a cluster. */
  spec: join(dir, 'cluster.json'),
  socket: join(dir, 'daemon.sock'),
  controlPlane: join(dir, 'controlplane'),
  kubeconfig: join(dir, 'controlplane', 'admin.kubeconfig'),
  dns: join(dir, 'dns'),
  /** Archives that machines have at every power-on. */
  images: join(dir, 'images'),
  /** Kept when the start fails. */
  logs: join(dir, 'logs'),
  daemonLog: join(dir, 'logs', 'daemon.log'),
  machines: join(dir, 'machines'),
  machine: (name: string): string => join(dir, 'machines', name),
});
