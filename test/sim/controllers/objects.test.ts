/** Objects that come, go and change hands while nodes are updated. */
import { describe, expect, it } from 'vitest';
import { Events, Nodes } from '../../../src/api/core.ts';
import { IN_FLIGHT_FINALIZER, MARKS_ANNOTATION } from '../../../src/api/names.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { NEW, TestWorld } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('a shadow', () => {
  it('that is deleted in flight is put back first, and made again', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    world.agent().script.stageMs = 10 * MINUTE;
    await world.until('it is staging', () => world.shadow().spec.state === 'StagedAndPerformedUpdate');
    const { uid } = world.shadow().metadata;
    await world.remove(BottlerocketShadows, 'brs-n1');
    expect(world.shadow().metadata.uid).toBe(uid);
    await world.until(
      'another is there',
      () => world.shadow() !== undefined && world.shadow().metadata.uid !== uid,
    );
    world.agent().script.stageMs = 10_000;
    await world.until('the node is updated', () => world.updated.length === 1 && world.isQuiet());
    expect(world.agent().reboots).toHaveLength(1);
  });

  it('that is deleted after the reboot was asked for stays until the node is through', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    await world.until('it reboots', () => world.agent().reboots.length === 1);
    const { uid } = world.shadow().metadata;
    await world.remove(BottlerocketShadows, 'brs-n1');
    await world.until('it goes', () => world.shadow()?.metadata.uid !== uid, HOUR);
    await world.clock.advance(5 * MINUTE);
    expect(world.updated).toEqual(['n1']);
    expect(world.isCordoned()).toBe(false);
    expect(world.agent().reboots).toHaveLength(1);
  });

  it('that is taken away by force leaves no cordon behind', async () => {
    const world = await TestWorld.create({
      policies: { p: {} },
      before: (before) => {
        before.addPod('cart', 'n1');
        before.addTightBudget('cart', 'cart');
      },
    });
    await world.until('the node is cordoned', () => world.isCordoned());
    const body = { metadata: { finalizers: [] } };
    const key = { namespace: 'brupop-bottlerocket-aws', name: 'brs-n1' };
    const freed = world.admin.patch(BottlerocketShadows, key, body);
    await world.clock.advance(2);
    await freed;
    await world.remove(BottlerocketShadows, 'brs-n1');
    await world.until('the node is uncordoned', () => !world.isCordoned(), 5 * MINUTE);
    expect(world.node().metadata.annotations?.[MARKS_ANNOTATION]).not.toContain('cordon');
  });
});

describe('a finalizer', () => {
  it('is on the shadow while its attempt is in the ledger', async () => {
    const world = await TestWorld.create({ policies: { p: { interval: '10m' } } });
    const finalizers = (): string[] => world.shadow().metadata.finalizers ?? [];
    await world.until('it is staging', () => world.shadow().spec.state === 'StagedAndPerformedUpdate');
    expect(finalizers()).toEqual([IN_FLIGHT_FINALIZER]);
    await world.until('it rests', () => world.policy().status?.updating?.[0]?.phase === 'Resting');
    await world.clock.advance(5 * MINUTE);
    expect(finalizers()).toEqual([IN_FLIGHT_FINALIZER]);
    await world.until('its slot is free', () => (world.policy().status?.updating ?? []).length === 0, HOUR);
    await world.clock.advance(MINUTE);
    expect(finalizers()).toEqual([]);
  });
});

describe('limits', () => {
  it('let a slot rest for the interval', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: { interval: '30m' } } });
    await world.until(
      'the first is updated',
      () => world.policy().status?.updating?.[0]?.phase === 'Resting',
    );
    const at = world.clock.now();
    await world.until(
      'the next starts',
      () => [...world.agents.values()].every((agent) => agent.reboots.length === 1),
      2 * HOUR,
    );
    expect(world.clock.now() - at).toBeGreaterThan(30 * MINUTE);
  });

  it('hold in each failure domain', async () => {
    const topology = { key: 'topology.kubernetes.io/zone', maxConcurrentUpdates: 1 };
    const world = await TestWorld.create({
      nodes: 9,
      policies: { p: { maxConcurrentUpdates: '100%', topology } },
    });
    let most = 0;
    await world.until('all are updated', () => {
      const zones = (world.policy().status?.updating ?? []).map(
        ({ node }) => world.node(node).metadata.labels?.['topology.kubernetes.io/zone'],
      );
      most = Math.max(most, zones.length - new Set(zones).size);
      return world.updated.length === 9 && world.isQuiet();
    });
    expect(most).toBe(0);
  });

  it('count nodes that are down already', async () => {
    const spec = { maxConcurrentUpdates: 4, maxUnavailable: 2 };
    const world = await TestWorld.create({ nodes: 4, policies: { p: { ...spec, mode: 'Paused' } } });
    world.kubelets.get('n4')?.powerOff();
    world.agent('n4').script.isSilent = true;
    await world.clock.advance(2 * MINUTE);
    await world.patchPolicy('p', { spec: { mode: 'Enabled' } });
    let most = 0;
    await world.until(
      'the others are updated',
      () => {
        most = Math.max(most, world.policy().status?.updating?.length ?? 0);
        return world.updated.length === 3 && world.isQuiet();
      },
      3 * HOUR,
    );
    expect(most).toBe(1);
  });
});

describe('what people read', () => {
  it('is an Event for each step of a node, and none twice', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    await world.until('it is updated', () => world.updated.length === 1 && world.isQuiet());
    await world.clock.advance(5 * MINUTE);
    const events = world.cluster.peekAll(Events).filter(({ regarding }) => regarding?.name === 'n1');
    expect(events.map(({ reason }) => reason)).toEqual(['Staging', 'Rebooting', 'Updated']);
    expect(events[0]?.note).toBe(`UpdatePolicy p updates the node from 1.42.0 to ${NEW} (attempt 1).`);
  });

  it('is an Event on the policy when it halts, and when it goes on', async () => {
    const world = await TestWorld.create({ policies: { p: {} } });
    world.agent().script.fallsBack = true;
    await world.until('it is halted', () => world.policy().status?.halt !== undefined && world.isQuiet());
    const now = new Date(world.clock.now()).toISOString().replace(/\.\d{3}Z$/, 'Z');
    await world.patchPolicy('p', { metadata: { annotations: { 'brupop.bottlerocket.aws/resume': now } } });
    await world.clock.advance(MINUTE);
    const events = world.cluster
      .peekAll(Events)
      .filter(({ regarding }) => regarding?.kind === 'UpdatePolicy');
    expect(events.map(({ type, reason }) => [type, reason])).toEqual([
      ['Warning', 'BootFallback'],
      ['Normal', 'NotHalted'],
    ]);
    expect(world.policy().status?.halt ?? null).toBeNull();
  });

  it('names in the status of the policy what keeps a node', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
    await world.clock.advance(8_000);
    const [blocked] = world.policy().status?.blocked ?? [];
    expect(blocked).toMatchObject({ reason: 'NoSlot', nodes: 1 });
    expect(blocked?.example).toMatch(/1 of 1 slots are taken, by n[12]/);
  });
});

describe('a node that is created again under its name', () => {
  it('is another node: the attempt on the first has ended, and it is updated in its turn', async () => {
    const world = await TestWorld.create({ nodes: 2, policies: { p: {} } });
    world.agent('n1').script.stageMs = 10 * MINUTE;
    await world.until('it is staging', () => world.shadow('n1')?.spec.state === 'StagedAndPerformedUpdate');
    const { uid } = world.node('n1').metadata;
    const kubelet = world.kubelets.get('n1');
    kubelet?.powerOff();
    await world.remove(Nodes, 'n1');
    kubelet?.powerOn({ bootId: 'n1-boot-1', osImage: 'Bottlerocket OS 1.42.0 (aws-k8s-1.36)' });
    await world.until(
      'it is there again',
      () => world.node('n1') !== undefined && world.node('n1').metadata.uid !== uid,
    );
    world.agent('n1').script.stageMs = 10_000;
    await world.until('both are updated', () => world.updated.length === 2 && world.isQuiet(), 3 * HOUR);
    expect(world.policy().status?.halt ?? null).toBeNull();
    expect(world.shadow('n1').metadata.ownerReferences?.[0]?.uid).toBe(world.node('n1').metadata.uid);
  });
});
