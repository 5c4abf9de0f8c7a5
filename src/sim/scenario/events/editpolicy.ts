/** A policy is changed while it is at work: limits, windows, mode, versions. */
import { UpdatePolicies } from '../../../api/v1/updatepolicy.ts';
import type { UpdatePolicySpec } from '../../../api/v1/updatepolicy.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick, randomInt } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import type { Stage } from '../stage.ts';
import { tellMs } from './targets.ts';

export interface EditPolicy extends EventBase {
  type: 'editPolicy';
  policy: string;
  /** Whose moment it is. */
  node: string;
  moment?: Moment;
  spec: Partial<UpdatePolicySpec>;
  /** Then it is as it was, at the calm at the latest; absent = it stays. */
  forMs?: number;
}

/** Changes with which everything is updated in the end. */
const drawLasting = (random: SeededRandom): Partial<UpdatePolicySpec> =>
  pick<Partial<UpdatePolicySpec>>(random, [
    { maxConcurrentUpdates: pick(random, [1, 2, 3, '34%', '100%']) },
    { maxUnavailable: pick(random, [1, 2, '50%']) },
    { onClose: pick(random, ['Finish', 'StopBeforeReboot']) },
    { cordonedNodes: pick(random, ['Skip', 'Include']) },
    { priority: randomInt(random, 20) },
    { interval: pick(random, ['0s', '1m']) },
    { drain: { timeout: pick(random, ['5m', '20m']) } },
    { health: { stableFor: pick(random, ['0s', '10s', '3m']) } },
    { nodeSelector: { matchLabels: { pool: pick(random, ['blue', 'green']) } } },
    { nodeSelector: {} },
  ]);

/** Changes that hold it up. */
const drawPassing = (random: SeededRandom): Partial<UpdatePolicySpec> =>
  pick<Partial<UpdatePolicySpec>>(random, [
    { mode: 'Paused' },
    { mode: 'DryRun' },
    { maxConcurrentUpdates: 0 },
    { maxUnavailable: 0 },
    { maintenanceWindows: [{ schedule: '0 3 * * 0', duration: '1h' }] },
    { blackoutWindows: [{ schedule: '*/20 * * * *', duration: pick(random, ['1m', '5m', '10m']) }] },
    { version: { range: pick(random, ['1.43.x', '<1.44.0', '1.42.0']) } },
    { version: { exclude: [pick(random, ['1.43.0', '1.44.0'])] } },
    { timeouts: { stage: '10s', reboot: '10s', verify: '3m1s' } },
    { version: { hostLock: 'Observe' } },
    { version: { waves: 'Ignore' } },
  ]);

export const editPolicy: EventKind<EditPolicy> = {
  type: 'editPolicy',
  weight: 5,
  draw: (random, { policies, nodes }) => {
    const target = { policy: pick(random, policies), node: pick(random, nodes), ...drawMoment(random) };
    return random() < 0.4
      ? { ...target, spec: drawLasting(random) }
      : { ...target, spec: drawPassing(random), forMs: 5_000 + randomInt(random, 900_000) };
  },
  apply: (event, stage) => atMoment(stage, event, () => void edit(event, stage)),
  tell: (event) =>
    `admin sets ${JSON.stringify(event.spec)} in policy ${event.policy}${event.forMs === undefined ? '' : ` for ${tellMs(event.forMs)}`}${tellMoment(event)}`,
};

async function edit({ policy, spec, forMs }: EditPolicy, stage: Stage): Promise<void> {
  const admin = new Actor('admin', stage);
  const key = { name: policy };
  const before = await admin.editSpec(UpdatePolicies, key, spec);
  if (forMs === undefined || before === undefined) return;
  let isUndone = false;
  const undo = (): void => {
    if (!isUndone) void admin.editSpec(UpdatePolicies, key, before);
    isUndone = true;
  };
  stage.clock.after(forMs, undo);
  stage.onCalm(undo);
}
