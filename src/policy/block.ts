/** Why a node does not start, or may not go on. */
import { WAIT_REASONS } from '../api/reasons.ts';
import type { WaitReason } from '../api/reasons.ts';

export interface Block {
  readonly reason: WaitReason;
  /** For a person: the object that blocks, and what to do. Holds no relative times, so that it does not change by itself. */
  readonly message: string;
}

/** Longest message that the status of a shadow holds. */
const MAX_MESSAGE = 1_024;

/** A block whose message is `text`, one or more sentences, followed by the remedy of its reason. */
export function block(reason: WaitReason, text: string): Block {
  const { remedy } = WAIT_REASONS[reason];
  const message = remedy === '' ? text : `${text} ${remedy}`;
  return {
    reason,
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message,
  };
}

/** The first few of a list for a message: `a, b, c and 4 more`. */
export function some(items: readonly string[], limit = 5): string {
  const more = items.length - limit;
  return more > 0 ? `${items.slice(0, limit).join(', ')} and ${more} more` : items.join(', ');
}
