/**
 * The network of a cluster, in the network namespace this process is in: a bridge, a veth pair to each machine, routes
 * to the pods of each.
 */
import { writeFile } from 'node:fs/promises';
import { machineAddress, machineMac, NETWORK, podCidr } from '../layout.ts';
import { run } from '../run.ts';

/** Name of the interface inside a machine. */
const INSIDE = 'eth0';
/** Name of its other end. */
const outside = (index: number): string => `m${index}`;

/**
 * Of the bridge. Without one of its own it would have that of one of its ports, and another one as soon as that
 * machine reboots; whoever remembers the old one would be cut off from CoreDNS and kube-apiserver for seconds.
 */
const BRIDGE_MAC = '02:00:0a:63:00:01';

const sysctl = (key: string, value: string): Promise<void> =>
  writeFile(`/proc/sys/${key.replaceAll('.', '/')}`, value);

/** Many commands of iproute2 at once, in the network namespace of process `pid` or in ours. */
async function ip(commands: readonly string[], pid?: number): Promise<void> {
  const script = commands.map((each) => `ip ${each}`).join(' && ');
  if (pid === undefined) await run('sh', '-c', script);
  else await run('nsenter', `--net=/proc/${pid}/ns/net`, 'sh', '-c', script);
}

/** Makes the bridge and the routes to the pods of every machine. */
export async function makeBridge(machines: readonly { index: number }[]): Promise<void> {
  const { bridge, gateway, prefixLength } = NETWORK;
  await ip([
    'link set lo up',
    `link add ${bridge} address ${BRIDGE_MAC} type bridge stp_state 0 forward_delay 0`,
    `address add ${gateway}/${prefixLength} dev ${bridge}`,
    `link set ${bridge} up`,
    ...machines.map(({ index }) => `route add ${podCidr(index)} via ${machineAddress(index)} dev ${bridge}`),
  ]);
  await sysctl('net.ipv4.ip_forward', '1');
}

/**
 * Connects the network namespace of process `pid` to the bridge as machine `index`, with routes to the pods of the
 * other machines. A connection that an earlier boot left is replaced.
 */
export async function attach(
  pid: number,
  index: number,
  machines: readonly { index: number }[],
): Promise<void> {
  const { bridge, gateway, prefixLength } = NETWORK;
  const [here, address] = [outside(index), machineAddress(index)];
  // The kernel removes it some time after the namespace at its other end is gone.
  await ip([`link delete ${here}`]).catch(() => undefined);
  await ip([
    `link add ${here} type veth peer name ${INSIDE} address ${machineMac(index)} netns ${pid}`,
    `link set ${here} master ${bridge}`,
    `link set ${here} up`,
  ]);
  const others = machines.filter((each) => each.index !== index);
  await ip(
    [
      'link set lo up',
      `address add ${address}/${prefixLength} dev ${INSIDE}`,
      `link set ${INSIDE} up`,
      `route add default via ${gateway}`,
      ...others.map((each) => `route add ${podCidr(each.index)} via ${machineAddress(each.index)}`),
    ],
    pid,
  );
}
