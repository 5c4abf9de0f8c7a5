/**
 * How a container of the operator is run as a plain process: its paths, ports and addresses become those of this
 * machine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Endpoint } from '../../controlplane/request.ts';
import { freePorts } from '../../process/ports.ts';
import type { MachineConfig } from './config.ts';
import { fieldOf, type Container, type RunnablePod } from './podspec.ts';
import type { Volumes } from './volumes.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const RESOLVE = join(import.meta.dirname, 'resolve.mjs');
const ADDRESS = '127.0.0.1';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
/** Where a kubelet mounts the token of a pod's ServiceAccount. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface LaunchOptions {
  dir: string;
  volumes: Volumes;
  /** Where the API server of Kubernetes is. */
  endpoint: Endpoint;
  service: MachineConfig['service'];
}

/** A command line, and where the process will answer. */
export interface Launch {
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Ports by name. */
  ports: Record<string, number>;
  /** The readiness probe. */
  probe?: { https: boolean; port: number; path: string };
}

/** What the image runs, by the first argument. */
const SCRIPTS: Record<string, readonly string[]> = {
  agent: ['src/cmd/agent.ts'],
  controller: ['src/cmd/brupop.ts', 'controller'],
  apiserver: ['src/cmd/brupop.ts', 'apiserver'],
};

/** Variables that name the port a process listens at, by the name of the container's port. */
const PORT_VARIABLES: Record<string, string> = { https: 'HTTPS_PORT', health: 'HEALTH_PORT' };

interface Mount {
  mountPath: string;
  path: string;
}

/** `/etc/tls/tls.crt` → where that file is on this machine; other texts stay as they are. */
function rewritePaths(text: string, mounts: readonly Mount[]): string {
  const mount = mounts.find(({ mountPath }) => text === mountPath || text.startsWith(`${mountPath}/`));
  return mount === undefined ? text : mount.path + text.slice(mount.mountPath.length);
}

function mountsOf(pod: RunnablePod, container: Container, { volumes }: LaunchOptions): Mount[] {
  // A container sees the kernel's own boot id, which is the same on all machines here.
  const kernel = { mountPath: BOOT_ID, path: volumes.hostPath(BOOT_ID) };
  const mounts = (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath }) => {
    const volume = pod.spec.volumes?.find((each) => each.name === name);
    if (volume === undefined) return [];
    const path = volumes.pathOf(volume);
    return [{ mountPath, path: subPath === undefined ? path : join(path, subPath) }];
  });
  return [...mounts, kernel];
}

async function portsOf(container: Container): Promise<Record<string, number>> {
  const declared = container.ports ?? [];
  const numbers = await freePorts(declared.length);
  return Object.fromEntries(
    declared.map(({ name, containerPort }, index) => [name ?? String(containerPort), numbers[index] ?? 0]),
  );
}

/** The container's own variables. */
const declaredEnv = (pod: RunnablePod, container: Container, mounts: readonly Mount[]): NodeJS.ProcessEnv =>
  Object.fromEntries(
    (container.env ?? []).map(({ name, value, valueFrom }) => [
      name,
      valueFrom?.fieldRef === undefined
        ? rewritePaths(value ?? '', mounts)
        : fieldOf(pod, valueFrom.fieldRef.fieldPath, ADDRESS),
    ]),
  );

/** In a pod the client finds its token at a fixed path; here a kubeconfig leads to it. */
function kubeconfigFor(mounts: readonly Mount[], { dir, endpoint }: LaunchOptions): NodeJS.ProcessEnv {
  const mount = mounts.find(({ mountPath }) => mountPath === SERVICE_ACCOUNT);
  if (mount === undefined) return {};
  const path = join(dir, 'kubeconfig');
  const tokenFile = join(mount.path, 'token');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'pod',
    clusters: [
      {
        name: 'pod',
        cluster: { server: endpoint.server, 'certificate-authority': join(mount.path, 'ca.crt') },
      },
    ],
    users: [{ name: 'pod', user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
    contexts: [{ name: 'pod', context: { cluster: 'pod', user: 'pod' } }],
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
  return { KUBECONFIG: path };
}

/** What a cluster's network gives a pod: addresses, ports, names. */
function networkEnv(
  env: NodeJS.ProcessEnv,
  ports: Record<string, number>,
  service: MachineConfig['service'],
) {
  const forPorts = Object.entries(PORT_VARIABLES).flatMap(([name, variable]) =>
    name in ports ? [[variable, String(ports[name])] as const] : [],
  );
  const url = env['APISERVER_URL'];
  return {
    ...Object.fromEntries(forPorts),
    ...(url === undefined ? {} : { APISERVER_URL: url.replace(/:\d+$/, `:${service.port}`) }),
    LISTEN_HOST: ADDRESS,
    BRUPOP_DEV_SERVICES: service.name,
  };
}

/** @throws Error when nothing here runs what the container runs */
export async function launchOf(pod: RunnablePod, options: LaunchOptions): Promise<Launch> {
  const [container] = pod.spec.containers;
  const [command = '', ...rest] = container?.args ?? [];
  const program = SCRIPTS[command];
  if (container === undefined || program === undefined) throw new Error(`Nothing here runs ${command}`);
  const [script = '', ...first] = program;
  const mounts = mountsOf(pod, container, options);
  const ports = await portsOf(container);
  const own = declaredEnv(pod, container, mounts);
  return {
    args: [
      '--import',
      RESOLVE,
      join(ROOT, script),
      ...first,
      ...rest.map((each) => rewritePaths(each, mounts)),
    ],
    env: {
      PATH: process.env['PATH'],
      HOME: options.dir,
      ...own,
      ...networkEnv(own, ports, options.service),
      ...kubeconfigFor(mounts, options),
    },
    ports,
    ...probeOf(container, ports),
  };
}

function probeOf(container: Container, ports: Record<string, number>): Pick<Launch, 'probe'> {
  const get = container.readinessProbe?.httpGet;
  if (get === undefined) return {};
  const declared = container.ports?.find(({ name, containerPort }) =>
    [name, containerPort].includes(get.port),
  );
  const port = ports[declared?.name ?? String(get.port)] ?? 0;
  return { probe: { https: get.scheme === 'HTTPS', port, path: get.path } };
}
