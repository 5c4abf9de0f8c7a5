/** One replica of the API server in memory: the real core and feeds, from its start to an end in order. */
import { NAMESPACE } from '../../api/names.ts';
import { AgentApi } from '../../apiserver/agentapi.ts';
import { Feeds } from '../../apiserver/feeds.ts';
import type { Random } from '../../runtime/clock.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { noMetrics } from '../../runtime/metrics.ts';
import { aborted, linkAbort } from '../../runtime/timers.ts';
import type { Life } from '../../sim/process/life.ts';
import type { ApiBalancer } from './balancer.ts';

export interface ApiReplicaOptions {
  life: Life;
  balancer: ApiBalancer;
  port: KubernetesPort;
  random: Random;
  logger: Logger;
}

/** Requests are served for so long after it was asked to end: who routes to it learns late. */
const LAST_CALL_MS = 1000;

/** Serves until its life is asked to end. */
export async function runApiReplica({ life, balancer, ...options }: ApiReplicaOptions): Promise<void> {
  const { clock } = life;
  const shared = {
    kubernetes: options.port,
    clock,
    random: options.random,
    log: options.logger,
    metrics: noMetrics,
    namespace: NAMESPACE,
  };
  const api = new AgentApi(shared);
  const feeds = new Feeds({ ...shared, api });
  const work = linkAbort(undefined);
  let isStopping = false;
  const remove = balancer.add({
    name: life.name,
    life,
    api,
    isReady: () => !isStopping && feeds.staleness() === undefined,
  });
  life.onDeath(remove);
  const background = Promise.all([feeds.run(work.signal), api.run(work.signal)]);
  await Promise.race([aborted(life.signal), background]);
  isStopping = true;
  await Promise.all([api.drain(), clock.sleep(LAST_CALL_MS)]);
  remove();
  work.abort();
  await background;
}
