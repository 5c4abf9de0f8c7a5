/**
 * What a controller costs while nothing happens: 5,000 nodes that are up to date, kubelets that say every five minutes
 * that they live, and a policy that selects all of them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Nodes } from '../../../src/api/core.ts';
import type { Context } from '../context.ts';
import type { Figure } from '../figure.ts';
import { round } from '../figure.ts';
import { OLD, nodeName } from '../objects.ts';
import { MIB, cpuNanos, peakRssBytes, rssBytes } from '../procfs.ts';
import { difference } from '../rollout/requests.ts';
import { FleetCluster } from './cluster.ts';
import { conditionsAt } from './objects.ts';
import { total, writesAmong, writesSeen } from './requests.ts';

const NODES = 5_000;
const QUIET_MS = 15_000;
/** Everything is looked at once a minute. */
const IDLE_MS = 180_000;
const HEARTBEAT_MS = 300_000;
const KUBELETS = 'PATCH nodes/status';

export async function benchIdle(context: Context): Promise<Figure[]> {
  const cluster = await FleetCluster.start({ ...context, nodes: NODES }, OLD);
  const { progress, signal } = context;
  const over = new AbortController();
  try {
    await cluster.createPolicy('bench', {});
    const controller = await cluster.startController();
    const { pid } = controller;
    await cluster.whenQuiet(controller, QUIET_MS);
    const kubelets = beat(cluster, AbortSignal.any([signal, over.signal]));
    progress(`watching a controller over ${NODES} idle nodes for ${IDLE_MS / 1000} s`);
    const before = await look(cluster, pid);
    await Promise.race([pause(IDLE_MS, undefined, { signal }), kubelets]);
    const after = await look(cluster, pid);
    over.abort();
    await kubelets;
    const minutes = (after.atMs - before.atMs) / 60_000;
    const counted = difference(after.counted, before.counted);
    const seen = difference(after.seen, before.seen);
    for (const [name, count] of counted) if (count > 0) progress(`${name}: ${count}`);
    return [
      {
        name: 'idle-writes',
        value: round(total(writesAmong(counted)) / minutes),
        unit: 'per minute',
        budget: 0,
      },
      { name: 'idle-writes.seen', value: round(total(seen) / minutes), unit: 'per minute' },
      { name: 'idle-requests', value: round(total(counted) / minutes), unit: 'per minute' },
      { name: 'idle-rss', value: round(rssBytes(pid) / MIB), unit: 'MiB', budget: 200 },
      { name: 'idle-rss.peak', value: round(peakRssBytes(pid) / MIB), unit: 'MiB' },
      { name: 'idle-cpu', value: round((after.cpuMs - before.cpuMs) / (minutes * 60)), unit: 'millicores' },
    ];
  } finally {
    over.abort();
    await cluster.stop();
  }
}

/** The counters as they stand: the controller's own, and what kube-apiserver saw of anybody but kubelets. */
async function look(cluster: FleetCluster, pid: number) {
  const [counted, seen] = await Promise.all([cluster.requests(), writesSeen(cluster.plane)]);
  seen.delete(KUBELETS);
  return { counted, seen, cpuMs: cpuNanos(pid) / 1e6, atMs: performance.now() };
}

/** Kubelets say, one after the other, that they live. */
async function beat(cluster: FleetCluster, signal: AbortSignal): Promise<void> {
  const sinceMs = Date.now();
  for (let turn = 0; !signal.aborted; turn += 1) {
    const status = { conditions: conditionsAt(Date.now(), sinceMs) };
    await cluster.client.patch(
      Nodes,
      { name: nodeName(turn % NODES) },
      { status },
      { subresource: 'status' },
    );
    await pause(HEARTBEAT_MS / NODES, undefined, { signal }).catch(() => undefined);
  }
}
