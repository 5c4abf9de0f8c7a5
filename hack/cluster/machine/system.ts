/** What makes a machine a machine of its own: its name, its operating system, its boot. */
import { createHash } from 'node:crypto';
import type { Image } from '../../../src/sim/host/versions.ts';
import type { MachineConfig } from './config.ts';

/** `/etc/os-release` as Bottlerocket writes it; the kubelet reports PRETTY_NAME as the node's osImage. */
export const osRelease = ({ version, variant }: Image): string => `NAME=Bottlerocket
ID=bottlerocket
VERSION="${version} (${variant})"
PRETTY_NAME="Bottlerocket OS ${version} (${variant})"
VARIANT_ID=${variant}
VERSION_ID=${version}
BUILD_ID=388e1050
HOME_URL="https://github.com/bottlerocket-os/bottlerocket"
SUPPORT_URL="https://github.com/bottlerocket-os/bottlerocket/discussions"
BUG_REPORT_URL="https://github.com/bottlerocket-os/bottlerocket/issues"
`;

/** `/etc/machine-id`: the same at every boot. */
export const machineId = ({ cluster, name }: MachineConfig): string =>
  `${createHash('md5').update(`${cluster}/${name}`).digest('hex')}\n`;

export const hosts = ({ name, network }: MachineConfig): string =>
  `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${network.address} ${name}\n`;

/** The cluster's DNS listens on the bridge. Without search domains: those are for pods. */
export const resolvConf = ({ network }: MachineConfig): string => `nameserver ${network.gateway}\n`;
