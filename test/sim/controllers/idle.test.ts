import { describe, expect, it } from 'vitest';
import { Nodes } from '../../../src/api/core.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import type { Call } from '../../../src/sim/cluster/call.ts';
import { rfc3339 } from '../../../src/runtime/clock.ts';
import { TestWorld } from './world.ts';

const NODES = 5;
const MINUTES = 10;

const isWrite = ({ verb, resource }: Call): boolean =>
  ['create', 'patch', 'delete'].includes(verb) && resource.plural !== 'leases';

/** The kubelets say that they live. */
async function beat(world: TestWorld): Promise<void> {
  for (const name of world.kubelets.keys()) {
    const conditions = (world.node(name).status?.conditions ?? []).map((condition) => ({
      ...condition,
      lastHeartbeatTime: rfc3339(world.clock.now()),
    }));
    const beaten = world.admin.patch(Nodes, { name }, { status: { conditions } }, { subresource: 'status' });
    await world.clock.advance(500);
    await beaten;
  }
}

/** A cluster in which no policy wants anything, and the writes of its leader from then on. */
async function restingWorld(): Promise<{ world: TestWorld; writes: string[] }> {
  const world = await TestWorld.create({ nodes: NODES });
  await world.clock.advance(5 * 60_000);
  const writes: string[] = [];
  if (world.leader === undefined) throw new Error('nobody leads');
  world.leader.faults = (call) => {
    if (isWrite(call)) writes.push(`${call.verb} ${call.resource.plural}`);
    return undefined;
  };
  return { world, writes };
}

describe('a leader with nothing to do', () => {
  it('writes nothing and seldom looks, though kubelets say all the time that they live', async () => {
    const { world, writes } = await restingWorld();
    const before = world.looks;
    for (let minute = 0; minute < MINUTES; minute += 1) {
      await beat(world);
      await world.clock.advance(60_000 - NODES * 500);
    }
    expect(writes).toEqual([]);
    expect(world.looks - before).toBeGreaterThanOrEqual(MINUTES - 1);
    expect(world.looks - before).toBeLessThanOrEqual(2 * MINUTES);
  });

  it('is awake at once when a policy comes', async () => {
    const { world } = await restingWorld();
    await beat(world);
    world.cluster.add(UpdatePolicies, { metadata: { name: 'p' }, spec: { maxConcurrentUpdates: '100%' } });
    await world.until('all are started', () => world.policy().status?.updating?.length === NODES, 5_000);
  });
});
