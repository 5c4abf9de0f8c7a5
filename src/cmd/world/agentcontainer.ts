/** The agent's container in memory: the real core, started anew when it ends or is killed, gone when its pod is. */
import type { Pod } from '../../api/core.ts';
import { AGENT_SERVICE_ACCOUNT, TOKEN_AUDIENCE } from '../../api/names.ts';
import { HostClient } from '../../agent/bottlerocket/client.ts';
import type { HostReply, HostRequest, HostTransport } from '../../agent/bottlerocket/transport.ts';
import { AgentCore, HostSocketLost } from '../../agent/core.ts';
import type { Logger } from '../../runtime/log.ts';
import { sleepUnlessAborted } from '../../runtime/timers.ts';
import type { SimCluster } from '../../sim/cluster/cluster.ts';
import type { ClockView } from '../../sim/clock.ts';
import type { SimulatedHost } from '../../sim/host/host.ts';
import { mountSocket } from '../../sim/host/mount.ts';
import type { Life } from '../../sim/process/life.ts';
import type { Network } from '../../sim/process/network.ts';
import { SimProcess } from '../../sim/process/simprocess.ts';
import type { SeededRandom } from '../../sim/random.ts';
import type { ApiBalancer } from './balancer.ts';
import { localChannel } from './channel.ts';

export interface AgentContainerOptions {
  /** Of the node. */
  node: string;
  cluster: SimCluster;
  network: Network;
  balancer: ApiBalancer;
  host: SimulatedHost;
  /** The machine's. */
  clock: ClockView;
  pod: Pod;
  random: SeededRandom;
  logger: Logger;
  /** Told when the process ends in an error that none of its restarts would mend. */
  onCrash: (error: unknown) => void;
}

const RESTART_MS = 5_000;
const VERSION = '0.1.0';
/** Projected tokens are made anew at four fifths of their life. */
const TOKEN_SECONDS = 3600;
const TOKEN_RENEW_MS = TOKEN_SECONDS * 800;

/** See the head of this file. */
export class AgentContainer {
  readonly podUid: string;
  readonly process: SimProcess;
  readonly #options: AgentContainerOptions;
  #token: { text: string; renewAtMs: number } | undefined;

  constructor(options: AgentContainerOptions) {
    const { node, cluster, clock, logger, onCrash } = options;
    this.#options = options;
    this.podUid = options.pod.metadata.uid ?? '';
    this.process = new SimProcess({
      name: `agent-${node}`,
      world: cluster.clock,
      clock,
      main: (life, count) => this.#run(life, count),
      restartMs: RESTART_MS,
      onCrash: (error) => {
        logger.warn('Agent ended', { error: String(error) });
        // The mount of a socket that was made anew: only a new container can mend it.
        if (!(error instanceof HostSocketLost)) onCrash(error);
      },
    });
  }

  start(): void {
    this.process.start();
  }

  /** The pod is being deleted: the process is asked to end. */
  terminate(): void {
    this.process.shutDown();
  }

  /** The process is gone, whatever it was doing; it does not even learn of it. */
  kill(): void {
    this.process.stop();
  }

  async #run(life: Life, count: number): Promise<void> {
    const { cluster, host, random, logger, balancer, network } = this.#options;
    // A kubelet makes no container while there is no socket to mount.
    while (!host.apiUp) {
      if (!(await sleepUnlessAborted(life.clock, RESTART_MS, life.signal))) return;
    }
    const { clock } = life;
    const core = new AgentCore({
      host: new HostClient({ transport: this.#transport(life), clock, signal: life.signal }),
      channel: localChannel({
        life,
        clock: cluster.clock,
        network,
        balancer,
        token: () => this.#currentToken(),
      }),
      files: { bootId: () => life.cross(() => Promise.resolve(host.bootId)) },
      clock,
      random: life.random(random.fork(`life-${count}`)),
      logger,
      agentVersion: VERSION,
    });
    await core.run(life.signal);
  }

  /** The mounted socket; between the agent and its host, too, something may hang. */
  #transport(life: Life): HostTransport {
    const { host, network, node } = this.#options;
    const mount = mountSocket(host);
    const route = network.route(life.name, `host-${node}`);
    const exchange = async (request: HostRequest, signal: AbortSignal): Promise<HostReply> => {
      try {
        await route.there();
        const reply = await mount(request, signal);
        await route.back();
        return reply;
      } catch {
        return { kind: 'error', code: 'ECONNRESET' };
      }
    };
    return (request, signal) => life.cross(() => exchange(request, signal));
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
}
