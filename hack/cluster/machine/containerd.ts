/** Configuration of containerd and of the network plugins it calls. */

export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
export const CNI_BIN_DIR = '/opt/cni/bin';
export const CNI_CONF_DIR = '/etc/cni/net.d';

/** Parts that no machine here has a use for; each costs memory and time at the start. */
const NOT_NEEDED = [
  'io.containerd.image-verifier.v1.bindir',
  'io.containerd.internal.v1.tracing',
  'io.containerd.monitor.container.v1.restart',
  'io.containerd.nri.v1.nri',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.erofs',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.tracing.processor.v1.otlp',
];

export interface ContainerdOptions {
  /** Image of pod sandboxes. */
  sandboxImage: string;
  /** Where runc is on the machine. */
  runc: string;
}

/** `/etc/containerd/config.toml`. A JSON text is a TOML text wherever strings and arrays of them are concerned. */
export const containerdConfig = ({ sandboxImage, runc }: ContainerdOptions): string => `version = 4
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ${JSON.stringify(NOT_NEEDED)}

[plugins."io.containerd.server.v1.grpc"]
  address = ${JSON.stringify(CONTAINERD_SOCKET)}

# The power of a machine is cut, that of the one it runs on is not: what was written is never lost.
[plugins."io.containerd.metadata.v1.bolt"]
  no_sync = true

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = ${JSON.stringify(sandboxImage)}

[plugins."io.containerd.cri.v1.runtime"]
  # Who runs the cluster may not be allowed to lower it.
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = ${JSON.stringify(runc)}
        SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [${JSON.stringify(CNI_BIN_DIR)}]
    conf_dir = ${JSON.stringify(CNI_CONF_DIR)}
`;

/**
 * `/etc/cni/net.d/10-pods.conflist`. A pair of interfaces for each pod and no bridge: all that a pod sends is routed by
 * its machine, so that iptables sees the answers of a Service's pods whatever modules the kernel has.
 */
export const networkConfig = (podCidr: string): string =>
  `${JSON.stringify(
    {
      cniVersion: '1.0.0',
      name: 'pods',
      plugins: [
        {
          type: 'ptp',
          ipam: {
            type: 'host-local',
            ranges: [[{ subnet: podCidr }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    undefined,
    2,
  )}\n`;
