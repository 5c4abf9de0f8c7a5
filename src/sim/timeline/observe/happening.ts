/** What a change of an object tells of a node. */
import type { EventKind, TimelineEvent } from '../events.ts';

/** An event whose instant and lane are known to whoever saw the change. */
export type Happening = Pick<TimelineEvent, 'kind' | 'text'>;

/** One of a kind. */
export const happened = (kind: EventKind, text = ''): Happening => ({ kind, text });

/** An object before and after a change; undefined: it did not exist. */
export interface Change<T> {
  before: T | undefined;
  after: T | undefined;
}
