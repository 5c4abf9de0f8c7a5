/** HTTP to the API server: connections that are kept, time limits, and no knowledge of resources. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { type Clock, parseHttpDate } from '../clock.ts';
import { KubernetesError } from '../kubernetes.ts';
import { linkAbort, TimeoutError, withTimeout } from '../timers.ts';
import type { Access, Credentials, TlsIdentity } from './credentials.ts';
import { Limiter } from './limiter.ts';
import { answerError, noAnswer } from './status.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query. */
  path: string;
  /** `afterMs`: how much later than the headers it is sent. */
  body?: { contentType: string; json: unknown; afterMs?: number };
  /** From the call to the last byte of the answer, the wait for a free connection included. */
  limitMs: number;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  body: string;
}

export interface TransportOptions {
  credentials: Credentials;
  clock: Clock;
  userAgent: string;
  /** Requests under way at a time, watches not counted. */
  maxRequests: number;
}

/** A free connection is closed after so long, before the API server (90 s) and most load balancers (60 s) do. */
const IDLE_CONNECTION_MS = 45_000;

/** See the head of this file. Opens no connection before the first request. */
export class Transport {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #limiter: Limiter;
  #connections: { tls: TlsIdentity; agent: http.Agent } | undefined;
  /** The server's clock less our monotonic one. */
  #serverAheadMs: number | undefined;

  constructor(options: TransportOptions) {
    this.#credentials = options.credentials;
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
    this.#limiter = new Limiter(options.maxRequests);
  }

  /** See `KubernetesPort.clockSkewMs`. The header has whole seconds, so ± 0.5 s. */
  get clockSkewMs(): number | undefined {
    if (this.#serverAheadMs === undefined) return undefined;
    return this.#serverAheadMs + this.#clock.monotonic() - this.#clock.now();
  }

  /**
   * Sends a request and reads the whole answer.
   * @throws KubernetesError when the answer is no 2xx; `unknown` when there is none; `throttled` when it was not
   * even sent because `maxRequests` others were under way all the time.
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    let sent = false;
    try {
      return await withTimeout(this.#limit(request), async (signal) => {
        await this.#limiter.acquire(signal);
        try {
          sent = true;
          return await this.#exchange(request, signal);
        } finally {
          this.#limiter.release();
        }
      });
    } catch (error) {
      if (error instanceof KubernetesError) throw error;
      if (sent && error instanceof TimeoutError) this.#dropIdle();
      if (!sent && error instanceof TimeoutError)
        throw new KubernetesError('throttled', `not sent within ${request.limitMs} ms: too many requests`);
      throw noAnswer(messageOf(error), error);
    }
  }

  /**
   * Sends a request and hands out the answer's body as it comes; `limitMs` is for the headers only.
   * @throws as `request`; while reading, `unknown` when the connection is cut.
   */
  async *stream(
    request: HttpRequest & { signal: AbortSignal; onOpen?: (() => void) | undefined },
  ): AsyncGenerator<string> {
    const life = linkAbort(request.signal);
    try {
      const response = await this.#open(request, life.signal);
      request.onOpen?.();
      response.setEncoding('utf8');
      for await (const chunk of response) yield chunk as string;
    } catch (error) {
      if (request.signal.aborted) return;
      throw error instanceof KubernetesError ? error : noAnswer(messageOf(error), error);
    } finally {
      // Also ends a request whose headers never came.
      life.abort();
      life.release();
    }
  }

  /** Closes connections nobody uses. Requests may follow; they open new ones. */
  close(): void {
    this.#connections?.agent.destroy();
    this.#connections = undefined;
  }

  #limit(request: HttpRequest): { clock: Clock; limitMs: number; signal?: AbortSignal } {
    return {
      clock: this.#clock,
      limitMs: request.limitMs,
      ...(request.signal !== undefined && { signal: request.signal }),
    };
  }

  async #open(request: HttpRequest, life: AbortSignal): Promise<IncomingMessage> {
    return withTimeout(this.#limit(request), async () => {
      const access = await this.#credentials.current();
      const response = await this.#send(this.#outgoing(request, access), life);
      this.#noteDate(response);
      if (isSuccess(response)) return response;
      const body = await readAll(response);
      if (response.statusCode === 401) this.#credentials.refused();
      throw answerError(response.statusCode ?? 0, body, response.headers['retry-after']);
    });
  }

  /** Sends; a second time where the first has surely not been carried out. */
  async #exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const access = await this.#credentials.current();
    const first = await this.#once(request, access, signal);
    if (first.status !== 401) return orThrow(first);
    this.#credentials.refused();
    const renewed = await this.#credentials.current();
    if (renewed.headers['Authorization'] === access.headers['Authorization']) return orThrow(first);
    return orThrow(await this.#once(request, renewed, signal));
  }

  async #once(request: HttpRequest, access: Access, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const outgoing = this.#outgoing(request, access);
    let response: IncomingMessage;
    try {
      response = await this.#send(outgoing, signal);
    } catch (error) {
      // A kept connection that the server closed just now. A read may be repeated; a write may have happened.
      if (request.method !== 'GET' || !(error instanceof StaleConnection)) throw error;
      response = await this.#send(outgoing, signal);
    }
    this.#noteDate(response);
    const body = await readAll(response);
    return { status: response.statusCode ?? 0, body, retryAfter: response.headers['retry-after'] };
  }

  /** Resolves with the headers of the answer. */
  async #send(outgoing: Outgoing, signal: AbortSignal): Promise<IncomingMessage> {
    const { payload, payloadAfterMs } = outgoing;
    const { request, response } = begin(outgoing, signal);
    if (payloadAfterMs > 0) {
      request.flushHeaders();
      // Awaited below, unless the wait is ended first.
      response.catch(() => undefined);
      // An answer that comes before the body was sent is a refusal.
      await Promise.race([this.#clock.sleep(payloadAfterMs, signal), response]);
    }
    request.end(payload);
    return response;
  }

  #outgoing(request: HttpRequest, access: Access): Outgoing {
    const payload = request.body === undefined ? undefined : JSON.stringify(request.body.json);
    const prefix = access.server.pathname.replace(/\/$/, '');
    return {
      secure: access.server.protocol === 'https:',
      payload,
      payloadAfterMs: request.body?.afterMs ?? 0,
      options: {
        method: request.method,
        hostname: access.server.hostname.replace(/^\[|\]$/g, ''),
        port: access.server.port,
        path: prefix + request.path,
        agent: access.proxy ?? this.#agent(access),
        headers: {
          ...access.headers,
          Accept: 'application/json',
          'User-Agent': this.#userAgent,
          ...(payload !== undefined && {
            'Content-Type': request.body?.contentType,
            'Content-Length': Buffer.byteLength(payload),
          }),
        },
      },
    };
  }

  /** Connections of this TLS identity; those of an older one finish what they do and close. */
  #agent(access: Access): http.Agent {
    const current = this.#connections;
    if (current !== undefined && sameTls(current.tls, access.tls)) return current.agent;
    const kind = access.server.protocol === 'https:' ? https : http;
    const agent = new kind.Agent({
      ...access.tls,
      keepAlive: true,
      keepAliveMsecs: 30_000,
      timeout: IDLE_CONNECTION_MS,
    });
    this.#connections = { tls: access.tls, agent };
    return agent;
  }

  /** When one connection is dead, those that wait beside it probably are too. */
  #dropIdle(): void {
    for (const sockets of Object.values(this.#connections?.agent.freeSockets ?? {}))
      for (const socket of sockets ?? []) socket.destroy();
  }

  #noteDate(response: IncomingMessage): void {
    const serverMs = parseHttpDate(response.headers.date);
    if (serverMs !== undefined) this.#serverAheadMs = serverMs + 500 - this.#clock.monotonic();
  }
}

interface Answer extends HttpAnswer {
  retryAfter: string | undefined;
}

interface Outgoing {
  secure: boolean;
  payload: string | undefined;
  payloadAfterMs: number;
  options: https.RequestOptions;
}

/** The connection was taken from the pool and had been closed by the other side. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

/** Sends the headers. @returns the request, whose body has to follow, and the headers of its answer */
function begin(
  outgoing: Outgoing,
  signal: AbortSignal,
): { request: http.ClientRequest; response: Promise<IncomingMessage> } {
  const start = outgoing.secure ? https.request : http.request;
  const request = start({ ...outgoing.options, signal });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? new StaleConnection(error.message, { cause: error }) : error);
    });
  });
  return { request, response };
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const isSuccess = (response: IncomingMessage): boolean =>
  response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300;

function orThrow(answer: Answer): HttpAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw answerError(answer.status, answer.body, answer.retryAfter);
}

const same = (a: Buffer | string | undefined, b: Buffer | string | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && Buffer.from(a).equals(Buffer.from(b)));

function sameTls(a: TlsIdentity, b: TlsIdentity): boolean {
  return (
    same(a.ca, b.ca) &&
    same(a.cert, b.cert) &&
    same(a.key, b.key) &&
    a.rejectUnauthorized === b.rejectUnauthorized &&
    a.servername === b.servername
  );
}

const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return messageOf(error.errors[0]);
  return error instanceof Error && error.message !== '' ? error.message : 'no answer from the API server';
};
