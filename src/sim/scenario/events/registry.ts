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
  | Terminate;

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
} as const satisfies {
  [Type in SimEvent['type']]: EventKind<Extract<SimEvent, { type: Type }>>;
};

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
