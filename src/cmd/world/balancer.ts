/** The Service in front of the API server's replicas, without a network: it picks a replica that is there. */
import type { AgentApi } from '../../apiserver/agentapi.ts';

/** See the head of this file. */
export class ApiBalancer {
  readonly #replicas: AgentApi[] = [];
  #next = 0;

  add(replica: AgentApi): void {
    this.#replicas.push(replica);
  }

  remove(replica: AgentApi): void {
    const at = this.#replicas.indexOf(replica);
    if (at >= 0) this.#replicas.splice(at, 1);
  }

  /** The replica a new connection goes to; undefined = refused. */
  pick(): AgentApi | undefined {
    this.#next += 1;
    return this.#replicas[this.#next % Math.max(1, this.#replicas.length)];
  }
}
