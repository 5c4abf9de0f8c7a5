/**
 * How long it takes to start an update on 1,000 nodes where no limit holds them back: a release appears, every agent
 * reports at once that it is offered, and the policy lets all of them begin. Measured from the first of those reports
 * to the last write of a `spec`, as a watch sees it.
 */
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import { inParallel } from '../../../src/controllers/kube/pool.ts';
import type { KubernetesClient } from '../../../src/runtime/client/client.ts';
import type { Context } from '../context.ts';
import type { Figure } from '../figure.ts';
import { round } from '../figure.ts';
import { NEW, OLD } from '../objects.ts';
import { cpuNanos } from '../procfs.ts';
import { difference } from '../rollout/requests.ts';
import { FleetCluster } from './cluster.ts';
import { total, writesAmong } from './requests.ts';

const NODES = 1_000;
const QUIET_MS = 5_000;
const LIMIT_MS = 120_000;

export async function benchAdmission(context: Context): Promise<Figure[]> {
  const cluster = await FleetCluster.start({ ...context, nodes: NODES }, OLD);
  try {
    await cluster.createPolicy('bench', { maxConcurrentUpdates: '100%' });
    const controller = await cluster.startController();
    await cluster.whenQuiet(controller, QUIET_MS);
    const before = { cpu: cpuNanos(controller.pid), requests: await cluster.requests() };
    const { promise: opened, resolve: onOpen } = Promise.withResolvers<void>();
    const last = new StartWatch(cluster.client, context.signal).last(NODES, onOpen);
    await Promise.race([opened, last]);
    context.progress(`offering an update to ${NODES} nodes`);
    const fromMs = performance.now();
    await inParallel([...Array(NODES).keys()], (index) => cluster.report(index, NEW));
    const reportedMs = performance.now();
    const lastMs = await last;
    const cpuSeconds = (cpuNanos(controller.pid) - before.cpu) / 1e9;
    const writes = total(difference(writesAmong(await cluster.requests()), before.requests));
    const name = `admit-${NODES}`;
    return [
      { name, value: round((lastMs - fromMs) / 1000), unit: 's', budget: 10 },
      { name: `${name}.reports`, value: round((reportedMs - fromMs) / 1000), unit: 's' },
      { name: `${name}.writes`, value: round(writes / NODES), unit: 'per node' },
      { name: `${name}.cpu`, value: round(cpuSeconds), unit: 's' },
    ];
  } finally {
    await cluster.stop();
  }
}

/** Sees shadows being started. */
class StartWatch {
  readonly #client: KubernetesClient;
  readonly #signal: AbortSignal;
  readonly #started = new Set<string>();

  constructor(client: KubernetesClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  }

  /** Resolves with the time at which the last of so many is started. @throws Error when it takes too long. */
  async last(count: number, onOpen: () => void): Promise<number> {
    const namespace = NAMESPACE;
    const { resourceVersion } = await this.#client.list(BottlerocketShadows, { namespace, limit: 1 });
    const events = this.#client.watch(BottlerocketShadows, {
      namespace,
      resourceVersion,
      onOpen,
      signal: this.#signal,
    });
    for await (const event of events) {
      if (event.type === 'BOOKMARK' || event.object.spec.state === 'Idle') continue;
      this.#started.add(event.object.metadata.name);
      if (this.#started.size === count) return performance.now();
    }
    throw new Error(`Only ${this.#started.size} of ${count} nodes were started`);
  }
}
