import { describe, expect, it } from 'vitest';
import { NEW, TestWorld } from './world.ts';

describe('a rollout', () => {
  it('updates every node, one at a time', async () => {
    const world = await TestWorld.create({ nodes: 5, policies: { p: {} } });
    let most = 0;
    await world.until('all nodes are updated', () => {
      most = Math.max(most, world.cordoned.length);
      return world.updated.length === 5 && world.isQuiet();
    });
    expect(most).toBe(1);
    expect(world.cordoned).toEqual([]);
    expect(world.policy().status?.history).toMatchObject([
      { targetVersion: NEW, result: 'Completed', updated: 5, failed: 0 },
    ]);
    for (const agent of world.agents.values()) expect(agent.reboots).toHaveLength(1);
  });
});
