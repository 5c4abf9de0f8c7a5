/** Whether a world has come to rest: every node that can be updated is, and nothing of the operator is left on them. */
import { Nodes, PodDisruptionBudgets, Pods } from '../../api/core.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import { readMarks, isAttemptMark } from '../../protocol/marks.ts';
import { choose, offered } from '../../sim/host/versions.ts';
import { expectations } from '../../sim/scenario/expectation.ts';
import type { ExpectedMachine } from '../../sim/scenario/expectation.ts';
import type { World } from '../world/world.ts';

/** Looked at no more often. */
const EVERY_MS = 5_000;

/** What keeps a world from its rest, in words. */
export interface Unrest {
  /** What has to come to its end. */
  due: string[];
  /** What is tried with nodes that something bars for good; each attempt ends, and another follows after its back-off. */
  inVain: string[];
}

/** See Unrest. */
export function unrestOf(world: World): Unrest {
  const { cluster } = world;
  const verdicts = expectations({
    now: world.clock.now(),
    machines: world.machines.map((machine) => machineOf(world, machine)),
    nodes: cluster.peekAll(Nodes),
    policies: cluster.peekAll(UpdatePolicies),
    pods: cluster.peekAll(Pods),
    budgets: cluster.peekAll(PodDisruptionBudgets),
  });
  const barred = new Set(verdicts.filter(({ state }) => state === 'barred').map(({ node }) => node));
  const due = verdicts.filter(({ state }) => state === 'due').map(({ node, why }) => `${node}: ${why}`);
  const inVain: string[] = [];
  for (const [node, what] of tracesOf(world)) (barred.has(node) ? inVain : due).push(`${node} ${what}`);
  return { due, inVain };
}

/** What of the operator is on nodes, or held for them. */
function tracesOf({ cluster }: World): [node: string, what: string][] {
  const slots = cluster
    .peekAll(UpdatePolicies)
    .flatMap(({ status }) => status?.updating ?? [])
    .map(({ node, phase }): [string, string] => [node, `holds a slot: ${phase}`]);
  const marks = cluster.peekAll(Nodes).flatMap((node) =>
    Object.entries(readMarks(node).marks)
      .filter(([key, mark]) => mark !== undefined && isAttemptMark(key, mark))
      .map(([key]): [string, string] => [node.metadata.name, `has our mark ${key}`]),
  );
  return [...slots, ...marks];
}

/** Whether a world is at rest, asked anew only now and then. */
export function settledNowAndThen(world: World): () => boolean {
  let lookedMs = Number.NEGATIVE_INFINITY;
  let isSettled = false;
  return () => {
    const nowMs = world.clock.monotonic();
    if (nowMs - lookedMs < EVERY_MS) return isSettled;
    lookedMs = nowMs;
    const { due, inVain } = unrestOf(world);
    isSettled = due.length + inVain.length === 0;
    return isSettled;
  };
}

function machineOf({ repository, clock }: World, { name, host }: World['machines'][number]): ExpectedMachine {
  const { image } = host;
  const all = offered(repository.manifest, image, { ignoreWaves: true, seed: 0, now: clock.now() });
  return {
    name,
    version: image.version,
    offered: all.map(({ version }) => version),
    chosen: choose(all, image.version, 'latest')?.version,
  };
}
