/**
 * A machine of the development cluster, as one process: a simulated Bottlerocket host behind its socket, a double of
 * a kubelet, and the operator's pods that are bound to it as processes. A reboot of the host takes all of it down.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Nodes, type Pod } from '../../../src/api/core.ts';
import { createKubernetesClient } from '../../../src/runtime/client/client.ts';
import { kubeConfigLoader } from '../../../src/runtime/client/credentials.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { KubernetesPort } from '../../../src/runtime/kubernetes.ts';
import { serveControl } from '../../../src/sim/host/control.ts';
import { SimulatedHost } from '../../../src/sim/host/host.ts';
import type { PowerEvent } from '../../../src/sim/host/power.ts';
import { HostServer } from '../../../src/sim/host/server.ts';
import { UpdateRepository } from '../../../src/sim/host/versions.ts';
import { randomUuid, seededRandom } from '../../../src/sim/random.ts';
import { KubeletDouble } from '../../../src/sim/workloads/kubelet.ts';
import { writeKubeconfig } from '../../controlplane/kubeconfig.ts';
import { Supervisor } from '../../process/supervisor.ts';
import type { MachineConfig } from './config.ts';
import { bootIdOf, controlOf, hostPath, socketOf } from './paths.ts';
import { RunnablePods } from './podspec.ts';
import { PodProcess } from './process.ts';

const OPERATOR = 'brupop';
const CAPACITY = { cpu: '8', memory: '32Gi', pods: '110' };

const osImage = (version: string, variant: string): string => `Bottlerocket OS ${version} (${variant})`;

/** The operator's pods of this machine. */
class Pods {
  readonly #config: MachineConfig;
  readonly #port: KubernetesPort;
  readonly #supervisor = new Supervisor();
  readonly #running = new Map<string, { process: PodProcess; stop: AbortController; ended: Promise<void> }>();
  #power = new AbortController();

  constructor(config: MachineConfig, port: KubernetesPort) {
    this.#config = config;
    this.#port = port;
  }

  start(pod: Pod): void {
    if (pod.metadata.labels?.['app.kubernetes.io/name'] !== OPERATOR) return;
    void this.#launch(pod).catch((error: unknown) => console.error(`${pod.metadata.name}: ${String(error)}`));
  }

  /** False until the process answers its readiness probe; other pods are ready when they run. */
  isReady(pod: Pod): boolean {
    if (pod.metadata.labels?.['app.kubernetes.io/name'] !== OPERATOR) return true;
    return this.#running.get(pod.metadata.uid ?? '')?.process.ready === true;
  }

  /** Asks the process to end; resolves when it has, at the latest after the pod's grace period. */
  async stop(pod: Pod): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    const running = this.#running.get(uid);
    running?.stop.abort();
    await running?.ended;
    this.#running.delete(uid);
  }

  powerCut(): void {
    const before = this.#power;
    this.#power = new AbortController();
    before.abort();
    for (const { stop } of this.#running.values()) stop.abort();
    this.#running.clear();
  }

  /** Ends all processes in order. */
  async close(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { stop } of all) stop.abort();
    await Promise.all(all.map(({ ended }) => ended));
    await this.#supervisor.stopAll();
  }

  async #launch(pod: Pod): Promise<void> {
    const { name, namespace = '', uid = '' } = pod.metadata;
    const killed = this.#power.signal;
    const whole = await this.#port.get(RunnablePods, { name, namespace });
    if (killed.aborted || whole.metadata.uid !== uid || this.#running.has(uid)) return;
    const { dir, logDir, registryDir, endpoint, service } = this.#config;
    const process = new PodProcess({
      pod: whole,
      dir: join(dir, 'pods', uid),
      logDir,
      registryDir,
      endpoint,
      service,
      port: this.#port,
      supervisor: this.#supervisor,
      hostPath: (path) => hostPath(dir, path),
      now: () => Date.now(),
    });
    const stop = new AbortController();
    this.#running.set(uid, { process, stop, ended: process.run(stop.signal, killed) });
  }
}

/** The host's side of the machine; undefined for other operating systems. */
async function startHost(config: MachineConfig, signal: AbortSignal): Promise<SimulatedHost | undefined> {
  const { host: wanted, dir } = config;
  if (wanted === undefined) {
    writeFileSync(bootIdOf(dir), `${randomUuid(Math.random)}\n`);
    return undefined;
  }
  const { image, releases, seed, durations } = wanted;
  const repository = new UpdateRepository();
  for (const version of releases) repository.publish({ ...image, version });
  const random = seededRandom(seed);
  const host = new SimulatedHost({ clock: systemClock, random, image, repository, durations });
  await serveControl({ host, repository, controlPath: controlOf(dir) }, signal);
  await new HostServer({ host, socketPath: socketOf(dir), bootIdFile: bootIdOf(dir) }).start(signal);
  return host;
}

/** The scheduler puts nothing on a node without capacity. */
async function keepCapacity(port: KubernetesPort, name: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const body = { status: { capacity: CAPACITY, allocatable: CAPACITY } };
    const done = await port.patch(Nodes, { name }, body, { subresource: 'status' }).then(
      () => true,
      () => false,
    );
    await systemClock.sleep(done ? 30_000 : 300, signal).catch(() => undefined);
  }
}

async function main(): Promise<void> {
  const config = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as MachineConfig;
  mkdirSync(config.dir, { recursive: true });
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  const file = writeKubeconfig(join(config.dir, 'kubelet.kubeconfig'), config.endpoint, config.nodeName);
  const port = createKubernetesClient({ kubeConfig: kubeConfigLoader({ file }), clock: systemClock });
  const host = await startHost(config, stop.signal);
  const pods = new Pods(config, port);
  const kubelet = new KubeletDouble({
    port,
    clock: systemClock,
    nodeName: config.nodeName,
    labels: config.labels,
    providerID: config.providerID,
    bootId: host?.bootId ?? readFileSync(bootIdOf(config.dir), 'utf8').trim(),
    osImage:
      host === undefined ? 'Debian GNU/Linux 13 (trixie)' : osImage(host.image.version, host.image.variant),
    ...config.timing,
    probe: (pod) => pods.isReady(pod),
    onPodStarted: (pod) => pods.start(pod),
    onPodStopping: (pod) => pods.stop(pod),
    onPodStopped: (pod) => void pods.stop(pod),
  });
  host?.onPower((event: PowerEvent) => {
    if (event.type === 'down') {
      kubelet.powerOff();
      pods.powerCut();
    } else if (event.type === 'up') {
      kubelet.powerOn({ bootId: event.bootId, osImage: osImage(event.version, host.image.variant) });
    }
  });
  await Promise.all([kubelet.run(stop.signal), keepCapacity(port, config.nodeName, stop.signal)]);
  await pods.close();
  port.close();
}

await main();
