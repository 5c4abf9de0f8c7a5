/** Something goes wrong on one Bottlerocket host. */
import { FAULTS } from '../../host/faults.ts';
import type { FaultName, FaultSpec } from '../../host/faults.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';

/** These bar an update for good, or are a bad release: other events are for that. */
const NOT_HERE: readonly FaultName[] = [
  'bootPanics',
  'bootHangs',
  'singleSlot',
  'corruptStatus',
  'strangeStatus',
  'noLockDirectory',
];
const NAMES = (Object.keys(FAULTS) as FaultName[]).filter((name) => !NOT_HERE.includes(name));

export interface HostFault extends EventBase {
  type: 'hostFault';
  node: string;
  fault: FaultName;
  spec: FaultSpec;
}

export const hostFault: EventKind<HostFault> = {
  type: 'hostFault',
  weight: 6,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    fault: pick(random, NAMES),
    spec: {
      times: 1 + randomInt(random, 3),
      forMs: 30_000 + randomInt(random, 300_000),
      ms: 20_000,
      reply: pick(random, ['204', 'reset', 'exitCode15'] as const),
    },
  }),
  apply: ({ node, fault, spec }, stage) => {
    const host = stage.machines.find(({ name }) => name === node)?.host;
    host?.fault(fault, spec);
    stage.onCalm(() => host?.clearFault(fault));
  },
  tell: ({ node, fault }) => `the host of ${node}: ${FAULTS[fault]}`,
};
