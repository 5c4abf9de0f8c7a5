import { describe, expect, it } from 'vitest';
import type { Call } from '../../../src/sim/cluster/call.ts';
import { TestWorld } from './world.ts';

/** As in the budget: Lease renewals, watches and evictions do not count. */
const counts = ({ verb, subresource, resource }: Call): boolean =>
  verb !== 'watch' && subresource !== 'eviction' && resource.plural !== 'leases';

describe('requests to kube-apiserver', () => {
  it.each([
    ['one at a time', 1],
    ['many at a time', 10],
  ])('per updated node leave room for the reports of agents, %s', async (_name, maxConcurrentUpdates) => {
    const world = await TestWorld.create({ nodes: 10, policies: { p: { maxConcurrentUpdates } } });
    const made = new Map<string, number>();
    const leader = world.leader;
    if (leader === undefined) throw new Error('nobody leads');
    leader.faults = (call) => {
      const name = `${call.verb} ${call.resource.plural}${call.subresource === undefined ? '' : `/${call.subresource}`}`;
      if (counts(call)) made.set(name, (made.get(name) ?? 0) + 1);
      return undefined;
    };
    await world.until(
      'all nodes are updated',
      () => world.updated.length === 10 && world.isQuiet(),
      10 * 3_600_000,
    );
    await world.clock.advance(60_000);
    const total = [...made.values()].reduce((sum, count) => sum + count, 0);
    expect(total / 10).toBeLessThanOrEqual(20);
  });
});
