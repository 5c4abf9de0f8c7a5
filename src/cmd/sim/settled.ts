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

/** What is still to come, in words; empty when the world is at rest. */
export function unsettled(world: World): string[] {
  const { cluster } = world;
  const verdicts = expectations({
    now: world.clock.now(),
    machines: world.machines.map((machine) => machineOf(world, machine)),
    nodes: cluster.peekAll(Nodes),
    policies: cluster.peekAll(UpdatePolicies),
    pods: cluster.peekAll(Pods),
    budgets: cluster.peekAll(PodDisruptionBudgets),
  });
  // What is tried in vain with a node that something bars for good is nobody's concern here.
  const barred = new Set(verdicts.filter(({ state }) => state === 'barred').map(({ node }) => node));
  const slots = cluster
    .peekAll(UpdatePolicies)
    .flatMap(({ status }) => status?.updating ?? [])
    .filter(({ node }) => !barred.has(node))
    .map(({ node, phase }) => `${node} holds a slot: ${phase}`);
  const marks = cluster
    .peekAll(Nodes)
    .filter(({ metadata }) => !barred.has(metadata.name))
    .flatMap((node) =>
      Object.entries(readMarks(node).marks)
        .filter(([key, mark]) => mark !== undefined && isAttemptMark(key, mark))
        .map(([key]) => `${node.metadata.name} has our mark ${key}`),
    );
  const due = verdicts.filter(({ state }) => state === 'due').map(({ node, why }) => `${node}: ${why}`);
  return [...due, ...slots, ...marks];
}

/** `unsettled` is empty, asked anew only now and then. */
export function settledNowAndThen(world: World): () => boolean {
  let lookedMs = Number.NEGATIVE_INFINITY;
  let isSettled = false;
  return () => {
    const nowMs = world.clock.monotonic();
    if (nowMs - lookedMs < EVERY_MS) return isSettled;
    lookedMs = nowMs;
    isSettled = unsettled(world).length === 0;
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
