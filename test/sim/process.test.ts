/** Processes that are killed, stopped and doubled in the middle of a rollout: nothing is harmed, and all goes on. */
import { afterEach, describe, expect, it } from 'vitest';
import { settledNowAndThen } from '../../src/cmd/sim/settled.ts';
import { World } from '../../src/cmd/world/world.ts';
import { STRIKE_POINTS } from '../../src/sim/process/life.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = { afterAwaits: 0, at: 'before' } as const;
const TARGET = '1.44.0';

let world: World;

afterEach(async () => {
  await world.stop();
});

async function begin(): Promise<void> {
  world = new World({
    seed: 1,
    nodes: ['n1', 'n2'].map((name) => ({ name, labels: {} })),
    version: '1.42.0',
    releases: ['1.42.0', TARGET],
    startMs: Date.parse('2026-01-10T00:00:00Z'),
    toleranceMs: 20_000,
  });
  world.start();
  const spec = { minRemaining: '0s', health: { stableFor: '30s' } };
  world.applyPolicy({ metadata: { name: 'all' }, spec });
  await world.clock.advance(20_000);
}

async function expectUpdated(): Promise<void> {
  expect(await world.clock.runUntil(settledNowAndThen(world), 2 * HOUR)).toBe(true);
  expect(world.machines.map(({ host }) => host.image.version)).toEqual([TARGET, TARGET]);
  expect(world.reboots.count).toBe(2);
  expect(world.monitor.breaches).toEqual([]);
  expect(world.crashes).toEqual([]);
}

describe('in the middle of a rollout', () => {
  it('a leader that was stopped finds another in its place, and does no harm with what it believes', async () => {
    await begin();
    const leader = world.leader ?? '';
    world.process(leader)?.freeze(NOW, 2 * MINUTE);
    await world.clock.advance(MINUTE);
    expect(world.leader).toBeDefined();
    expect(world.leader).not.toBe(leader);
    await expectUpdated();
  });

  it.each(['controller-0', 'apiserver-0', 'agent-n1'])('%s may run twice', async (name) => {
    await begin();
    const end = world.process(name)?.duplicate();
    expect(world.process(name)?.lives).toHaveLength(2);
    world.clock.after(10 * MINUTE, () => end?.());
    await expectUpdated();
  });

  it.each(STRIKE_POINTS)('whoever leads may be killed again and again, %s', async (at) => {
    await begin();
    for (let kills = 0; kills < 20; kills++) {
      world.process(world.leader ?? '')?.kill({ afterAwaits: 7 * kills, at }, 1000);
      await world.clock.advance(25_000);
    }
    await expectUpdated();
  });

  it('kube-apiserver may hear nobody of us, and everybody hear nothing of it', async () => {
    await begin();
    const heals = ['controller', 'apiserver'].flatMap((party) => [
      world.network.cut({ from: party, to: 'kubernetes' }),
      world.network.cut({ from: 'kubernetes', to: party }),
    ]);
    await world.clock.advance(10 * MINUTE);
    expect(world.reboots.count).toBe(0);
    for (const heal of heals) heal();
    await expectUpdated();
  });
});
