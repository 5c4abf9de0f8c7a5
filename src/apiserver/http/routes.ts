/** The paths of design 7: each with its schema; all decisions are the core's. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StatusReport } from '../../api/statusreport.ts';
import type { ShadowAnswer } from '../../api/wire.ts';
import { SHADOW_PATH, STATUS_PATH } from '../../api/wire.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { AgentApi } from '../agentapi.ts';
import type { Identity } from '../auth/identity.ts';
import { ResponseSink } from './sink.ts';

const WATCH = { type: 'object', properties: { watch: { type: 'string', enum: ['true', 'false'] } } };

export interface RouteOptions {
  api: AgentApi;
  clock: Clock;
}

/** Routes that need an identity. Who calls is settled before a byte of the body is read. */
export function agentRoutes(app: FastifyInstance, { api, clock }: RouteOptions): void {
  const callers = new WeakMap<FastifyRequest, Identity>();
  const caller = (request: FastifyRequest): Identity => {
    const identity = callers.get(request);
    if (identity === undefined) throw new Error('A route was reached without authentication');
    return identity;
  };

  app.addHook('onRequest', async (request) => {
    callers.set(request, await api.authenticate(request.headers.authorization));
  });

  app.get<{ Querystring: { watch?: 'true' | 'false' } }>(
    SHADOW_PATH,
    { schema: { querystring: WATCH } },
    async (request, reply): Promise<ShadowAnswer | FastifyReply> => {
      if (request.query.watch === 'true') return stream(request, reply);
      return api.read(caller(request));
    },
  );

  app.put<{ Body: StatusReport }>(STATUS_PATH, { schema: { body: StatusReport } }, (request) =>
    api.report(caller(request), request.body),
  );

  /** From here on the answer belongs to the hub, which writes the first line before this returns. */
  async function stream(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { raw } = reply;
    const opened = await api.watch(caller(request), new ResponseSink(raw));
    reply.hijack();
    // A stream lives as long as its token: neither the token nor the other headers are kept that long.
    request.raw.rawHeaders = [];
    request.raw.headers = {};
    raw.on('drain', () => opened.drained(clock.monotonic()));
    const closed = (): void => opened.closed();
    raw.on('close', closed);
    raw.on('error', closed);
    if (raw.destroyed) closed();
    return reply;
  }
}

/** Routes for whoever asks: is this process alive, is it ready. */
export function probeRoutes(app: FastifyInstance, isReady: () => string | undefined): void {
  app.get('/ping', () => 'pong');
  app.get('/healthz', () => 'ok');
  app.get('/readyz', (_request, reply) => {
    const why = isReady();
    return reply.code(why === undefined ? 200 : 503).send(why ?? 'ok');
  });
}
