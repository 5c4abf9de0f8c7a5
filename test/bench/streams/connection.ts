/**
 * A request of an agent, byte for byte, without Node's client for HTTP: ten thousand of those would take more memory
 * and time than the server that is measured.
 */
import type { SecureContext, TLSSocket } from 'node:tls';
import { connect } from 'node:tls';

export interface Target {
  port: number;
  secureContext: SecureContext;
}

export interface AgentRequest {
  method: 'GET' | 'PUT';
  path: string;
  token: string;
  /** JSON. */
  body?: string;
}

export interface Opened {
  socket: TLSSocket;
  status: number;
  /** Seconds of `Retry-After`; 0 without. */
  retryAfter: number;
}

/** Sends a request on a connection of its own, and resolves with the head of the answer. @throws what breaks it. */
export function open({ port, secureContext }: Target, request: AgentRequest): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      secureContext,
      ALPNProtocols: ['http/1.1'],
    });
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      socket.resume();
      const status = Number(head.split(' ', 2)[1]);
      resolve({ socket, status, retryAfter: Number(/^retry-after: (\d+)/im.exec(head)?.[1] ?? 0) });
    };
    socket.on('data', onData);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an answer')));
    socket.write(textOf(request));
  });
}

function textOf({ method, path, token, body }: AgentRequest): string {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${token}`];
  if (body !== undefined)
    head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return `${head.join('\r\n')}\r\nConnection: close\r\n\r\n${body ?? ''}`;
}
