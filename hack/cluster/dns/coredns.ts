/** CoreDNS beside the control plane: answers for Services and pods, and refuses the rest. */
import { mkdir, writeFile } from 'node:fs/promises';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeKubeconfig } from '../../controlplane/kubeconfig.ts';
import type { Endpoint } from '../../controlplane/request.ts';
import type { Child, Supervisor } from '../../process/supervisor.ts';
import { NETWORK } from '../layout.ts';

const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

export interface DnsOptions {
  supervisor: Supervisor;
  coredns: string;
  /** For its configuration. */
  dir: string;
  logFile: string;
  /** kube-apiserver, with the token of CoreDNS. */
  endpoint: Endpoint;
}

const corefile = (kubeconfig: string): string => `.:53 {
  bind ${NETWORK.gateway}
  errors
  kubernetes ${NETWORK.dnsDomain} in-addr.arpa {
    kubeconfig ${kubeconfig}
    ttl 5
  }
  loadbalance
}
`;

/** Resolves when it knows the Service of kube-apiserver. @throws Error naming its log */
export async function startDns(options: DnsOptions): Promise<Child> {
  await mkdir(options.dir, { recursive: true });
  const kubeconfig = writeKubeconfig(join(options.dir, 'kubeconfig'), options.endpoint, 'coredns');
  const file = join(options.dir, 'Corefile');
  await writeFile(file, corefile(kubeconfig));
  const child = await options.supervisor.start({
    name: 'coredns',
    command: options.coredns,
    args: ['-conf', file],
    logFile: options.logFile,
  });
  await untilAnswering(child);
  return child;
}

async function untilAnswering(child: Child): Promise<void> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([NETWORK.gateway]);
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await resolver.resolve4(`kubernetes.default.svc.${NETWORK.dnsDomain}`).catch(() => []);
    if (answer.length > 0) return;
    if (child.ending !== undefined || performance.now() > deadline) {
      throw new Error(`CoreDNS does not answer; its log is ${child.logFile}\n${child.tail(3)}`);
    }
    await delay(POLL_MS);
  }
}
