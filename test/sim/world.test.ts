/** The whole system in memory, with things going wrong: what must never happen does not, and all goes on afterwards. */
import { afterEach, describe, expect, it } from 'vitest';
import { Nodes, PodDisruptionBudgets } from '../../src/api/core.ts';
import { MARKS_ANNOTATION, NAMESPACE, RESUME_ANNOTATION, shadowName } from '../../src/api/names.ts';
import { UpdatePolicies } from '../../src/api/v1/updatepolicy.ts';
import type { UpdatePolicySpec } from '../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../src/api/v2/bottlerocketshadow.ts';
import { World } from '../../src/cmd/world/world.ts';
import type { WorldOptions } from '../../src/cmd/world/world.ts';
import { rfc3339 } from '../../src/runtime/clock.ts';
import { KubernetesError } from '../../src/runtime/kubernetes.ts';
import type { Call, Fault } from '../../src/sim/cluster/call.ts';
import { seededRandom } from '../../src/sim/random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TARGET = '1.44.0';
const NAMES = ['n1', 'n2', 'n3'];
const QUICK: UpdatePolicySpec = { minRemaining: '0s', health: { stableFor: '30s' } };

let world: World;

afterEach(async () => {
  await world.stop();
});

function begin(spec: UpdatePolicySpec, options: Partial<WorldOptions> = {}): World {
  world = new World({
    seed: 1,
    nodes: NAMES.map((name) => ({ name, labels: {} })),
    version: '1.42.0',
    releases: ['1.42.0', TARGET],
    startMs: Date.parse('2026-01-10T00:00:00Z'),
    ...options,
  });
  world.start();
  world.applyPolicy({ metadata: { name: 'all' }, spec: { ...QUICK, ...spec } });
  return world;
}

const machine = (name: string) => world.machines.find((each) => each.name === name)!;
const shadow = (name: string) =>
  world.cluster.peek(BottlerocketShadows, { name: shadowName(name), namespace: NAMESPACE });
const policy = () => world.cluster.peek(UpdatePolicies, { name: 'all' })!;
const updated = () => world.machines.filter(({ host }) => host.image.version === TARGET).length;
const isQuiet = () =>
  (policy().status?.updating ?? []).length === 0 &&
  world.cluster.peekAll(Nodes).every(({ spec }) => spec?.unschedulable !== true);
const reasonOf = (name: string) => shadow(name)?.status?.update;
const isStarted = () => NAMES.some((name) => shadow(name)?.spec.state === 'StagedAndPerformedUpdate');
const allUpdated = () => updated() === NAMES.length && isQuiet();
const expectUnbroken = () => expect(world.monitor.breaches).toEqual([]);

describe('the whole system', () => {
  it('updates one node after the other, and watched what must not happen', async () => {
    begin({});
    expect(await world.clock.runUntil(allUpdated, 2 * HOUR)).toBe(true);
    expectUnbroken();
    expect(world.reboots.count).toBe(3);
    expect(Object.fromEntries(world.monitor.judged)).toMatchObject({
      inFlightIsInLedger: expect.any(Number) as number,
      ledgerKeepsLimit: expect.any(Number) as number,
      cordonsOnlyInWindows: expect.any(Number) as number,
      intentsOnlyInWindows: expect.any(Number) as number,
      drainedBeforeReboot: expect.any(Number) as number,
      noUncordonUnderIntent: expect.any(Number) as number,
    });
  });

  it('stops at the first host that falls back, and goes on when somebody resumes', async () => {
    begin({});
    for (const name of NAMES) machine(name).host.fault('bootPanics', { version: TARGET });
    const isHalted = () => policy().status?.halt?.reason !== undefined;
    expect(await world.clock.runUntil(isHalted, HOUR)).toBe(true);
    expect(policy().status?.halt?.reason).toBe('BootFallback');
    await world.clock.advance(HOUR);
    expect(updated()).toBe(0);
    expect(isQuiet()).toBe(true);
    const reasons = NAMES.map((name) => reasonOf(name)?.reason);
    expect(reasons).toEqual(['Halted', 'Halted', 'Halted']);
    for (const name of NAMES) machine(name).host.clearFault();
    const annotations = { [RESUME_ANNOTATION]: rfc3339(world.clock.now()) };
    await Promise.all([
      world.cluster.client('admin').patch(UpdatePolicies, { name: 'all' }, { metadata: { annotations } }),
      world.clock.advance(6 * HOUR),
    ]);
    expect(allUpdated()).toBe(true);
    expectUnbroken();
  });

  it('names the budget that holds a drain, and puts the node back as it was', async () => {
    begin({ drain: { timeout: '5m' } });
    const held = { name: 'cart', namespace: 'shop' };
    const patched = world.cluster
      .client('admin')
      .patch(PodDisruptionBudgets, held, { spec: { maxUnavailable: 0 } });
    await Promise.all([patched, world.clock.advance(MINUTE)]);
    const isHeld = () => NAMES.some((name) => reasonOf(name)?.reason === 'PodDisruptionBudget');
    expect(await world.clock.runUntil(isHeld, HOUR)).toBe(true);
    const name = NAMES.find((each) => reasonOf(each)?.reason === 'PodDisruptionBudget')!;
    expect(reasonOf(name)?.message).toContain('shop/cart');
    const isBack = () => shadow(name)?.spec.outcome?.reason === 'DrainTimeout' && isBackOff(name);
    expect(await world.clock.runUntil(isBack, HOUR)).toBe(true);
    const node = world.cluster.peek(Nodes, { name });
    expect(node?.spec?.unschedulable).toBeUndefined();
    expect(node?.metadata.annotations?.[MARKS_ANNOTATION]).not.toContain('cordon');
    expectUnbroken();
  });

  it('stops before the reboot when the window closes, and goes on at the next', async () => {
    const spec = { maintenanceWindows: [{ schedule: '0 1 * * *', duration: '15m' }], minRemaining: '5m' };
    begin(spec, { durations: { prepareMs: 4 * MINUTE } });
    await world.clock.advance(2 * HOUR);
    const first = updated();
    expect(first).toBeLessThan(NAMES.length);
    expect(isQuiet()).toBe(true);
    expect(await world.clock.runUntil(allUpdated, 72 * HOUR)).toBe(true);
    expectUnbroken();
  });

  it('reboots nobody that was not told to while kube-apiserver is away for ten minutes, and goes on', async () => {
    let isAway = false;
    // The cluster's own controllers are part of the simulated API server: without kubelets they would give up on nodes.
    const away = ({ client }: Call): Fault | undefined =>
      isAway && !client.startsWith('kubelet')
        ? { error: new KubernetesError('unknown', 'connection refused') }
        : undefined;
    begin({}, { faults: away });
    await world.clock.runUntil(isStarted, HOUR);
    isAway = true;
    const before = world.reboots.count;
    await world.clock.advance(10 * MINUTE);
    expect(world.reboots.count).toBe(before);
    isAway = false;
    expect(await world.clock.runUntil(allUpdated, 12 * HOUR)).toBe(true);
    expectUnbroken();
  });

  it.each(['a', 'b', 'c', 'd', 'e', 'f'])('survives an unreliable kube-apiserver, seed %s', async (seed) => {
    const random = seededRandom(`faults-${seed}`);
    let isOver = false;
    const faults = (): Fault | undefined => {
      const dice = random();
      if (isOver || dice > 0.08) return undefined;
      if (dice < 0.02) return { loseResponse: true };
      if (dice < 0.04) return { loseRequest: true };
      if (dice < 0.05) return { error: new KubernetesError('server', 'internal error', { status: 500 }) };
      if (dice < 0.06)
        return { error: new KubernetesError('throttled', 'slow down', { status: 429, retryAfterMs: 1000 }) };
      return dice < 0.07 ? { cutAfterMs: 5_000 } : { requestDelayMs: 3_000, responseDelayMs: 3_000 };
    };
    begin({ maxConcurrentUpdates: 2 }, { seed, faults });
    await world.clock.runUntil(allUpdated, 4 * HOUR);
    isOver = true;
    expect(await world.clock.runUntil(allUpdated, 12 * HOUR)).toBe(true);
    expectUnbroken();
    // One a node: whatever was lost or late, nothing was done twice.
    expect(world.reboots.count).toBe(3);
  });
});

const isBackOff = (name: string): boolean => reasonOf(name)?.reason === 'Backoff';
