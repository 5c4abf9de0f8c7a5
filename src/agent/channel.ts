/**
 * The Channel over HTTPS, with built-ins only; the token file is read for each request. The stream has its connection.
 * Other requests share one that is kept for a short while: the reports of a step follow each other within seconds, and
 * a replica that has just had the token reviewed does not ask for it again.
 */
import { readFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { SecureContext } from 'node:tls';
import { SHADOW_PATH, STATUS_PATH } from '../api/wire.ts';
import type { ReportAccepted, StatusReport, StreamLine, WireShadow } from '../api/wire.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/log.ts';
import { withTimeout } from '../runtime/timers.ts';
import { CaBundle } from './cabundle.ts';
import { linesOf } from './ndjson.ts';
import { ChannelError } from './ports.ts';
import type { Channel, ChannelAnswer } from './ports.ts';
import { readAccepted, readLine, readProblem, readShadow } from './wireformat.ts';

export interface HttpsChannelOptions {
  /** Of the API server, such as `https://brupop-apiserver.brupop-bottlerocket-aws.svc:8443`. */
  url: URL;
  /** The projected ServiceAccount token; kubelet renews it in place. */
  tokenFile: string;
  caFile: string;
  clock: Clock;
  logger: Logger;
}

/** For a whole request, and for a stream until its headers. */
const REQUEST_LIMIT_MS = 30_000;
/** Largest answer that is read. */
const ANSWER_LIMIT_BYTES = 1024 * 1024;
/** A connection without a request is closed after so long; the server would after 65 s. */
const KEEP_MS = 60_000;
/** Longest pause that a server may ask for. */
const RETRY_AFTER_LIMIT_MS = 300_000;

interface Sending {
  method: 'GET' | 'PUT';
  path: string;
  body?: string;
  /** Never over a connection that is kept: it is used for as long as it lasts. */
  isStream?: true;
}

/** See the head of this file. */
export class HttpsChannel implements Channel {
  readonly #options: HttpsChannelOptions;
  readonly #ca: CaBundle;
  /** Keeps a connection that was opened under one CA bundle. */
  #kept: { context: SecureContext; agent: Agent } | undefined;

  constructor(options: HttpsChannelOptions) {
    this.#options = options;
    this.#ca = new CaBundle(options.caFile, options.logger);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<StreamLine> {
    const { clock } = this.#options;
    const response = await withTimeout({ clock, limitMs: REQUEST_LIMIT_MS, signal }, () =>
      this.#send({ method: 'GET', path: `${SHADOW_PATH}?watch=true`, isStream: true }, signal),
    ).catch((error: unknown) => {
      throw lost(error);
    });
    try {
      if (response.statusCode !== 200) throw await refusedStream(response);
      for await (const text of linesOf(response)) {
        const line = readLine(text);
        if (line === undefined) throw new ChannelError('badLine', `not understood: ${text.slice(0, 200)}`);
        if (line !== 'other') yield line;
      }
    } catch (error) {
      throw lost(error);
    } finally {
      response.destroy();
    }
  }

  get(signal: AbortSignal): Promise<ChannelAnswer<WireShadow>> {
    return this.#exchange({ method: 'GET', path: SHADOW_PATH }, readShadow, signal);
  }

  putStatus(report: StatusReport, signal: AbortSignal): Promise<ChannelAnswer<ReportAccepted>> {
    return this.#exchange(
      { method: 'PUT', path: STATUS_PATH, body: JSON.stringify(report) },
      readAccepted,
      signal,
    );
  }

  async #exchange<T>(
    sending: Sending,
    read: (body: string) => T | undefined,
    signal: AbortSignal,
  ): Promise<ChannelAnswer<T>> {
    const { clock } = this.#options;
    try {
      return await withTimeout({ clock, limitMs: REQUEST_LIMIT_MS, signal }, async (inTime) => {
        const response = await this.#send(sending, inTime);
        return answerOf(response, await bodyOf(response), read);
      });
    } catch (error) {
      return { kind: 'unknown', why: lost(error).message };
    }
  }

  /** Sends a request. @returns the response once its headers are there. */
  async #send({ method, path, body, isStream }: Sending, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, tokenFile } = this.#options;
    const [token, secureContext] = await Promise.all([readFile(tokenFile, 'utf8'), this.#ca.context()]);
    const options: RequestOptions & { secureContext: SecureContext } = {
      hostname: url.hostname,
      port: url.port === '' ? 443 : Number(url.port),
      method,
      path,
      headers: {
        authorization: `Bearer ${token.trim()}`,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
      agent: isStream === true ? false : this.#agentFor(secureContext),
      secureContext,
    };
    return responseTo(httpsRequest(options), body, signal);
  }

  /** Whom to trust has changed: what was opened before is not used again, and closes by itself. */
  #agentFor(context: SecureContext): Agent {
    if (this.#kept?.context !== context) {
      const agent = new Agent({ keepAlive: true, maxFreeSockets: 1, timeout: KEEP_MS });
      this.#kept = { context, agent };
    }
    return this.#kept.agent;
  }
}

function responseTo(
  outgoing: ClientRequest,
  body: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      outgoing.destroy(new ChannelError('connection', 'given up'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.on('close', () => {
      signal.removeEventListener('abort', abort);
      reject(new ChannelError('connection', 'closed without an answer'));
    });
    outgoing.end(body);
  });
}

/** The whole body. @throws ChannelError when it is too long, and what the connection throws. */
async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_LIMIT_BYTES) throw new ChannelError('tooLong', 'the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answerOf<T>(
  response: IncomingMessage,
  body: string,
  read: (body: string) => T | undefined,
): ChannelAnswer<T> {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    const value = read(body);
    return value === undefined
      ? { kind: 'unknown', why: `an answer of unknown shape: ${body.slice(0, 200)}` }
      : { kind: 'ok', value };
  }
  const problem = readProblem(body);
  if (!problem) return { kind: 'unknown', why: `${status} ${body.slice(0, 200)}` };
  const retryAfterMs = retryAfterOf(response);
  return {
    kind: 'problem',
    code: problem.code,
    detail: problem.detail ?? '',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** `Retry-After` in seconds; dates are not used by our server. */
function retryAfterOf(response: IncomingMessage): number | undefined {
  const text = response.headers['retry-after'];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return Math.min(Number(text) * 1_000, RETRY_AFTER_LIMIT_MS);
}

async function refusedStream(response: IncomingMessage): Promise<ChannelError> {
  const body = await bodyOf(response);
  const problem = readProblem(body);
  const message = problem ? (problem.detail ?? '') : `${response.statusCode ?? 0} ${body.slice(0, 200)}`;
  return new ChannelError(problem?.code ?? 'notUnderstood', message, retryAfterOf(response));
}

/** Whatever broke a connection, as a ChannelError. */
function lost(error: unknown): ChannelError {
  if (error instanceof ChannelError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new ChannelError(typeof code === 'string' ? code : 'connection', message);
}
