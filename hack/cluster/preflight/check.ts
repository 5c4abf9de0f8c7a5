/** What keeps a cluster from being started, each in one sentence that ends with the remedy. Pure. */
import { NEEDED_CONTROLLERS } from '../cgroups/hierarchies.ts';

/** Programs outside our own, and the Debian package each is in. */
export const DEBIAN_PROGRAMS: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  iptables: 'iptables',
  conntrack: 'conntrack',
  runc: 'runc',
};

export const CNI_DIR = '/usr/lib/cni';
export const CNI_PLUGINS = ['ptp', 'host-local', 'loopback', 'portmap'] as const;
const CNI_PACKAGE = 'containernetworking-plugins';

/** What the kernel has to be able to do, and what helps when it is not. */
export const KERNEL_FEATURES = {
  namespaces: 'this may not make namespaces; a container needs --privileged for it',
  bridge: 'the kernel makes no bridges; load the module: modprobe bridge',
  veth: 'the kernel makes no veth pairs; load the module: modprobe veth',
  iptables:
    'iptables cannot write NAT rules; load the modules: modprobe -a ip_tables iptable_nat xt_MASQUERADE',
  overlay: 'the kernel has no overlay file system; load the module: modprobe overlay',
  kmsg: '/dev/kmsg is missing, which the kubelet reads; make it: mknod /dev/kmsg c 1 11',
} as const;
export type KernelFeature = keyof typeof KERNEL_FEATURES;

/** What was found out about this machine. */
export interface Facts {
  /** As Node calls it. */
  platform: string;
  /** Effective user. */
  uid: number;
  missingPrograms: readonly string[];
  missingPlugins: readonly string[];
  missingFeatures: readonly KernelFeature[];
  /** Controllers of all cgroup hierarchies together. */
  controllers: readonly string[];
}

/** What there is of a cluster of that name. */
export interface Present {
  name: string;
  /** Process that holds it; undefined when none does. */
  pid: number | undefined;
  /** Whether a state directory or cgroups of it are there. */
  leftover: boolean;
}

function packagesOf(facts: Facts): string[] {
  const packages = facts.missingPrograms.map((each) => DEBIAN_PROGRAMS[each] ?? each);
  if (facts.missingPlugins.length > 0) packages.push(CNI_PACKAGE);
  return [...new Set(packages)].toSorted();
}

function lackOfPrograms(facts: Facts): string | undefined {
  const lacking = [...facts.missingPrograms, ...facts.missingPlugins.map((plugin) => `${CNI_DIR}/${plugin}`)];
  if (lacking.length === 0) return undefined;
  return `This machine lacks ${lacking.join(', ')}: apt-get install ${packagesOf(facts).join(' ')}`;
}

function lackOfControllers({ controllers }: Facts): string | undefined {
  const lacking = NEEDED_CONTROLLERS.filter((each) => !controllers.includes(each));
  if (lacking.length === 0) return undefined;
  return (
    `The kubelet needs the cgroup controllers ${lacking.join(', ')}: mount them below /sys/fs/cgroup, ` +
    'or start the kernel without cgroup_disable'
  );
}

/** @returns what is wrong with this machine, the first thing first, or nothing */
export function objectionToMachine(facts: Facts): string | undefined {
  if (facts.platform !== 'linux') {
    return `The machines of a cluster are namespaces of Linux, and this is ${facts.platform}: run it in a Linux VM.`;
  }
  if (facts.uid !== 0) return 'Only root may make namespaces, mounts and cgroups: run it with sudo.';
  const lack = lackOfPrograms(facts) ?? lackOfControllers(facts);
  if (lack !== undefined) return `${lack}.`;
  const [feature] = facts.missingFeatures;
  return feature === undefined ? undefined : `A cluster cannot run here: ${KERNEL_FEATURES[feature]}.`;
}

/** @returns why no cluster of that name can be started, or nothing */
export function objectionToPresence({ name, pid, leftover }: Present): string | undefined {
  const down = `npm run cluster -- down --name ${name}`;
  if (pid !== undefined) return `The cluster ${name} runs already (process ${pid}); end it first: ${down}`;
  if (leftover)
    return `An earlier run left something of the cluster ${name} behind; remove it first: ${down}`;
  return undefined;
}
