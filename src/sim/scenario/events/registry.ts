/** Every kind of event. A new one is a file beside this one and a line here. */
import type { EventContext, EventKind } from '../eventkind.ts';
import type { SeededRandom } from '../../random.ts';
import type { Stage } from '../stage.ts';
import { apiFaults } from './apifaults.ts';
import type { ApiFaults } from './apifaults.ts';
import { apiAway } from './apiaway.ts';
import type { ApiAway } from './apiaway.ts';
import { clockJump } from './clockjump.ts';
import type { ClockJump } from './clockjump.ts';
import { compaction } from './compaction.ts';
import type { Compaction } from './compaction.ts';
import { duplicate } from './duplicate.ts';
import type { Duplicate } from './duplicate.ts';
import { freeze } from './freeze.ts';
import type { Freeze } from './freeze.ts';
import { kill } from './kill.ts';
import type { Kill } from './kill.ts';
import { networkCut } from './networkcut.ts';
import type { NetworkCut } from './networkcut.ts';
import { staleReads } from './stalereads.ts';
import type { StaleReads } from './stalereads.ts';
import { terminate } from './terminate.ts';
import type { Terminate } from './terminate.ts';
import { hostFault } from './hostfaults.ts';
import type { HostFault } from './hostfaults.ts';
import { annotateNode } from './annotatenode.ts';
import type { AnnotateNode } from './annotatenode.ts';
import { badRelease } from './badrelease.ts';
import type { BadRelease } from './badrelease.ts';
import { bootTrouble } from './boottrouble.ts';
import type { BootTrouble } from './boottrouble.ts';
import { budgetChange } from './budgetchange.ts';
import type { BudgetChange } from './budgetchange.ts';
import { cordon } from './cordon.ts';
import type { Cordon } from './cordon.ts';
import { deletePods } from './deletepods.ts';
import type { DeletePods } from './deletepods.ts';
import { deletePolicy } from './deletepolicy.ts';
import type { DeletePolicy } from './deletepolicy.ts';
import { deleteShadow } from './deleteshadow.ts';
import type { DeleteShadow } from './deleteshadow.ts';
import { editPolicy } from './editpolicy.ts';
import type { EditPolicy } from './editpolicy.ts';
import { kubeletSilent } from './kubeletsilent.ts';
import type { KubeletSilent } from './kubeletsilent.ts';
import { kured } from './kured.ts';
import type { Kured } from './kured.ts';
import { labelNode } from './labelnode.ts';
import type { LabelNode } from './labelnode.ts';
import { powerCut } from './powercut.ts';
import type { PowerCut } from './powercut.ts';
import { readyFlaps } from './readyflaps.ts';
import type { ReadyFlaps } from './readyflaps.ts';
import { release } from './release.ts';
import type { Release } from './release.ts';
import { replaceNode } from './replacenode.ts';
import type { ReplaceNode } from './replacenode.ts';
import { scaleDown } from './scaledown.ts';
import type { ScaleDown } from './scaledown.ts';
import { scaleUp } from './scaleup.ts';
import type { ScaleUp } from './scaleup.ts';
import { taint } from './taint.ts';
import type { TaintNode } from './taint.ts';
import { uncordon } from './uncordon.ts';
import type { Uncordon } from './uncordon.ts';
import { withdraw } from './withdraw.ts';
import type { Withdraw } from './withdraw.ts';

export type SimEvent =
  | ApiFaults
  | HostFault
  | ApiAway
  | ClockJump
  | Compaction
  | Duplicate
  | Freeze
  | Kill
  | NetworkCut
  | StaleReads
  | Terminate
  | AnnotateNode
  | BadRelease
  | BootTrouble
  | BudgetChange
  | Cordon
  | DeletePods
  | DeletePolicy
  | DeleteShadow
  | EditPolicy
  | KubeletSilent
  | Kured
  | LabelNode
  | PowerCut
  | ReadyFlaps
  | Release
  | ReplaceNode
  | ScaleDown
  | ScaleUp
  | TaintNode
  | Uncordon
  | Withdraw;

const KINDS = {
  apiFaults,
  hostFault,
  apiAway,
  clockJump,
  compaction,
  duplicate,
  freeze,
  kill,
  networkCut,
  staleReads,
  terminate,
  annotateNode,
  badRelease,
  bootTrouble,
  budgetChange,
  cordon,
  deletePods,
  deletePolicy,
  deleteShadow,
  editPolicy,
  kubeletSilent,
  kured,
  labelNode,
  powerCut,
  readyFlaps,
  release,
  replaceNode,
  scaleDown,
  scaleUp,
  taint,
  uncordon,
  withdraw,
} as const satisfies {
  [Type in SimEvent['type']]: EventKind<Extract<SimEvent, { type: Type }>>;
};

/** Of all kinds. */
export const eventTypes = Object.keys(KINDS) as SimEvent['type'][];

/** The table's type says that the kind and the event belong together; the compiler cannot follow the index. */
const kindOf = (type: SimEvent['type']): EventKind<SimEvent> => KINDS[type];

const TOTAL_WEIGHT = Object.values(KINDS).reduce((sum, { weight }) => sum + weight, 0);

/** An event of some kind; undefined when the kind drawn has no place in this world. */
export function drawEvent(random: SeededRandom, atMs: number, context: EventContext): SimEvent | undefined {
  let left = random() * TOTAL_WEIGHT;
  const kind = (Object.values(KINDS) as unknown as EventKind<SimEvent>[]).find(
    ({ weight }) => (left -= weight) < 0,
  );
  const facts = kind?.draw(random, context);
  return kind === undefined || facts === undefined
    ? undefined
    : ({ type: kind.type, atMs, ...facts } as SimEvent);
}

/** The clocks of the world's judge and of those it judges differ by so much even where nothing goes wrong. */
const LEAST_TOLERANCE_MS = 1_000;

/** How much later than it was decided, or by how wrong a clock, something may happen under these events. */
export const toleranceOf = (events: readonly SimEvent[]): number =>
  Math.max(LEAST_TOLERANCE_MS, ...events.map(({ type }) => kindOf(type).toleranceMs ?? 0));

/** Does an event. */
export const applyEvent = (event: SimEvent, stage: Stage): void => kindOf(event.type).apply(event, stage);

/** One sentence about it. */
export const tellEvent = (event: SimEvent): string => kindOf(event.type).tell(event);
