import { describe, expect, it } from 'vitest';
import { Events, Nodes } from '../../../src/api/core.ts';
import { IN_FLIGHT_FINALIZER, MARKS_ANNOTATION, POLICY_FINALIZER } from '../../../src/api/names.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import { NEW, OLD, START, TestWorld } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
const window = (schedule: string, duration: string) => ({ maintenanceWindows: [{ schedule, duration }] });

const eventsOn = (world: TestWorld, name: string): (string | undefined)[] =>
  world.cluster
    .peekAll(Events)
    .filter(({ regarding }) => regarding?.name === name)
    .map(({ reason }) => reason);

describe('a rollout', () => {
  it('updates every node, one at a time, and leaves nothing behind', async () => {
    const world = await TestWorld.create({ nodes: 5, policies: { p: {} } });
    let most = 0;
    await world.until('all nodes are updated', () => {
      most = Math.max(most, world.cordoned.length);
      return world.updated.length === 5 && world.isQuiet();
    });
    await world.clock.advance(5 * MINUTE);
    expect(most).toBe(1);
    expect(world.cordoned).toEqual([]);
    expect(world.policy().status?.history).toMatchObject([
      { targetVersion: NEW, result: 'Completed', updated: 5, failed: 0 },
    ]);
    expect(world.policy().status?.nodes).toMatchObject({ selected: 5, upToDate: 5, updating: 0 });
    for (const [name, agent] of world.agents) {
      expect(agent.reboots).toHaveLength(1);
      expect(agent.refusals).toEqual([]);
      expect(world.reasonOf(name)).toBe('UpToDate');
      expect(world.shadow(name).metadata.finalizers ?? []).toEqual([]);
      expect(world.node(name).metadata.annotations?.[MARKS_ANNOTATION]).not.toContain('cordon');
      expect(eventsOn(world, name)).toEqual(expect.arrayContaining(['Staging', 'Rebooting', 'Updated']));
    }
  });

  it('updates as many at a time as allowed, and no more', async () => {
    const world = await TestWorld.create({ nodes: 6, policies: { p: { maxConcurrentUpdates: 3 } } });
    let most = 0;
    await world.until('all nodes are updated', () => {
      most = Math.max(most, world.policy().status?.updating?.length ?? 0);
      return world.updated.length === 6 && world.isQuiet();
    });
    expect(most).toBe(3);
  });

  it('is at rest when there is nothing to do', async () => {
    const world = await TestWorld.create({ nodes: 3, policies: { p: { version: { range: '<1.43.0' } } } });
    await world.clock.advance(2 * MINUTE);
    const before = world.leader?.calls;
    await world.clock.advance(10 * MINUTE);
    // Nothing but the look-ups for an uninstallation would be made by the process; here there are none.
    const reads = 4 * 2;
    expect((world.leader?.calls ?? 0) - (before ?? 0)).toBeLessThanOrEqual(reads);
    expect(world.reasonOf('n1')).toBe('UpToDate');
  });

  it('names the reason of every node that waits', async () => {
    const world = await TestWorld.create({ nodes: 3, policies: { p: { maxConcurrentUpdates: 1 } } });
    await world.clock.advance(8_000);
    const reasons = ['n1', 'n2', 'n3'].map((name) => world.reasonOf(name));
    expect(new Set(reasons)).toEqual(new Set(['NoSlot', 'Staging']));
    expect(world.policy().status?.blocked).toMatchObject([{ reason: 'NoSlot', nodes: 2 }]);
  });
});

describe('windows', () => {
  it('start nothing while closed', async () => {
    const world = await TestWorld.create({ policies: { p: window('0 2 * * *', '2h') } });
    await world.clock.advance(HOUR);
    expect(world.reasonOf()).toBe('WindowClosed');
    expect(world.shadow().spec.state).toBe('Idle');
    await world.until('the node is updated', () => world.updated.length === 1, 2 * HOUR);
    expect(world.agent().reboots[0]?.atMs).toBeGreaterThanOrEqual(START + 2 * HOUR);
  });

  it('that close during the drain put the node back, as it was', async () => {
    const world = await TestWorld.create({
      startMs: START,
      policies: { p: { ...window('0 0 * * *', '1h'), drain: { timeout: '4h' }, minRemaining: '1m' } },
      before: (before) => {
        before.addPod('cart', 'n1');
        before.addTightBudget('cart', 'cart');
      },
    });
    await world.until('the drain is blocked', () => world.reasonOf() === 'PodDisruptionBudget');
    expect(world.shadow().status?.update?.message).toContain('PodDisruptionBudget shop/cart');
    expect(world.isCordoned()).toBe(true);
    await world.until('the node is put back', () => world.isQuiet() && !world.isCordoned(), HOUR);
    expect(world.clock.now()).toBeGreaterThanOrEqual(START + HOUR);
    expect(world.clock.now()).toBeLessThan(START + HOUR + 2 * MINUTE);
    expect(world.shadow().spec.outcome).toMatchObject({ reason: 'WindowClosed' });
    expect(world.shadow().status?.backoff ?? null).toBeNull();
    expect(world.agent().reboots).toEqual([]);
    await world.until('it is shown', () => world.reasonOf() === 'WindowClosed');
  });

  it('that close let a node finish when the policy says so', async () => {
    const world = await TestWorld.create({
      policies: { p: { ...window('0 0 * * *', '15m'), minRemaining: '1m', onClose: 'Finish' } },
      nodes: 2,
    });
    world.agent('n1').script.stageMs = 20 * MINUTE;
    world.agent('n2').script.stageMs = 20 * MINUTE;
    await world.until('one node is updated', () => world.updated.length === 1 && world.isQuiet(), 2 * HOUR);
    await world.clock.advance(2 * HOUR);
    expect(world.updated).toHaveLength(1);
  });

  it('do not hold a node that is to run now', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: window('0 12 * * *', '2h') } });
    const until = at(world.clock.now() + 2 * HOUR);
    await world.patchNode('n2', { metadata: { annotations: { 'brupop.bottlerocket.aws/run-now': until } } });
    await world.until('it is updated', () => world.updated.includes('n2') && world.isQuiet());
    expect(world.updated).toEqual(['n2']);
  });
});

describe('a drain', () => {
  it('waits for a pod that a budget protects, and goes on when it may', async () => {
    const world = await TestWorld.create({
      nodes: 2,
      policies: { p: {} },
      before: (before) => {
        before.addPod('cart', 'n1');
        before.addTightBudget('cart', 'cart');
      },
    });
    await world.until('the drain is blocked', () => world.reasonOf() === 'PodDisruptionBudget');
    await world.clock.advance(2 * MINUTE);
    expect(world.agent().reboots).toEqual([]);
    world.addPod('cart-2', 'n2', { app: 'cart' });
    await world.until('the node reboots', () => world.agent().reboots.length === 1, 5 * MINUTE);
  });

  it('that takes too long puts the node back, backs off, and goes on with the next', async () => {
    const world = await TestWorld.create({
      nodes: 2,
      policies: { p: { drain: { timeout: '10m' } } },
      before: (before) => {
        before.addPod('cart', 'n1');
        before.addTightBudget('cart', 'cart');
      },
    });
    await world.until('the next node is updated', () => world.updated.includes('n2') && world.isQuiet());
    expect(world.isCordoned('n1')).toBe(false);
    expect(world.shadow('n1').spec.outcome).toMatchObject({ reason: 'DrainTimeout' });
    expect(world.shadow('n1').spec.outcome?.message).toContain('shop/cart');
    expect(world.shadow('n1').status?.backoff).toMatchObject({ failures: 1, reason: 'DrainTimeout' });
    expect(world.reasonOf('n1')).toBe('Backoff');
    expect(world.policy().status?.halt ?? null).toBeNull();
    expect(world.policy().status?.nodes?.undrainable).toBe(1);
    const retry = { metadata: { annotations: { 'brupop.bottlerocket.aws/retry': at(world.clock.now()) } } };
    await world.patchNode('n1', retry);
    await world.until('it is tried again', () => world.shadow('n1').spec.attempt === 2, 2 * MINUTE);
  });

  it('leaves the cordon of somebody else', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: { cordonedNodes: 'Include' } } });
    await world.patchNode('n1', { spec: { unschedulable: true } });
    await world.until('all nodes are updated', () => world.updated.length === 2 && world.isQuiet());
    expect(world.cordoned).toEqual(['n1']);
  });

  it('does not begin on a node that somebody else cordoned', async () => {
    const world = await TestWorld.create({ nodes: 1, policies: { p: window('0 1 * * *', '2h') } });
    await world.patchNode('n1', { spec: { unschedulable: true } });
    await world.clock.advance(90 * MINUTE);
    expect(world.reasonOf()).toBe('CordonedByOthers');
    expect(world.agent().reboots).toEqual([]);
  });

  it('ends when somebody uncordons the node', async () => {
    const world = await TestWorld.create({
      policies: { p: {} },
      before: (before) => {
        before.addPod('cart', 'n1');
        before.addTightBudget('cart', 'cart');
      },
    });
    await world.until('the node is cordoned', () => world.isCordoned());
    await world.patchNode('n1', { spec: { unschedulable: null } });
    await world.until('the attempt ends', () => world.isQuiet(), 5 * MINUTE);
    expect(world.shadow().spec.outcome).toMatchObject({ reason: 'Interfered' });
    expect(world.shadow().status?.backoff).toMatchObject({ reason: 'Interfered' });
    expect(world.isCordoned()).toBe(false);
  });

  it('evicts nothing that the policy ignores', async () => {
    const world = await TestWorld.create({
      policies: { p: { drain: { ignorePods: { matchLabels: { app: 'keep' } } } } },
      before: (before) => before.addPod('keep', 'n1'),
    });
    await world.until('the node reboots', () => world.agent().reboots.length === 1, 5 * MINUTE);
    expect(eventsOn(world, 'n1')).not.toContain('PodDisruptionBudget');
  });

  it('does not start while a pod runs that the policy waits for', async () => {
    const world = await TestWorld.create({
      nodes: 2,
      policies: { p: { drain: { waitForPods: { matchLabels: { app: 'batch' } } } } },
      before: (before) => before.addPod('batch', 'n1'),
    });
    await world.until('the other node is updated', () => world.updated.includes('n2') && world.isQuiet());
    expect(world.reasonOf('n1')).toBe('WaitForPods');
    expect(world.shadow('n1').status?.update?.message).toContain('shop/batch');
  });
});

describe('a bad release', () => {
  it('halts the policy, once, until a person resumes', async () => {
    const world = await TestWorld.create({ nodes: 3, policies: { p: { maxConcurrentUpdates: 1 } } });
    for (const agent of world.agents.values()) agent.script.fallsBack = true;
    await world.until(
      'the policy is halted',
      () => world.policy().status?.halt !== undefined && world.isQuiet(),
    );
    expect(world.policy().status?.halt).toMatchObject({ reason: 'BootFallback', version: NEW });
    await world.clock.advance(HOUR);
    const reboots = (): number =>
      [...world.agents.values()].reduce((sum, agent) => sum + agent.reboots.length, 0);
    expect(reboots()).toBe(1);
    expect(world.cordoned).toEqual([]);
    expect(world.policy().status?.conditions?.find(({ type }) => type === 'Halted')?.status).toBe('True');
    expect(world.policy().status?.rollout?.failures).toBe(1);
    for (const agent of world.agents.values()) agent.script.fallsBack = false;
    const resume = { metadata: { annotations: { 'brupop.bottlerocket.aws/resume': at(world.clock.now()) } } };
    await world.patchPolicy('p', resume);
    await world.until('the rollout goes on', () => world.updated.length === 3 && world.isQuiet(), 6 * HOUR);
  });

  it('stops nodes that have not been told to reboot', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: { maxConcurrentUpdates: 2 } } });
    world.agent('n1').script.fallsBack = true;
    world.agent('n2').script.stageMs = 10 * MINUTE;
    await world.until(
      'everything is put back',
      () => world.policy().status?.halt !== undefined && world.isQuiet(),
    );
    expect(world.agent('n2').reboots).toEqual([]);
    expect(world.shadow('n2').spec.outcome?.reason).toBe('Superseded');
  });

  it('that cannot be staged backs off and does not halt', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
    world.agent('n1').script.stageError = 'no space left';
    await world.until('the other is updated', () => world.updated.includes('n2') && world.isQuiet());
    expect(world.policy().status?.halt ?? null).toBeNull();
    expect(world.shadow('n1').status?.backoff).toMatchObject({ reason: 'StageFailed', failures: 1 });
    expect(world.shadow('n1').spec.outcome?.message).toContain('no space left');
  });

  it('from which a host does not come back keeps its cordon until it is heard', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
    world.agent('n1').script.staysAway = true;
    await world.until('the policy is halted', () => world.policy().status?.halt !== undefined, 2 * HOUR);
    expect(world.policy().status?.halt?.reason).toBe('RebootTimeout');
    await world.clock.advance(HOUR);
    expect(world.isCordoned('n1')).toBe(true);
    expect(world.policy().status?.updating).toMatchObject([{ node: 'n1', phase: 'Lost' }]);
    world.agent('n1').comeBack(NEW);
    await world.until('it is put back', () => world.isQuiet() && !world.isCordoned('n1'), HOUR);
    expect(world.policy().status?.rollout?.failures).toBe(1);
  });
});

describe('a policy', () => {
  it('that is paused puts back what has not rebooted', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    world.agent().script.stageMs = 10 * MINUTE;
    await world.until('it is staging', () => world.shadow().spec.state === 'StagedAndPerformedUpdate');
    await world.patchPolicy('p', { spec: { mode: 'Paused' } });
    await world.until('it is put back', () => world.isQuiet(), MINUTE);
    expect(world.shadow().spec.outcome?.reason).toBe('Paused');
    expect(world.shadow().status?.backoff ?? null).toBeNull();
    await world.clock.advance(MINUTE);
    expect(world.reasonOf()).toBe('PolicyPaused');
  });

  it('that only shows what it would do does nothing', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: { mode: 'DryRun' } } });
    await world.clock.advance(HOUR);
    expect(['n1', 'n2'].map((name) => world.reasonOf(name))).toContain('DryRun');
    expect(world.shadow('n1').spec.state).toBe('Idle');
    expect(world.policy().metadata.finalizers ?? []).toEqual([]);
  });

  it('that is deleted puts back, and goes', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    world.agent().script.stageMs = 10 * MINUTE;
    await world.until('it is staging', () => world.shadow().spec.state === 'StagedAndPerformedUpdate');
    expect(world.policy().metadata.finalizers).toEqual([POLICY_FINALIZER]);
    await world.remove(UpdatePolicies, 'p');
    expect(world.policy()).toBeDefined();
    await world.until('it is gone', () => world.policy() === undefined, 5 * MINUTE);
    expect(world.shadow().spec.state).toBe('Idle');
    expect(world.shadow().spec.outcome?.reason).toBe('PolicyDeleted');
    await world.clock.advance(MINUTE);
    expect(world.reasonOf()).toBe('NoPolicy');
    expect(world.shadow().metadata.finalizers ?? []).toEqual([]);
  });

  it('that is deleted after the reboot was asked for finishes the node', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    await world.until('it reboots', () => world.agent().reboots.length === 1);
    await world.remove(UpdatePolicies, 'p');
    await world.until('it is gone', () => world.policy() === undefined, 30 * MINUTE);
    expect(world.updated).toEqual(['n1']);
    expect(world.isCordoned()).toBe(false);
  });

  it('that is taken away by force leaves its nodes to be put back', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    world.agent().script.stageMs = 10 * MINUTE;
    await world.until('it is staging', () => world.shadow().spec.state === 'StagedAndPerformedUpdate');
    await world.patchPolicy('p', { metadata: { finalizers: [] } });
    await world.remove(UpdatePolicies, 'p');
    await world.until('it is put back', () => world.isQuiet(), 5 * MINUTE);
    await world.clock.advance(MINUTE);
    expect(world.shadow().metadata.finalizers ?? []).toEqual([]);
  });

  it('of the same priority as another acts on none of the nodes that both select', async () => {
    const world = await TestWorld.create({ policies: { a: {}, b: {} } });
    await world.clock.advance(10 * MINUTE);
    expect(world.reasonOf()).toBe('PolicyTie');
    expect(world.shadow().status?.update?.message).toMatch(/a, b/);
    expect(world.shadow().spec.state).toBe('Idle');
    await world.patchPolicy('b', { spec: { priority: 1 } });
    await world.until('it is updated', () => world.updated.length === 1 && world.isQuiet());
  });

  it('that has an error starts nothing, while others go on', async () => {
    const world = await TestWorld.create({
      nodes: 2,
      policies: {
        bad: {
          priority: 1,
          nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'n1' } },
          version: { range: 'newest' },
        },
        p: {},
      },
    });
    await world.until('the other node is updated', () => world.updated.includes('n2') && world.isQuiet());
    expect(world.reasonOf('n1')).toBe('PolicyInvalid');
    const valid = world.policy('bad').status?.conditions?.find(({ type }) => type === 'Valid');
    expect(valid?.status).toBe('False');
    expect(valid?.message).toContain('spec.version.range');
  });
});

describe('a node', () => {
  it('that is excluded is left alone', async () => {
    const world = await TestWorld.create({
      nodes: 2,
      policies: { p: window('0 1 * * *', '6h') },
    });
    await world.patchNode('n1', { metadata: { annotations: { 'brupop.bottlerocket.aws/exclude': 'true' } } });
    await world.until(
      'the other is updated',
      () => world.updated.includes('n2') && world.isQuiet(),
      3 * HOUR,
    );
    await world.clock.advance(HOUR);
    expect(world.reasonOf('n1')).toBe('Excluded');
    expect(world.agent('n1').reboots).toEqual([]);
  });

  it('that is deleted before the reboot counts for nothing', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
    world.agent('n1').script.stageMs = 10 * MINUTE;
    await world.until('it is staging', () => world.shadow('n1')?.spec.state === 'StagedAndPerformedUpdate');
    world.kubelets.get('n1')?.powerOff();
    world.agent('n1').script.isSilent = true;
    await world.remove(Nodes, 'n1');
    await world.until(
      'the next node is updated',
      () => world.updated.includes('n2') && world.isQuiet(),
      HOUR,
    );
    expect(world.policy().status?.halt ?? null).toBeNull();
    await world.clock.advance(MINUTE);
    expect(world.shadow('n1')).toBeUndefined();
  });

  it('that is deleted after it was told to reboot is a failure', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
    world.agent('n1').script.staysAway = true;
    await world.until('it reboots', () => world.agent('n1').reboots.length === 1);
    await world.remove(Nodes, 'n1');
    await world.until('it is counted', () => world.policy().status?.halt !== undefined, 5 * MINUTE);
    expect(world.policy().status?.halt?.reason).toBe('NodeLostAfterReboot');
    await world.clock.advance(2 * MINUTE);
    expect(world.shadow('n1')).toBeUndefined();
    expect(world.policy().status?.updating ?? []).toEqual([]);
  });
});

describe('a leader', () => {
  it('that dies at any moment is followed by one that goes on', async () => {
    for (const [index, afterMs] of [
      5_100, 5_110, 5_130, 5_200, 6_000, 17_000, 22_500, 40_000, 60_000,
    ].entries()) {
      const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
      await world.clock.advance(Math.max(1, START + afterMs - world.clock.now()));
      world.kill();
      await world.clock.advance(15_000);
      world.lead();
      await world.until(
        `all nodes are updated (${index})`,
        () => world.updated.length === 2 && world.isQuiet(),
      );
      await world.clock.advance(MINUTE);
      expect(world.cordoned).toEqual([]);
      for (const agent of world.agents.values()) expect(agent.reboots).toHaveLength(1);
      expect(world.policy().status?.history).toMatchObject([{ updated: 2, failed: 0 }]);
    }
  });

  it('that cannot reach the API server for ten minutes lets nobody reboot who was not told to', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: { timeouts: { stage: '5m' } } } });
    world.agent('n1').script.stageMs = 2 * MINUTE;
    await world.until('it is staging', () => world.shadow('n1').spec.state === 'StagedAndPerformedUpdate');
    const leader = world.leader;
    if (leader === undefined) throw new Error('nobody leads');
    leader.faults = () => ({ loseRequest: true, stallAfterMs: 0 });
    leader.cutWatches();
    await world.clock.advance(10 * MINUTE);
    expect(world.agent('n1').reboots).toEqual([]);
    leader.faults = undefined;
    await world.until('all nodes are updated', () => world.updated.length === 2 && world.isQuiet(), 2 * HOUR);
    expect(world.policy().status?.halt ?? null).toBeNull();
  });
});

describe('the clock', () => {
  it('that is wrong starts nothing', async () => {
    const world = await TestWorld.create({ policies: { p: window('0 1 * * *', '6h') } });
    const leader = world.leader;
    if (leader === undefined) throw new Error('nobody leads');
    leader.clockSkewMs = () => 31_000;
    await world.clock.advance(90 * MINUTE);
    expect(world.reasonOf()).toBe('ClockSkew');
    expect(world.agent().reboots).toEqual([]);
    leader.clockSkewMs = () => 500;
    await world.until('it is updated', () => world.updated.length === 1);
    expect(world.agent().version).not.toBe(OLD);
  });
});

describe('ownership', () => {
  it('stays with the policy that began until it is done, and counts for the new one', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
    world.agent('n1').script.stageMs = 5 * MINUTE;
    await world.until('it is staging', () => world.shadow('n1').spec.state === 'StagedAndPerformedUpdate');
    world.addPolicy('q', { priority: 5 });
    await world.clock.advance(MINUTE);
    expect(world.shadow('n1').spec.policy?.name).toBe('p');
    expect(world.policy('q').status?.budget).toMatchObject({ used: 1, usedByOthers: ['n1'] });
    await world.until('all are updated', () => world.updated.length === 2 && world.isQuiet());
    expect(world.shadow('n2').spec.policy?.name).toBe('q');
    expect(world.shadow('n1').metadata.finalizers ?? []).not.toContain(IN_FLIGHT_FINALIZER);
  });
});
