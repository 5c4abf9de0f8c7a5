/** The agent's channel without a network: the same core of the API server, the same lines, the same problems. */
import { ChannelError } from '../../agent/ports.ts';
import type { Channel, ChannelAnswer } from '../../agent/ports.ts';
import type { AgentApi } from '../../apiserver/agentapi.ts';
import type { Identity } from '../../apiserver/auth/identity.ts';
import { ApiProblem } from '../../apiserver/problem.ts';
import type { StreamLine } from '../../api/wire.ts';
import type { ApiBalancer } from './balancer.ts';

export interface LocalChannelOptions {
  balancer: ApiBalancer;
  token: () => string;
  /** The process that holds the channel is gone: it hears nothing any more. */
  isDead: () => boolean;
}

const never = (): Promise<never> => new Promise(() => undefined);

/** See the head of this file. */
export function localChannel(options: LocalChannelOptions): Channel {
  const { isDead } = options;
  const connect = async (): Promise<{ api: AgentApi; identity: Identity }> => {
    const api = options.balancer.pick();
    if (api === undefined) throw new ChannelError('connection', 'connection refused');
    return { api, identity: await api.authenticate(`Bearer ${options.token()}`) };
  };
  const answer = async <T>(
    call: (api: AgentApi, identity: Identity) => Promise<T>,
  ): Promise<ChannelAnswer<T>> => {
    if (isDead()) return never();
    try {
      const { api, identity } = await connect();
      const value = structuredClone(await call(api, identity));
      return isDead() ? await never() : { kind: 'ok', value };
    } catch (error) {
      if (isDead()) return never();
      return problemOf(error);
    }
  };
  return {
    get: () => answer(async (api, identity) => (await api.read(identity)).object),
    putStatus: (report) => answer((api, identity) => api.report(identity, structuredClone(report))),
    watch: (signal) => watch({ connect, isDead }, signal),
  };
}

function problemOf(error: unknown): ChannelAnswer<never> {
  if (error instanceof ApiProblem) {
    return {
      kind: 'problem',
      code: error.code,
      detail: error.message,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    };
  }
  return { kind: 'unknown', why: String(error) };
}

async function* watch(
  {
    connect,
    isDead,
  }: { connect: () => Promise<{ api: AgentApi; identity: Identity }>; isDead: () => boolean },
  signal: AbortSignal,
): AsyncIterable<StreamLine> {
  const lines: StreamLine[] = [];
  let ended = false;
  let news = Promise.withResolvers<void>();
  const wake = (): void => news.resolve();
  const sink = {
    write(line: string): boolean {
      lines.push(JSON.parse(line) as StreamLine);
      wake();
      return true;
    },
    end(): void {
      ended = true;
      wake();
    },
  };
  if (isDead()) await never();
  const stream = await openStream(connect, sink);
  const onAbort = (): void => {
    stream.closed();
    wake();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (!signal.aborted) {
      if (isDead()) await never();
      const line = lines.shift();
      if (line !== undefined) yield line;
      else if (ended) return;
      else {
        await news.promise;
        news = Promise.withResolvers<void>();
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stream.closed();
  }
}

async function openStream(
  connect: () => Promise<{ api: AgentApi; identity: Identity }>,
  sink: { write(line: string): boolean; end(): void },
) {
  try {
    const { api, identity } = await connect();
    return await api.watch(identity, sink);
  } catch (error) {
    if (error instanceof ApiProblem) throw new ChannelError(error.code, error.message, error.retryAfterMs);
    throw error;
  }
}
