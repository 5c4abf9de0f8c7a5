/** One pod of the operator as a process of this machine: started, probed, restarted, ended. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Child, Supervisor } from '../../process/supervisor.ts';
import type { MachineConfig } from './config.ts';
import { launchOf, type Launch } from './launch.ts';
import { Volumes, VolumeNotReady, type VolumesOptions } from './volumes.ts';

const SYNC_MS = 1000;
const PROBE_TIMEOUT_MS = 1000;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 10_000;

export interface PodProcessOptions extends VolumesOptions {
  supervisor: Supervisor;
  service: MachineConfig['service'];
  /** Where its log goes. */
  logDir: string;
  /** Where it says that it is there, for the world. */
  registryDir: string;
}

/** What the world reads of a running pod. */
export interface Registration {
  pod: string;
  namespace: string;
  node: string;
  component: string;
  pid: number;
  ready: boolean;
  /** Times it was started again. */
  restarts: number;
  /** Its ports by name, all on loopback. */
  ports: Record<string, number>;
}

/** See the head of this file. Ends with the signal it is run under. */
export class PodProcess {
  readonly #options: PodProcessOptions;
  readonly #volumes: Volumes;
  readonly #registry: string;
  #ready = false;
  #restarts = 0;

  constructor(options: PodProcessOptions) {
    this.#options = options;
    this.#volumes = new Volumes(options);
    this.#registry = join(options.registryDir, `${options.pod.metadata.name}.json`);
  }

  /** The answer of its last readiness probe. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Runs until the signal aborts. @param killed aborts when the machine loses its power */
  async run(signal: AbortSignal, killed: AbortSignal): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS;
    while (!signal.aborted) {
      try {
        await this.#volumes.sync();
        await this.#runOnce(signal, killed);
        this.#restarts++;
        backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
      } catch (error) {
        if (!(error instanceof VolumeNotReady))
          console.error(`${this.#options.pod.metadata.name}: ${String(error)}`);
      }
      await delay(backoffMs, undefined, { signal }).catch(() => undefined);
    }
    rmSync(this.#options.dir, { recursive: true, force: true });
  }

  async #runOnce(signal: AbortSignal, killed: AbortSignal): Promise<void> {
    const { supervisor, pod, logDir, dir, endpoint, service } = this.#options;
    mkdirSync(dir, { recursive: true });
    const launch = await launchOf(pod, { dir, volumes: this.#volumes, endpoint, service });
    const child = await supervisor.start({
      name: pod.metadata.name,
      command: process.execPath,
      args: launch.args,
      env: launch.env,
      logFile: join(logDir, `${pod.metadata.name}.log`),
    });
    const stop = new AbortController();
    const kill = (): void => child.kill('SIGKILL');
    killed.addEventListener('abort', kill, { once: true });
    const watching = this.#watch(child, launch, AbortSignal.any([signal, stop.signal]));
    const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
    const end = (): void => void child.stop({ graceMs });
    signal.addEventListener('abort', end, { once: true });
    if (killed.aborted) kill();
    else if (signal.aborted) end();
    await child.ended;
    stop.abort();
    killed.removeEventListener('abort', kill);
    signal.removeEventListener('abort', end);
    await watching;
    this.#ready = false;
    rmSync(this.#registry, { force: true });
  }

  /** Probes and syncs volumes while it runs. */
  async #watch(child: Child, launch: Launch, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#ready = child.ending === undefined && (await isReady(launch));
      if (signal.aborted) return;
      this.#register(child, launch);
      // What cannot be read now is read the next time; the files stay as they were.
      await this.#volumes.sync().catch(() => undefined);
      await delay(SYNC_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #register(child: Child, launch: Launch): void {
    const { pod, registryDir } = this.#options;
    const { name, namespace = '', labels = {} } = pod.metadata;
    const registration: Registration = {
      pod: name,
      namespace,
      node: pod.spec.nodeName ?? '',
      component: labels['app.kubernetes.io/component'] ?? '',
      pid: child.pid,
      ready: this.#ready,
      restarts: this.#restarts,
      ports: launch.ports,
    };
    mkdirSync(registryDir, { recursive: true });
    writeFileSync(this.#registry, JSON.stringify(registration));
  }
}

/** True when the readiness probe is answered 2xx; a pod without one is ready when it runs. */
function isReady({ probe }: Launch): Promise<boolean> {
  if (probe === undefined) return Promise.resolve(true);
  const options = {
    host: '127.0.0.1',
    port: probe.port,
    path: probe.path,
    timeout: PROBE_TIMEOUT_MS,
    agent: false,
  };
  return new Promise((resolve) => {
    // As a kubelet: the certificate of a probed endpoint is not verified.
    const request = probe.https
      ? httpsRequest({ ...options, rejectUnauthorized: false })
      : httpRequest(options);
    request.once('response', (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 400);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
    request.end();
  });
}
