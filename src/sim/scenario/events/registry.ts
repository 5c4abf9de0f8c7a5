/** Every kind of event. A new one is a file beside this one and a line here. */
import type { EventContext, EventKind } from '../eventkind.ts';
import type { SeededRandom } from '../../random.ts';
import type { Stage } from '../stage.ts';
import { apiFaults } from './apifaults.ts';
import type { ApiFaults } from './apifaults.ts';
import { hostFault } from './hostfaults.ts';
import type { HostFault } from './hostfaults.ts';

export type SimEvent = ApiFaults | HostFault;

const KINDS = { apiFaults, hostFault } as const satisfies {
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

/** Does an event. */
export const applyEvent = (event: SimEvent, stage: Stage): void => kindOf(event.type).apply(event, stage);

/** One sentence about it. */
export const tellEvent = (event: SimEvent): string => kindOf(event.type).tell(event);
