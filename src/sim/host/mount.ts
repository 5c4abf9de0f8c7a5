/** The host API as a container sees it: through a bind mount of the socket, without a socket. */
import { draw } from './durations.ts';
import type { SimulatedHost } from './host.ts';

/** A reply, or why there is none, with Node's error codes. */
export type MountReply =
  | { kind: 'response'; status: number; body: string }
  | { kind: 'error'; code: 'ECONNREFUSED' | 'ECONNRESET' | 'ENOENT' };

/**
 * Mounts the socket as it is now and returns the way to send requests through it. When the host replaces its socket
 * the mount is dead for ever, and its container has to be made anew. A request on its way is carried out even if its
 * sender gives up.
 */
export function mountSocket(
  host: SimulatedHost,
): (request: { method: string; path: string; body?: string }, signal: AbortSignal) => Promise<MountReply> {
  const inode = host.apiUp ? host.inode : undefined;
  const isAlive = (): boolean => host.apiUp && host.inode === inode;
  return async (request, signal) => {
    if (inode === undefined) return { kind: 'error', code: 'ENOENT' };
    if (!isAlive()) return { kind: 'error', code: 'ECONNREFUSED' };
    if (signal.aborted) return { kind: 'error', code: 'ECONNRESET' };
    await host.clock.sleep(draw(host.durations.answerMs, host.random));
    await host.unblocked();
    if (!isAlive()) return { kind: 'error', code: 'ECONNRESET' };
    const result = host.request(
      request.body === undefined ? request : { ...request, contentType: 'application/json' },
    );
    return result.kind === 'cut'
      ? { kind: 'error', code: 'ECONNRESET' }
      : { kind: 'response', status: result.answer.status, body: result.answer.body };
  };
}
