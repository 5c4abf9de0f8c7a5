/** What an agent needs around it: a host behind its socket, an API server, a token; and the agent itself, bundled. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePorts } from '../../../hack/process/ports.ts';
import type { Child } from '../../../hack/process/supervisor.ts';
import { Supervisor } from '../../../hack/process/supervisor.ts';
import { AGENT, ROOT, bundle } from '../../../hack/bundle.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { SimulatedHost } from '../../../src/sim/host/host.ts';
import { HostServer } from '../../../src/sim/host/server.ts';
import { UpdateRepository } from '../../../src/sim/host/versions.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { declaredVariables, podTemplate } from '../manifest.ts';
import { startServer } from '../streams/server.ts';
import type { Server } from '../streams/server.ts';
import { tokenOf } from '../streams/objects.ts';

const IMAGE = { arch: 'x86_64', variant: 'aws-k8s-1.36', version: '1.50.0' };
const READY_LIMIT_MS = 30_000;
const POLL_MS = 2;

/** See the head of this file. */
export class AgentWorld {
  readonly #dir = mkdtempSync(join(tmpdir(), 'brupop-bench-agent-'));
  readonly #supervisor = new Supervisor([this.#dir]);
  readonly #stop = new AbortController();
  #server: Server | undefined;
  #healthPort = 0;

  /** Starts host and API server, and bundles the agent. */
  async start(): Promise<void> {
    await bundle(AGENT);
    const repository = new UpdateRepository();
    for (const version of ['1.50.0', '1.51.0']) repository.publish({ ...IMAGE, version });
    const random = seededRandom('bench');
    const host = new SimulatedHost({ clock: systemClock, random, image: IMAGE, repository });
    const [socketPath, bootIdFile] = [this.#path('api.sock'), this.#path('boot_id')];
    await new HostServer({ host, socketPath, bootIdFile }).start(this.#stop.signal);
    this.#server = await startServer(1);
    writeFileSync(this.#path('ca.crt'), this.#server.ca);
    writeFileSync(this.#path('token'), tokenOf(0, Math.floor(Date.now() / 1000) + 3600));
    [this.#healthPort = 0] = await freePorts(1);
  }

  /** Starts the agent as the DaemonSet does. @returns it, and the time until it was ready. */
  async startAgent(): Promise<{ agent: Child; readyMs: number }> {
    const startMs = performance.now();
    const agent = await this.#supervisor.start({
      name: 'agent',
      command: process.execPath,
      args: [join(ROOT, AGENT.file)],
      logFile: this.#path('agent.log'),
      env: {
        NODE_OPTIONS: declaredVariables(podTemplate('agent.yaml'))['NODE_OPTIONS'] ?? '',
        APISERVER_URL: `https://localhost:${this.#server?.port ?? 0}`,
        CA_FILE: this.#path('ca.crt'),
        TOKEN_FILE: this.#path('token'),
        API_SOCKET: this.#path('api.sock'),
        BOOT_ID_FILE: this.#path('boot_id'),
        HEALTH_PORT: String(this.#healthPort),
        LISTEN_HOST: '127.0.0.1',
      },
    });
    while (!(await this.#isReady())) {
      if (agent.ending !== undefined || performance.now() - startMs > READY_LIMIT_MS)
        throw new Error(`The agent does not become ready:\n${agent.tail()}`);
      await pause(POLL_MS);
    }
    return { agent, readyMs: performance.now() - startMs };
  }

  async stop(): Promise<void> {
    await this.#supervisor.stopAll();
    this.#stop.abort();
    await this.#server?.stop();
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }

  #isReady(): Promise<boolean> {
    return new Promise((resolve) => {
      const request = get(
        { host: '127.0.0.1', port: this.#healthPort, path: '/readyz', agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode === 200);
        },
      );
      request.once('error', () => resolve(false));
    });
  }
}
