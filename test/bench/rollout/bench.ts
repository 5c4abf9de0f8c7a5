/**
 * What an updated node costs kube-apiserver: a whole rollout in the development cluster, with real evictions, held by a
 * PodDisruptionBudget. Controllers and API servers count their own requests.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Component, DevCluster } from '../../../hack/dev/cluster.ts';
import { startWorld } from '../../../hack/dev/world.ts';
import { GROUP } from '../../../src/api/names.ts';
import type { Context } from '../context.ts';
import type { Figure } from '../figure.ts';
import { round } from '../figure.ts';
import { connectionsTo } from '../procfs.ts';
import type { Requests } from './requests.ts';
import { difference, divide, parseRequests, sum } from './requests.ts';

const NODES = 4;
const RELEASES = ['1.40.0', '1.41.0'];
const LIMIT_MS = 240_000;
const SETTLE_MS = 10_000;
const POLICY = {
  apiVersion: `${GROUP}/v1`,
  kind: 'UpdatePolicy',
  metadata: { name: 'bench' },
  spec: {
    maxConcurrentUpdates: 2,
    minRemaining: '0s',
    drain: { timeout: '5m', gracePeriodSeconds: 1 },
    health: { stableFor: '20s' },
  },
};

async function readRequests(cluster: DevCluster): Promise<Requests> {
  const components: Component[] = ['controller', 'apiserver'];
  const ports = components.flatMap((component) =>
    cluster.processes(component).flatMap((each) => each.ports['health'] ?? []),
  );
  const texts = await Promise.all(
    ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  );
  return sum(texts.map(parseRequests));
}

/** A column of all shadows, by JSONPath. */
const ofShadows = async (cluster: DevCluster, path: string): Promise<string[]> => {
  const jsonpath = `{range .items[*]}${path}{"\\n"}{end}`;
  const text = await cluster.kubectl(['get', 'brs', '-A', '-o', `jsonpath=${jsonpath}`]);
  return text.trim().split('\n');
};

async function isOver(cluster: DevCluster): Promise<boolean> {
  const [, target = ''] = RELEASES;
  const states = await ofShadows(cluster, '{.status.current_version} {.spec.state} {.status.current_state}');
  const path = 'jsonpath={.status.updating[*].node}';
  const busy = await cluster.kubectl(['get', 'upol', POLICY.metadata.name, '-o', path]);
  return busy === '' && states.every((state) => state === `${target} Idle Idle`);
}

/** Connections of agents to kube-apiserver, each of which could carry a watch. */
function watchesPerAgent(cluster: DevCluster): number {
  const port = Number(new URL(cluster.facts.endpoint.server).port);
  const agents = cluster.processes('agent');
  const connections = agents.reduce((total, { pid }) => total + connectionsTo(pid, port), 0);
  return connections / agents.length;
}

export async function benchRollout({ progress, programs, signal }: Context): Promise<Figure[]> {
  const world = await startWorld({
    programs: await programs(),
    nodes: NODES,
    version: RELEASES[0] ?? '',
    releases: RELEASES,
    progress,
    signal,
  });
  try {
    const { cluster } = world;
    const hasOffer = async (): Promise<boolean> =>
      (await ofShadows(cluster, '{.status.target_version}')).every((target) => target === RELEASES[1]);
    await cluster.waitFor('every host is offered the new version', hasOffer, LIMIT_MS);
    await pause(SETTLE_MS, undefined, { signal });
    const before = await readRequests(cluster);
    const startMs = performance.now();
    progress(`updating ${NODES} nodes`);
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(POLICY));
    await cluster.waitFor('all nodes are updated', () => isOver(cluster), LIMIT_MS);
    await pause(SETTLE_MS, undefined, { signal });
    const minutes = (performance.now() - startMs) / 60_000;
    return figuresOf(difference(await readRequests(cluster), before), {
      minutes,
      watches: watchesPerAgent(cluster),
    });
  } finally {
    await world.stop();
  }
}

function figuresOf(requests: Requests, other: { minutes: number; watches: number }): Figure[] {
  const { counted, background } = divide(requests);
  const total = [...counted.values()].reduce((all, count) => all + count, 0);
  const unit = 'per node';
  return [
    { name: 'requests-per-node', value: round(total / NODES), unit, budget: 30 },
    ...[...counted]
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => ({
        name: `requests-per-node.${name.replace(' ', '.')}`,
        value: round(count / NODES),
        unit,
      })),
    { name: 'requests-background', value: round(background / other.minutes), unit: 'per minute' },
    { name: 'watches-per-agent', value: other.watches, unit: '', budget: 0 },
  ];
}
