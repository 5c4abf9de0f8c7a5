/** The agent's container in memory: the real core, made anew when it ends, dead at once when its pod is. */
import type { Pod } from '../../api/core.ts';
import { AGENT_SERVICE_ACCOUNT, TOKEN_AUDIENCE } from '../../api/names.ts';
import { HostClient } from '../../agent/bottlerocket/client.ts';
import type { HostRequest } from '../../agent/bottlerocket/transport.ts';
import { AgentCore } from '../../agent/core.ts';
import type { Clock, Random } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { SimCluster } from '../../sim/cluster/cluster.ts';
import type { SimulatedHost } from '../../sim/host/host.ts';
import { mountSocket } from '../../sim/host/mount.ts';
import type { ApiBalancer } from './balancer.ts';
import { localChannel } from './channel.ts';

export interface AgentContainerOptions {
  cluster: SimCluster;
  balancer: ApiBalancer;
  host: SimulatedHost;
  pod: Pod;
  random: Random;
  logger: Logger;
}

const RESTART_MS = 5_000;
const VERSION = '0.1.0';
/** Projected tokens are made anew at four fifths of their life. */
const TOKEN_SECONDS = 3600;
const TOKEN_RENEW_MS = TOKEN_SECONDS * 800;

const never = (): Promise<never> => new Promise(() => undefined);

/** See the head of this file. */
export class AgentContainer {
  readonly podUid: string;
  readonly #options: AgentContainerOptions;
  readonly #stop = new AbortController();
  #dead = false;
  #token: { text: string; renewAtMs: number } | undefined;

  constructor(options: AgentContainerOptions) {
    this.#options = options;
    this.podUid = options.pod.metadata.uid ?? '';
  }

  start(): void {
    const { cluster, logger, host } = this.#options;
    if (this.#dead) return;
    // A kubelet makes no container while there is no socket to mount.
    if (!host.apiUp) {
      cluster.clock.after(RESTART_MS, () => this.start());
      return;
    }
    const core = this.#core();
    core.run(this.#stop.signal).catch((error: unknown) => {
      if (this.#dead) return;
      logger.warn('Agent ended', { error: String(error) });
      cluster.clock.after(RESTART_MS, () => this.start());
    });
  }

  /** The process is gone, whatever it was doing; it does not even learn of it. */
  kill(): void {
    this.#dead = true;
  }

  #core(): AgentCore {
    const { host, random, logger, balancer } = this.#options;
    const mount = mountSocket(host);
    const clock = this.#mortalClock();
    const transport = async (request: HostRequest, signal: AbortSignal) => {
      if (this.#dead) return never();
      const reply = await mount(request, signal);
      return this.#dead ? never() : reply;
    };
    return new AgentCore({
      host: new HostClient({ transport, clock, signal: this.#stop.signal }),
      channel: localChannel({ balancer, token: () => this.#currentToken(), isDead: () => this.#dead }),
      files: { bootId: () => Promise.resolve(host.bootId) },
      clock,
      random,
      logger,
      agentVersion: VERSION,
    });
  }

  /** The projected token of the pod. @throws Error when it cannot be issued any more */
  #currentToken(): string {
    const { cluster, pod } = this.#options;
    const now = cluster.clock.monotonic();
    if (this.#token === undefined || now >= this.#token.renewAtMs) {
      const { name, namespace = '', uid } = pod.metadata;
      const { token } = cluster.issueToken({
        namespace,
        serviceAccount: AGENT_SERVICE_ACCOUNT,
        pod: { name, ...(uid === undefined ? {} : { uid }) },
        audiences: [TOKEN_AUDIENCE],
        expirationSeconds: TOKEN_SECONDS,
      });
      this.#token = { text: token, renewAtMs: now + TOKEN_RENEW_MS };
    }
    return this.#token.text;
  }

  #mortalClock(): Clock {
    const { clock } = this.#options.cluster;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: async (ms, signal) => {
        try {
          await clock.sleep(ms, signal);
        } finally {
          if (this.#dead) await never();
        }
      },
    };
  }
}
