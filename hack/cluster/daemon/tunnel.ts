/** Two sockets as one. */
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** Both are destroyed by then; whoever is at their ends notices. */
const broken = (): void => undefined;

/** What one says the other hears, to the last byte; when one breaks, so does the other. */
export function join(one: Socket, other: Socket): void {
  pipeline(one, other, broken);
  pipeline(other, one, broken);
}
