/** The HTTPS server around the core: limits, problems, shutdown. */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_CONTENT_TYPE, SHADOW_PATH, STATUS_PATH } from '../../api/wire.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { AgentApi } from '../agentapi.ts';
import { ApiProblem } from '../problem.ts';
import { toProblem } from './errors.ts';
import type { HttpLimits } from './limits.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { agentRoutes, probeRoutes } from './routes.ts';

/** A certificate chain and its key, PEM. */
export interface Pair {
  cert: string;
  key: string;
}

export interface HttpServerOptions {
  api: AgentApi;
  pair: Pair;
  /** Why this replica is not ready; undefined when it is. */
  isReady: () => string | undefined;
  clock: Clock;
  log: Logger;
  limits?: Partial<HttpLimits>;
}

/** Without ML-KEM, whose key OpenSSL keeps as long as the connection: 6 KiB for each of thousands of streams. */
const KEY_EXCHANGE = 'X25519:P-256';

/**
 * The same as naming the protocols in `ALPNProtocols`, of which Node would make each connection a copy of its own: nine
 * bytes from its pool, which keep 64 KiB of it as long as the connection.
 * @returns undefined for a client that speaks nothing we do: it is refused.
 */
const chooseProtocol = ({ protocols }: { protocols: string[] }): string | undefined =>
  protocols.find((protocol) => protocol === 'http/1.1');

const METHODS: Readonly<Record<string, string>> = { [SHADOW_PATH]: 'GET', [STATUS_PATH]: 'PUT' };

/** See the head of this file. Constructing it opens nothing. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #app: FastifyInstance<Server>;
  #closing = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#app = build(options);
    this.#app.setErrorHandler<FastifyError>((error, request, reply) => this.#refuse(error, request, reply));
    this.#app.setNotFoundHandler((request, reply) => this.#refuse(strangeRoute(request), request, reply));
    this.#app.addHook('onRequest', async (_request, reply) => {
      if (this.#closing) reply.header('connection', 'close');
    });
    probeRoutes(this.#app, options.isReady);
    void this.#app.register(async (scope) => agentRoutes(scope, options));
  }

  /**
   * @param address without host: all addresses, of IPv6 too where there is any.
   * @returns the port. @throws Error when the address cannot be had.
   */
  async listen(address: { host: string | undefined; port: number }): Promise<number> {
    const { host = '::', port } = address;
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      if (address.host !== undefined || !isWithoutIpv6(error)) throw error;
      await this.#app.listen({ host: '0.0.0.0', port });
    }
    const bound = this.#app.server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : address.port;
  }

  /** Connections opened from now on use this pair; those there are keep theirs. @throws Error for a bad pair. */
  setPair(pair: Pair): void {
    this.#app.server.setSecureContext({ ...pair, minVersion: 'TLSv1.2', ecdhCurve: KEY_EXCHANGE });
  }

  /** From now on no connection is kept for a further request. */
  announceClose(): void {
    this.#closing = true;
  }

  /** Takes no further connection, finishes the requests under way, and after `limitMs` cuts what is left. */
  async close(limitMs: number): Promise<void> {
    const timer = new AbortController();
    const cut = this.#options.clock.sleep(limitMs, timer.signal).then(
      () => this.#app.server.closeAllConnections(),
      () => undefined,
    );
    await this.#app.close();
    timer.abort();
    await cut;
  }

  #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = toProblem(error);
    const { api, log } = this.#options;
    api.metrics.problem(problem.code);
    const fields = { problem: problem.code, method: request.method, path: request.url.slice(0, 100) };
    if (problem.code === 'Internal')
      log.error('Request failed', { ...fields, ...errorFields(problem.cause) });
    else log.debug('Request refused', { ...fields, detail: problem.detail, from: request.ip });
    if (problem.retryAfterMs !== undefined) {
      reply.header('retry-after', Math.max(1, Math.ceil(problem.retryAfterMs / 1000)));
    }
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    if (closesConnection(problem)) reply.header('connection', 'close');
    const body = Buffer.from(JSON.stringify(problem.toBody()));
    return reply.code(problem.status).type(PROBLEM_CONTENT_TYPE).send(body);
  }
}

const isWithoutIpv6 = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(String(error.code));

/** The rest of a body that nobody asked for is not waited for. */
const closesConnection = ({ status }: ApiProblem): boolean => [401, 403, 413, 415].includes(status);

function strangeRoute(request: FastifyRequest): ApiProblem {
  const method = METHODS[request.url.split('?')[0] ?? ''];
  if (method === undefined) return new ApiProblem('NotFound');
  return new ApiProblem('MethodNotAllowed', { detail: `only ${method} is answered here` });
}

function build(options: HttpServerOptions): FastifyInstance<Server> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const app = fastify({
    https: {
      ...options.pair,
      minVersion: 'TLSv1.2',
      ecdhCurve: KEY_EXCHANGE,
      ALPNCallback: chooseProtocol,
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: limits.checkMs,
      maxHeaderSize: limits.headerBytes,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionTimeout: limits.silenceMs,
    bodyLimit: limits.bodyBytes,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    logger: false,
    ajv: {
      customOptions: { removeAdditional: 'all', coerceTypes: false, useDefaults: false, allErrors: false },
    },
    clientErrorHandler: (error, socket) => refuseConnection(options.api, error, socket),
    frameworkErrors: (error, _request, reply) => {
      const problem = toProblem(error);
      options.api.metrics.problem(problem.code);
      void (reply as FastifyReply).code(problem.status).type(PROBLEM_CONTENT_TYPE).send(problem.toBody());
    },
  });
  app.removeContentTypeParser('text/plain');
  app.server.maxConnections = limits.connections;
  return app;
}

/** What came was no HTTP, or came too slowly. */
function refuseConnection(api: AgentApi, error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new ApiProblem('BadRequest');
  api.metrics.problem(problem.code);
  const body = JSON.stringify(problem.toBody());
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: ${PROBLEM_CONTENT_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
