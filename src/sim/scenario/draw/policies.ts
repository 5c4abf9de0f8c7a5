/** The policies a story begins with. The API takes each of them. */
import type { UpdatePolicy, UpdatePolicySpec } from '../../../api/v1/updatepolicy.ts';
import { pick, randomInt } from '../../random.ts';
import type { SeededRandom } from '../../random.ts';
import { drawWindows } from './times.ts';
import type { Start } from './times.ts';

/** How many nodes, and when. */
export interface PolicySetting {
  nodes: number;
  start: Start;
}

/** One for all, or two: one for a pool above one for all, or one for each pool. */
export function drawPolicies(random: SeededRandom, setting: PolicySetting): UpdatePolicy[] {
  const spec = (name: string): UpdatePolicySpec => drawSpec(random.fork(name), setting);
  const kind = random();
  if (kind < 0.75) return [{ metadata: { name: 'all' }, spec: spec('all') }];
  const pool = (name: string, priority: number): UpdatePolicy => ({
    metadata: { name },
    spec: { ...spec(name), priority, nodeSelector: { matchLabels: { pool: name } } },
  });
  if (kind < 0.9) return [{ metadata: { name: 'all' }, spec: spec('all') }, pool('blue', 10)];
  return [pool('blue', 0), pool('green', 0)];
}

/** Mostly nothing, so that what is there shows. */
const rarely = <T extends object>(random: SeededRandom, share: number, draw: () => T): T | object =>
  random() < share ? draw() : {};

function drawSpec(random: SeededRandom, { nodes, start }: PolicySetting): UpdatePolicySpec {
  return {
    ...drawWindows(random, start),
    health: { stableFor: pick(random, ['0s', '30s', '2m']) },
    maxConcurrentUpdates: pick(random, [1, 1, 2, 3, nodes, '50%', '100%']),
    ...rarely(random, 0.2, () => ({ maxUnavailable: pick(random, [1, 2, '50%']) })),
    ...rarely(random, 0.2, () => ({
      topology: {
        key: 'topology.kubernetes.io/zone',
        maxConcurrentUpdates: 1 + randomInt(random, 2),
        maxDomains: randomInt(random, 3),
      },
    })),
    ...rarely(random, 0.2, () => ({ interval: pick(random, ['10s', '1m', '5m']) })),
    ...rarely(random, 0.15, () => ({ cordonedNodes: 'Include' as const })),
    ...rarely(random, 0.35, () => ({ drain: drawDrain(random) })),
    ...rarely(random, 0.25, () => ({ version: drawVersion(random) })),
    ...rarely(random, 0.2, () => ({
      timeouts: { stage: pick(random, ['5m', '15m']), reboot: pick(random, ['3m', '10m']), verify: '6m' },
    })),
  };
}

const drawDrain = (random: SeededRandom): NonNullable<UpdatePolicySpec['drain']> => ({
  timeout: pick(random, ['5m', '10m', '30m']),
  ...rarely(random, 0.3, () => ({ gracePeriodSeconds: pick(random, [0, 5, 60]) })),
  ...rarely(random, 0.3, () => ({ ignorePods: { matchLabels: { app: 'stubborn' } } })),
  ...rarely(random, 0.4, () => ({ waitForPods: { matchLabels: { app: 'batch' } } })),
});

const drawVersion = (random: SeededRandom): NonNullable<UpdatePolicySpec['version']> =>
  pick(random, [
    { range: '1.x' },
    { range: '>=1.43.0 <1.46.0' },
    { exclude: ['1.45.0'] },
    { exclude: ['1.44.0'] },
    { hostLock: 'Observe' },
    { waves: 'Ignore' },
  ]);
