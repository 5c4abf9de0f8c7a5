/** Random faults of kube-apiserver and of hosts, for an hour; then they stop, and every node has to be updated. */
import { describe, expect, it } from 'vitest';
import { Nodes } from '../../src/api/core.ts';
import { UpdatePolicies } from '../../src/api/v1/updatepolicy.ts';
import { World } from '../../src/cmd/world/world.ts';
import { KubernetesError } from '../../src/runtime/kubernetes.ts';
import type { Call, Fault } from '../../src/sim/cluster/call.ts';
import { FAULTS } from '../../src/sim/host/faults.ts';
import type { FaultName } from '../../src/sim/host/faults.ts';
import { pick, randomInt, seededRandom } from '../../src/sim/random.ts';
import type { SeededRandom } from '../../src/sim/random.ts';

const TARGET = '1.44.0';
const MINUTE = 60_000;
/** Faults that end by themselves; the others bar an update for good, or are a bad release. */
const NOT_HERE: readonly FaultName[] = [
  'bootPanics',
  'bootHangs',
  'singleSlot',
  'corruptStatus',
  'strangeStatus',
  'noLockDirectory',
];
const HOST_FAULTS = (Object.keys(FAULTS) as FaultName[]).filter((name) => !NOT_HERE.includes(name));

const API_FAULTS: readonly Fault[] = [
  { loseResponse: true },
  { loseRequest: true },
  { error: new KubernetesError('server', 'internal error', { status: 500 }) },
  { error: new KubernetesError('throttled', 'slow down', { status: 429, retryAfterMs: 1000 }) },
  { error: new KubernetesError('conflict', 'conflict', { status: 409 }) },
  { requestDelayMs: 3_000, responseDelayMs: 3_000 },
  { cutAfterMs: 5_000 },
  { stallAfterMs: 3_000 },
];
/** The double of a kubelet neither watches over its watch nor expects conflicts of a delete. */
const KUBELET_FAULTS = API_FAULTS.filter(
  ({ stallAfterMs, error }) => stallAfterMs === undefined && error?.code !== 'conflict',
);

function makeWorld(seed: number, random: SeededRandom): { world: World; stopFaults: () => void } {
  let isOver = false;
  const rate = pick(random, [0, 0.03, 0.08, 0.15]);
  const dice = random.fork('api');
  const faults = ({ client }: Call): Fault | undefined =>
    isOver || dice() >= rate
      ? undefined
      : pick(dice, client.startsWith('kubelet') ? KUBELET_FAULTS : API_FAULTS);
  const world = new World({
    seed,
    nodes: [1, 2, 3, 4].map((i) => ({
      name: `n${i}`,
      labels: { 'topology.kubernetes.io/zone': `z${i % 2}` },
    })),
    version: '1.42.0',
    releases: ['1.42.0', TARGET],
    startMs: Date.parse('2026-01-10T00:00:00Z'),
    faults,
  });
  world.start();
  const maxConcurrentUpdates = 1 + randomInt(random, 3);
  const spec = { minRemaining: '0s', health: { stableFor: '30s' }, maxConcurrentUpdates };
  world.applyPolicy({ metadata: { name: 'all' }, spec });
  return { world, stopFaults: () => (isOver = true) };
}

/** Something goes wrong on a host every few minutes. */
async function trouble(world: World, random: SeededRandom): Promise<void> {
  for (let minute = 0; minute < 60; minute++) {
    await world.clock.advance(MINUTE);
    if (random() > 0.4) continue;
    const { host } = pick(random, world.machines);
    const reply = pick(random, ['204', 'reset', 'exitCode15'] as const);
    const spec = { times: 1 + randomInt(random, 3), forMs: 30_000 + random() * 300_000, ms: 20_000, reply };
    host.fault(pick(random, HOST_FAULTS), spec);
  }
  for (const { host } of world.machines) host.clearFault();
}

const isDone = ({ cluster, machines }: World): boolean =>
  machines.every(({ host }) => host.image.version === TARGET) &&
  (cluster.peek(UpdatePolicies, { name: 'all' })?.status?.updating ?? []).length === 0 &&
  cluster.peekAll(Nodes).every(({ spec }) => spec?.unschedulable !== true);

describe('an hour of random faults', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i))(
    'harms nothing, and all goes on: seed %i',
    async (seed) => {
      const random = seededRandom(`soak-${seed}`);
      const { world, stopFaults } = makeWorld(seed, random);
      await trouble(world, random.fork('hosts'));
      stopFaults();
      const came = await world.clock.runUntil(() => isDone(world), 48 * 60 * MINUTE);
      // A kubelet that was cut off makes pods unready, whoever is updated; all other rules hold whatever goes wrong.
      const breaches = world.monitor.breaches.filter(({ invariant }) => invariant !== 7);
      const { halt } = world.cluster.peek(UpdatePolicies, { name: 'all' })?.status ?? {};
      await world.stop();
      expect(breaches).toEqual([]);
      expect(halt ?? undefined).toBeUndefined();
      expect(came).toBe(true);
    },
  );
});
