/** Another tool takes a node through a reboot of its own: cordon, drain, reboot, uncordon when it is Ready again. */
import { Nodes } from '../../../api/core.ts';
import { Actor } from '../../actors/actor.ts';
import { atMoment, drawMoment, tellMoment } from '../../actors/moment.ts';
import type { Moment } from '../../actors/moment.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import type { Stage } from '../stage.ts';

export interface Kured extends EventBase {
  type: 'kured';
  node: string;
  moment?: Moment;
  drainMs: number;
}

const POLL_MS = 5_000;
const BOOT_LIMIT_MS = 600_000;

export const kured: EventKind<Kured> = {
  type: 'kured',
  weight: 2,
  draw: (random, { nodes }) => ({
    node: pick(random, nodes),
    ...drawMoment(random),
    drainMs: pick(random, [0, 60_000, 300_000]),
  }),
  apply: (event, stage) => atMoment(stage, event, () => void rebootByOthers(event, stage)),
  tell: (event) => `kured reboots ${event.node}${tellMoment(event)}`,
};

async function rebootByOthers({ node, drainMs }: Kured, stage: Stage): Promise<void> {
  const tool = new Actor('kured', stage);
  const { clock } = stage;
  const hasCordoned = await tool.cordon(node, true);
  await tool.drain(node, drainMs);
  const machine = stage.machines.find(({ name }) => name === node);
  const before = machine?.host.bootId;
  machine?.interrupt('reboot');
  const untilMs = clock.monotonic() + BOOT_LIMIT_MS;
  const isBack = (): boolean => machine?.host.bootId !== before && isReady(stage, node);
  while (!isBack() && clock.monotonic() < untilMs) await clock.sleep(POLL_MS);
  // What was cordoned before stays so.
  if (hasCordoned) await tool.cordon(node, false);
}

const isReady = ({ cluster }: Stage, name: string): boolean =>
  cluster
    .peek(Nodes, { name })
    ?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
