/**
 * How long it takes to start an update on 1,000 nodes where no limit holds them back, to the last write of a `spec`, as
 * a watch sees it. `admit-1000`: every agent has reported that an update is available, and the time runs from the
 * moment at which the policy is created that lets all of them begin. `admit-1000.release`: the policy is there, and the
 * time runs from the first of the reports, which take a while themselves, since all agents report at once.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import { inParallel } from '../../../src/controllers/kube/pool.ts';
import type { KubernetesClient } from '../../../src/runtime/client/client.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { Reflector } from '../../../src/runtime/reflector.ts';
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

const NAME = `admit-${NODES}`;
const UNLIMITED = { maxConcurrentUpdates: '100%' };
const EVERY = [...Array(NODES).keys()];

export async function benchAdmission(context: Context): Promise<Figure[]> {
  const byPolicy = await measure(context, {
    offered: NEW,
    prepare: () => Promise.resolve(),
    trigger: (cluster) => cluster.createPolicy('bench', UNLIMITED),
  });
  const byRelease = await measure(context, {
    offered: OLD,
    prepare: (cluster) => cluster.createPolicy('bench', UNLIMITED),
    trigger: (cluster) => inParallel(EVERY, (index) => cluster.report(index, NEW)),
  });
  return [
    { name: NAME, value: round(byPolicy.seconds), unit: 's', budget: 10 },
    { name: `${NAME}.writes`, value: round(byPolicy.writes / NODES), unit: 'per node' },
    { name: `${NAME}.cpu`, value: round(byPolicy.cpuSeconds), unit: 's' },
    { name: `${NAME}.kubernetes-cpu`, value: round(byPolicy.planeCpuSeconds), unit: 's' },
    { name: `${NAME}.release`, value: round(byRelease.seconds), unit: 's' },
    { name: `${NAME}.release.reports`, value: round(byRelease.triggerSeconds), unit: 's' },
  ];
}

interface Case {
  /** What hosts, which run the old version, are offered when the controller starts. */
  offered: string;
  prepare: (cluster: FleetCluster) => Promise<void>;
  /** The time runs from its beginning. */
  trigger: (cluster: FleetCluster) => Promise<void>;
}

interface Measured {
  /** To the last start. */
  seconds: number;
  triggerSeconds: number;
  /** Of the controller, until then. */
  writes: number;
  cpuSeconds: number;
  /** Of kube-apiserver and etcd: what the writes cost whoever writes them. */
  planeCpuSeconds: number;
}

async function measure(context: Context, { offered, prepare, trigger }: Case): Promise<Measured> {
  const { progress, signal } = context;
  const cluster = await FleetCluster.start({ ...context, nodes: NODES }, offered);
  try {
    await prepare(cluster);
    const controller = await cluster.startController();
    await cluster.whenQuiet(controller, QUIET_MS);
    const plane = Object.values(cluster.plane.pids);
    const before = {
      cpu: cpuNanos(controller.pid),
      plane: cpuOf(plane),
      requests: await cluster.requests(),
    };
    const starts = new StartWatch(cluster.client, NODES);
    await starts.begin(signal);
    progress(`starting updates on ${NODES} nodes`);
    const fromMs = performance.now();
    await trigger(cluster);
    const triggeredMs = performance.now();
    const lastMs = await starts.end(signal);
    const planeCpuSeconds = (cpuOf(plane) - before.plane) / 1e9;
    const cpuSeconds = (cpuNanos(controller.pid) - before.cpu) / 1e9;
    return {
      seconds: (lastMs - fromMs) / 1000,
      triggerSeconds: (triggeredMs - fromMs) / 1000,
      writes: total(difference(writesAmong(await cluster.requests()), before.requests)),
      cpuSeconds,
      planeCpuSeconds,
    };
  } finally {
    await cluster.stop();
  }
}

const cpuOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuNanos(pid), 0);

/** Sees shadows being started, and goes on where it was when kube-apiserver ends a watch that is too slow for it. */
class StartWatch {
  readonly #shadows: Reflector<BottlerocketShadow>;
  readonly #over = new AbortController();
  readonly #last = Promise.withResolvers<number>();

  constructor(port: KubernetesClient, count: number) {
    const clock = systemClock;
    this.#shadows = new Reflector({
      port,
      clock,
      random: Math.random,
      logger: silentLogger,
      resource: BottlerocketShadows,
      selection: { namespace: NAMESPACE },
    });
    const started = new Set<string>();
    this.#shadows.onChange((key, _old, shadow) => {
      if (shadow === undefined || shadow.spec.state === 'Idle') return;
      started.add(key);
      if (started.size === count) this.#last.resolve(performance.now());
    });
  }

  /** Resolves once it follows. */
  async begin(signal: AbortSignal): Promise<void> {
    void this.#shadows.run(AbortSignal.any([signal, this.#over.signal]));
    await this.#shadows.whenSynced(signal);
  }

  /** Resolves with the time at which the last was seen to be started. @throws Error when it takes too long. */
  async end(signal: AbortSignal): Promise<number> {
    try {
      const tooLate = pause(LIMIT_MS, undefined, { signal: AbortSignal.any([signal, this.#over.signal]) });
      const lastMs = await Promise.race([this.#last.promise, tooLate]);
      if (lastMs === undefined) throw new Error('Not all nodes were started');
      return lastMs;
    } finally {
      this.#over.abort();
    }
  }
}
