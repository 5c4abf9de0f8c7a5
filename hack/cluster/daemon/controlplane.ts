/** The control plane of a cluster: reached by machines, and reaching their kubelets. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKey, signAuthority, signClient } from '../../../src/runtime/x509/certificate.ts';
import { startControlPlane, type ControlPlane, type StaticUser } from '../../controlplane/start.ts';
import { NETWORK, paths } from '../layout.ts';
import type { ClusterSpec } from '../spec.ts';
import { DNS_USER, KUBELET_CLIENT } from './objects.ts';

const YEAR_MS = 365 * 86_400_000;
const AUTHORITY = 'brupop-test-kubelet-clients';

/** A node that does not report for this long is not Ready; the kubelet does so every 10 s. */
const MONITOR_GRACE = '20s';

/** The control plane and who may use it. */
export interface Plane {
  controlPlane: ControlPlane;
  /** Of each machine, by its name. */
  kubeletTokens: ReadonlyMap<string, string>;
  kubeProxyToken: string;
  dnsToken: string;
  /** Authority of the certificate that kube-apiserver shows to kubelets. */
  kubeletClientCaFile: string;
}

const newToken = (): string => randomBytes(24).toString('hex');

/** Writes the key and certificate that kube-apiserver shows to kubelets. */
async function writeKubeletClient(dir: string): Promise<{ ca: string; certificate: string; key: string }> {
  await mkdir(dir, { recursive: true });
  const file = {
    ca: join(dir, 'ca.crt'),
    certificate: join(dir, 'client.crt'),
    key: join(dir, 'client.key'),
  };
  const now = Date.now();
  // From an hour ago: clocks that are set a little later still accept it.
  const validity = { notBeforeMs: now - 3_600_000, notAfterMs: now + YEAR_MS };
  const [authorityKey, key] = [generateKey(), generateKey()];
  const authority = { commonName: AUTHORITY, key: authorityKey };
  await writeFile(file.ca, signAuthority({ ...authority, serial: randomBytes(16), ...validity }));
  const client = { commonName: KUBELET_CLIENT, key, authority, serial: randomBytes(16), ...validity };
  await writeFile(file.certificate, signClient(client));
  await writeFile(file.key, key, { mode: 0o600 });
  return file;
}

/** @throws ControlPlaneError naming the log of what did not come up */
export async function startPlane(spec: ClusterSpec): Promise<Plane> {
  const at = paths(spec.dir);
  const client = await writeKubeletClient(join(at.controlPlane, 'kubelet-client'));
  const kubeletTokens = new Map(spec.machines.map(({ name }) => [name, newToken()]));
  const [kubeProxyToken, dnsToken] = [newToken(), newToken()];
  const kubelets = [...kubeletTokens].map(([name, token]): StaticUser => ({
    user: `system:node:${name}`,
    group: 'system:nodes',
    token,
  }));
  const controlPlane = await startControlPlane({
    programs: spec.programs.controlPlane,
    dir: at.controlPlane,
    controllers: true,
    // Of all interfaces, so that its certificate is for localhost as well.
    address: { bind: '0.0.0.0', advertise: NETWORK.gateway, port: NETWORK.apiPort },
    serviceCidr: NETWORK.serviceCidr,
    users: [
      ...kubelets,
      { user: 'system:kube-proxy', token: kubeProxyToken },
      { user: DNS_USER, token: dnsToken },
    ],
    apiserverFlags: [
      `--kubelet-client-certificate=${client.certificate}`,
      `--kubelet-client-key=${client.key}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--enable-admission-plugins=NodeRestriction',
    ],
    controllerManagerFlags: ['--node-monitor-period=2s', `--node-monitor-grace-period=${MONITOR_GRACE}`],
  });
  return { controlPlane, kubeletTokens, kubeProxyToken, dnsToken, kubeletClientCaFile: client.ca };
}
