/**
 * Serves a simulated host on a real unix socket, for agents that run as processes of their own: with the codes,
 * headers and time limits of the real API server, and a new socket after every boot.
 */
import { chmod, chown, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { draw } from './durations.ts';
import type { SimulatedHost } from './host.ts';
import { JSON_LIMIT_BYTES } from './routes.ts';
import type { HttpAnswer } from './routes.ts';

export interface HostServerOptions {
  host: SimulatedHost;
  socketPath: string;
  /** Group that may open the socket; 274 on Bottlerocket. @default the group of this process */
  socketGroup?: number;
  /** Written at the start and at every boot, in place. Absent = none. */
  bootIdFile?: string;
  /** Idle connections are closed after it. @default 4700 */
  keepAliveMs?: number;
  /** A request whose headers take longer is answered 408. @default 5000 */
  headersMs?: number;
}

/** See the head of this file. */
export class HostServer {
  readonly #options: HostServerOptions;
  #server: Server | undefined;
  /** Which socket of the host is served now. */
  #inode: number | undefined;
  /** Changes to the socket happen one after the other. */
  #changes: Promise<void> = Promise.resolve();

  constructor(options: HostServerOptions) {
    this.#options = options;
  }

  /** Serves until the signal aborts. @returns when the first socket is there. */
  async start(signal: AbortSignal): Promise<void> {
    const { host, bootIdFile } = this.#options;
    const stopSocket = host.onSocket(() => this.#follow());
    const stopPower = host.onPower((event) => {
      if (event.type === 'up') this.#enqueue(() => this.#writeBootId(bootIdFile));
    });
    signal.addEventListener('abort', () => {
      stopSocket();
      stopPower();
      this.#enqueue(() => this.#close());
    });
    this.#enqueue(() => this.#writeBootId(bootIdFile));
    this.#follow();
    await this.#changes;
  }

  /** Resolves when all changes so far have been made; rejects when one of them failed. */
  settled(): Promise<void> {
    return this.#changes;
  }

  #follow(): void {
    this.#enqueue(async () => {
      const { host } = this.#options;
      const wanted = host.apiUp ? host.inode : undefined;
      if (wanted === this.#inode) return;
      await this.#close();
      if (wanted !== undefined) await this.#open();
      this.#inode = wanted;
    });
  }

  #enqueue(change: () => Promise<void>): void {
    this.#changes = this.#changes.then(change);
    // Who waits for `start` or `settled` gets the error; nobody else has to.
    this.#changes.catch(() => undefined);
  }

  async #writeBootId(path: string | undefined): Promise<void> {
    if (path !== undefined) await writeFile(path, `${this.#options.host.bootId}\n`);
  }

  async #open(): Promise<void> {
    const { socketPath, socketGroup, keepAliveMs = 4_700, headersMs = 5_000 } = this.#options;
    await rm(socketPath, { force: true });
    const server = createServer(
      {
        keepAliveTimeout: keepAliveMs,
        keepAliveTimeoutBuffer: 0,
        headersTimeout: headersMs,
        requestTimeout: 0,
        connectionsCheckingInterval: Math.max(10, headersMs / 10),
        requireHostHeader: false,
      },
      (request, response) => void this.#answer(request, response),
    );
    server.on('clientError', refuseClient);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, resolve);
    });
    await chmod(socketPath, 0o660);
    // -1 leaves the owner as it is.
    if (socketGroup !== undefined) await chown(socketPath, -1, socketGroup);
    this.#server = server;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#inode = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
    await rm(this.#options.socketPath, { force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host } = this.#options;
    const body = await readBody(request);
    await host.clock.sleep(draw(host.durations.answerMs, host.random));
    await host.unblocked();
    if (!host.apiUp) {
      request.socket.destroy();
      return;
    }
    const contentType = request.headers['content-type'];
    const result = host.request({
      method: request.method ?? '',
      path: request.url ?? '',
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
    });
    if (result.kind === 'cut') request.socket.destroy();
    else send(response, result.answer, host.clock.now());
  }
}

/** The body as text, one byte more than the limit at the most; undefined when there is none. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > JSON_LIMIT_BYTES) break;
    }
  } catch {
    // The client went away; what it sent is carried out all the same, as the real worker does.
  }
  return bytes === 0 ? undefined : Buffer.concat(chunks).toString('utf8');
}

/** Writes the answer with exactly the headers of the real server: lower case, a date, and no more than needed. */
function send(response: ServerResponse, answer: HttpAnswer, now: number): void {
  if (response.destroyed) return;
  const body = Buffer.from(answer.body);
  response.sendDate = false;
  // Node would announce keep-alive; setting and removing the header is how it is told not to.
  if (response.shouldKeepAlive) response.removeHeader('connection');
  if (answer.status !== 204) response.setHeader('content-length', body.length);
  if (answer.contentType !== undefined) response.setHeader('content-type', answer.contentType);
  response.setHeader('date', new Date(now).toUTCString());
  response.writeHead(answer.status);
  response.end(body);
}

/** Requests that are no HTTP/1.1 get 400, slow ones 408, both without a body. */
function refuseClient(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const line = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
}
