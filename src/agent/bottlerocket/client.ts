/** The Bottlerocket host API over any transport: requests, time limits, and the meaning of each answer. */
import type { Clock } from '../../runtime/clock.ts';
import { parseJson, parseKeys, parseOs, parseSettings, parseUpdateStatus } from './parse.ts';
import type {
  CommandType,
  HostAnswer,
  HostPort,
  HostProblem,
  OsInfo,
  RebootAnswer,
  UpdateSettings,
  UpdateStatus,
} from './port.ts';
import type { HostReply, HostRequest, HostTransport } from './transport.ts';

/** GETs answer at once unless the host's single worker is blocked. */
export const GET_LIMIT_MS = 10_000;
/** A command blocks the worker until it has forked; a reboot until systemd has taken it. */
export const POST_LIMIT_MS = 60_000;
/** Of an error's text, what a report keeps. */
const ERROR_CHARS = 500;
/** Of an answer nobody understands, what a report keeps. */
const STRANGE_CHARS = 200;

const ACTIONS: Readonly<Record<CommandType, string>> = {
  refresh: '/actions/refresh-updates',
  prepare: '/actions/prepare-update',
  activate: '/actions/activate-update',
  deactivate: '/actions/deactivate-update',
};

const SETTING_KEYS = 'settings.updates.version-lock,settings.updates.ignore-waves';

/** Errors before a connection exists. An abort of ours is not among them: the request may be on its way. */
const NOT_CONNECTED = new Set(['ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM', 'ENOTSOCK', 'EAGAIN']);

/** True when the host has certainly not seen a request that ended with this code. */
export const neverArrived = (code: string): boolean => NOT_CONNECTED.has(code);

/** Codes of ours for an answer that was not waited for any longer. */
const NO_WORD: Readonly<Record<string, 'timeout' | 'aborted'>> = { TIMEOUT: 'timeout', ABORTED: 'aborted' };

export interface HostClientOptions {
  transport: HostTransport;
  clock: Clock;
  /** Ends every request under way and to come. */
  signal?: AbortSignal;
}

const strange = (text: string): { kind: 'strange'; text: string } => ({
  kind: 'strange',
  text: text.slice(0, STRANGE_CHARS),
});

function problemOf(status: number, body: string): HostProblem {
  const text = body.slice(0, ERROR_CHARS);
  if (status === 423) return { kind: 'locked', text };
  if (status === 409) return { kind: 'notAllowed', text };
  if (status === 404) return { kind: 'notFound', text };
  return { kind: 'failed', status, text };
}

/** What a reply means when `read` knows the body of a 2xx; undefined from `read` makes it strange. */
function answerOf<T>(reply: HostReply, read: (body: string) => T | undefined): HostAnswer<T> {
  if (reply.kind === 'error') return { kind: 'unreachable', code: reply.code };
  if (reply.kind === 'garbage') return strange(reply.text);
  if (reply.status < 200 || reply.status > 299) return problemOf(reply.status, reply.body);
  const value = read(reply.body);
  return value === undefined ? strange(reply.body) : { kind: 'ok', value };
}

const json =
  <T>(parse: (value: unknown) => T | undefined) =>
  (body: string): T | undefined =>
    parse(parseJson(body));

/** What a reply to POST /actions/reboot means. */
export function rebootAnswer(reply: HostReply): RebootAnswer {
  if (reply.kind === 'garbage') return strange(reply.text);
  if (reply.kind === 'error') {
    if (neverArrived(reply.code)) return { kind: 'notDelivered', code: reply.code };
    return { kind: 'accepted', by: NO_WORD[reply.code] ?? 'connectionLost' };
  }
  if (reply.status === 204) return { kind: 'accepted', by: '204' };
  // systemd stops the API and its child with SIGTERM while the reboot proceeds: that is exit code 15.
  if (reply.status === 500 && /\bexit code: 15\b/.test(reply.body))
    return { kind: 'accepted', by: 'exitCode15' };
  if (reply.status === 500) return { kind: 'refused', text: reply.body.slice(0, ERROR_CHARS) };
  return strange(`${reply.status} ${reply.body}`);
}

/** HostPort over a transport. */
export class HostClient implements HostPort {
  readonly #options: HostClientOptions;

  constructor(options: HostClientOptions) {
    this.#options = options;
  }

  async os(): Promise<HostAnswer<OsInfo>> {
    return answerOf(await this.#send({ method: 'GET', path: '/os' }), json(parseOs));
  }

  async updateStatus(): Promise<HostAnswer<UpdateStatus>> {
    return answerOf(await this.#send({ method: 'GET', path: '/updates/status' }), json(parseUpdateStatus));
  }

  async command(type: CommandType): Promise<HostAnswer<void>> {
    const reply = await this.#send({ method: 'POST', path: ACTIONS[type] });
    const answer = answerOf(reply, (body) => ({ body }));
    return answer.kind === 'ok' ? { kind: 'ok', value: undefined } : answer;
  }

  async reboot(): Promise<RebootAnswer> {
    return rebootAnswer(await this.#send({ method: 'POST', path: '/actions/reboot' }));
  }

  async settings(): Promise<HostAnswer<UpdateSettings>> {
    const reply = await this.#send({ method: 'GET', path: `/settings?keys=${SETTING_KEYS}` });
    return answerOf(reply, json(parseSettings));
  }

  async setSettings(change: Partial<UpdateSettings>, tx: string): Promise<HostAnswer<string[]>> {
    const query = `?tx=${encodeURIComponent(tx)}`;
    const updates = {
      ...(change.versionLock === undefined ? {} : { 'version-lock': change.versionLock }),
      ...(change.ignoreWaves === undefined ? {} : { 'ignore-waves': change.ignoreWaves }),
    };
    const patch = { method: 'PATCH', path: `/settings${query}`, body: JSON.stringify({ updates }) } as const;
    const patched = answerOf(await this.#send(patch), () => true);
    if (patched.kind !== 'ok') return patched;
    const reply = await this.#send({ method: 'POST', path: `/tx/commit_and_apply${query}` });
    const answer = answerOf(reply, json(parseKeys));
    // What is pending would wait for anybody who names the transaction; it is dropped, as far as that is possible.
    if (answer.kind === 'failed') await this.#send({ method: 'DELETE', path: `/tx${query}` });
    return answer;
  }

  /** One exchange within its time limit. The transport is told to give up when the limit or our signal ends it. */
  async #send(request: HostRequest): Promise<HostReply> {
    const { clock, transport, signal } = this.#options;
    if (signal?.aborted) return { kind: 'error', code: 'ABORTED' };
    const limitMs = request.method === 'GET' ? GET_LIMIT_MS : POST_LIMIT_MS;
    const exchange = new AbortController();
    const timer = new AbortController();
    const stop = (): void => timer.abort();
    signal?.addEventListener('abort', stop, { once: true });
    const late = clock.sleep(limitMs, timer.signal).then(
      (): HostReply => ({ kind: 'error', code: 'TIMEOUT' }),
      (): HostReply => ({ kind: 'error', code: signal?.aborted ? 'ABORTED' : 'TIMEOUT' }),
    );
    try {
      return await Promise.race([transport(request, exchange.signal), late]);
    } finally {
      signal?.removeEventListener('abort', stop);
      exchange.abort();
      timer.abort();
    }
  }
}
