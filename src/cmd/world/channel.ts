/**
 * The agent's channel with no more of a network than can be cut: the same core of the API server, the same lines, the
 * same problems. Either side may die or be stopped at any moment.
 */
import { ChannelError } from '../../agent/ports.ts';
import type { Channel, ChannelAnswer } from '../../agent/ports.ts';
import type { AgentApi } from '../../apiserver/agentapi.ts';
import type { Identity } from '../../apiserver/auth/identity.ts';
import { ApiProblem } from '../../apiserver/problem.ts';
import type { StreamLine } from '../../api/wire.ts';
import type { Clock } from '../../runtime/clock.ts';
import { withTimeout } from '../../runtime/timers.ts';
import type { Life } from '../../sim/process/life.ts';
import { ConnectionReset } from '../../sim/process/life.ts';
import type { Network } from '../../sim/process/network.ts';
import type { ApiBalancer, ApiReplica } from './balancer.ts';
import { LineQueue } from './linequeue.ts';

export interface LocalChannelOptions {
  /** The agent that holds the channel. */
  life: Life;
  /** The world's. */
  clock: Clock;
  network: Network;
  balancer: ApiBalancer;
  token: () => string;
}

/** As of the channel over HTTPS: for a whole request, and for a stream until it is open. */
const REQUEST_LIMIT_MS = 30_000;

/** What a request comes to in the process that serves it. */
type Work<T> = (api: AgentApi, identity: Identity) => Promise<T>;

/** See the head of this file. */
export function localChannel(options: LocalChannelOptions): Channel {
  const answer = async <T>(work: Work<T>): Promise<ChannelAnswer<T>> => {
    try {
      const value = await options.life.cross(() => request(options, work));
      return { kind: 'ok', value: structuredClone(value) };
    } catch (error) {
      return problemOf(error);
    }
  };
  return {
    get: () => answer(async (api, identity) => (await api.read(identity)).object),
    putStatus: (report) => answer((api, identity) => api.report(identity, structuredClone(report))),
    watch: (signal) => watch(options, signal),
  };
}

/** A whole request over a connection of its own. */
async function request<T>(options: LocalChannelOptions, work: Work<T>): Promise<T> {
  const replica = connect(options);
  const { clock } = options;
  return withTimeout({ clock, limitMs: REQUEST_LIMIT_MS }, () => exchange(options, replica, work));
}

/** @throws ChannelError when nobody listens */
function connect({ balancer }: LocalChannelOptions): ApiReplica {
  const replica = balancer.pick();
  if (replica === undefined) throw new ChannelError('connection', 'connection refused');
  return replica;
}

/** What both sides say goes over the network. @throws what the API server throws, ConnectionReset */
async function exchange<T>(
  { life, network, token }: LocalChannelOptions,
  { name, life: server, api }: ApiReplica,
  work: Work<T>,
): Promise<T> {
  const authorization = `Bearer ${token()}`;
  const route = network.route(life.name, name);
  await route.there();
  try {
    return await server.serve(async () => work(api, await api.authenticate(authorization)));
  } finally {
    await route.back();
  }
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

async function* watch(options: LocalChannelOptions, signal: AbortSignal): AsyncIterable<StreamLine> {
  const { life, network } = options;
  const replica = connect(options);
  const route = network.route(life.name, replica.name);
  const lines = new LineQueue(() => route.back());
  const open = (): Promise<() => void> => openStream(options, replica, lines);
  const close = await life.cross(() => open().catch(brokenStream));
  const forget = [life.onDeath(close), replica.life.onDeath(() => lines.break())];
  const onAbort = (): void => {
    close();
    lines.end();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      const line = await life.cross(() => lines.next());
      if (line === undefined || signal.aborted) return;
      yield line;
    }
  } catch (error) {
    brokenStream(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const each of forget) each();
    close();
  }
}

/** @returns closes it, as far as the network lets its other side know */
async function openStream(
  options: LocalChannelOptions,
  replica: ApiReplica,
  lines: LineQueue,
): Promise<() => void> {
  const { clock, life, network } = options;
  const work: Work<() => void> = async (api, identity) => {
    const stream = await api.watch(identity, lines);
    return () => replica.life.call(() => stream.closed());
  };
  const close = await withTimeout({ clock, limitMs: REQUEST_LIMIT_MS }, () =>
    exchange(options, replica, work),
  );
  const hangUp = (): void => {
    const held = network.pass({ from: life.name, to: replica.name });
    if (held === undefined) close();
    else held.then(close, close);
  };
  if (life.isDead) hangUp();
  return hangUp;
}

/** @throws ChannelError always, as a stream that did not open or broke says it */
function brokenStream(error: unknown): never {
  if (error instanceof ApiProblem) throw new ChannelError(error.code, error.message, error.retryAfterMs);
  if (error instanceof ConnectionReset) throw new ChannelError('connection', error.message);
  throw error instanceof ChannelError ? error : new ChannelError('connection', String(error));
}
