/** HostTransport over the host's unix socket: one connection a request, since the host closes idle ones after 5 s. */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { HostReply, HostRequest, HostTransport } from './transport.ts';

/** Where Bottlerocket serves its API. */
export const DEFAULT_SOCKET_PATH = '/run/api.sock';
/** Largest body read; a status is a few kilobytes. */
export const BODY_LIMIT_BYTES = 1024 * 1024;
/** Of what is no HTTP or too long, the part handed up. */
const GARBAGE_CHARS = 500;

interface SocketError extends Error {
  code?: string;
  rawPacket?: Buffer;
}

function replyOfError(error: SocketError): HostReply {
  // Node's parser hands over what it could not read; that is worth more in a report than its error code.
  if (error.rawPacket) return { kind: 'garbage', text: error.rawPacket.toString('latin1', 0, GARBAGE_CHARS) };
  return { kind: 'error', code: error.code ?? error.name };
}

/** Reads a response to its end, or to the limit. */
function readResponse(response: IncomingMessage, done: (reply: HostReply) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= BODY_LIMIT_BYTES) {
      chunks.push(chunk);
      return;
    }
    done({ kind: 'garbage', text: Buffer.concat(chunks).toString('utf8', 0, GARBAGE_CHARS) });
    response.destroy();
  });
  response.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8');
    done({ kind: 'response', status: response.statusCode ?? 0, body });
  });
  // Cut in the middle of a body.
  response.on('error', (error: SocketError) => done(replyOfError(error)));
}

function headersFor(
  method: HostRequest['method'],
  body: Buffer | undefined,
): Record<string, string | number> {
  const host = { host: 'localhost' };
  if (body) return { ...host, 'content-type': 'application/json', 'content-length': body.length };
  return method === 'GET' ? host : { ...host, 'content-length': 0 };
}

/** A transport over the socket at `socketPath`. */
export function socketTransport(socketPath: string): HostTransport {
  return (request: HostRequest, signal: AbortSignal) =>
    new Promise<HostReply>((resolve) => {
      const body = request.body === undefined ? undefined : Buffer.from(request.body);
      const outgoing = httpRequest({
        socketPath,
        method: request.method,
        path: request.path,
        headers: headersFor(request.method, body),
        agent: false,
      });
      const abort = (): void => {
        outgoing.destroy();
      };
      const done = (reply: HostReply): void => {
        signal.removeEventListener('abort', abort);
        resolve(reply);
      };
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      outgoing.on('response', (response) => readResponse(response, done));
      outgoing.on('error', (error: SocketError) => done(replyOfError(error)));
      // After an early destroy there may be no other event.
      outgoing.on('close', () => done({ kind: 'error', code: 'ECONNRESET' }));
      outgoing.end(body);
    });
}
