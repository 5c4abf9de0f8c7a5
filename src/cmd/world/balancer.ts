/** The Service in front of the API server's replicas, without a network: it picks a replica that is there. */
import type { AgentApi } from '../../apiserver/agentapi.ts';
import type { Random } from '../../runtime/clock.ts';
import type { Life } from '../../sim/process/life.ts';

/** One replica that listens. */
export interface ApiReplica {
  /** As the network knows it. */
  name: string;
  life: Life;
  api: AgentApi;
  /** What its readiness probe says. */
  isReady: () => boolean;
}

/** See the head of this file. */
export class ApiBalancer {
  readonly #replicas: ApiReplica[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @returns takes it away */
  add(replica: ApiReplica): () => void {
    this.#replicas.push(replica);
    return () => {
      const at = this.#replicas.indexOf(replica);
      if (at >= 0) this.#replicas.splice(at, 1);
    };
  }

  /** The replica a new connection goes to; undefined = refused. One that is stopped does not say so. */
  pick(): ApiReplica | undefined {
    const ready = this.#replicas.filter(({ life, isReady }) => life.isFrozen || isReady());
    // By turns, requests and streams of one agent would each meet the same replica for ever.
    return ready[Math.floor(this.#random() * ready.length)];
  }
}
