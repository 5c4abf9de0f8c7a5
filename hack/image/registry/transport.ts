/** One HTTP request to a registry, with a body that may be big in either direction. */
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Source } from '../archive/write.ts';

/** A registry that says nothing for so long is taken for gone. */
const SILENCE_MS = 60_000;
/** Of what is no blob: manifests, tokens, errors. */
const MOST_TEXT_BYTES = 8 << 20;

export interface RegistryRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  url: URL;
  headers?: Record<string, string>;
  body?: Source;
  signal: AbortSignal;
}

export interface RegistryResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: IncomingMessage;
}

const AGENTS = { keepAlive: false, proxyEnv: process.env } as const;

export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** Sends a request, and resolves as soon as the answer begins. The answer's body has to be read or destroyed. */
export function send({
  method,
  url,
  headers = {},
  body,
  signal,
}: RegistryRequest): Promise<RegistryResponse> {
  const secure = url.protocol === 'https:';
  const agent = secure ? new HttpsAgent(AGENTS) : new HttpAgent(AGENTS);
  const length =
    body === undefined && (method === 'GET' || method === 'HEAD')
      ? {}
      : { 'content-length': String(body?.bytes ?? 0) };
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? httpsRequest : httpRequest)(url, {
      method,
      agent,
      signal,
      headers: { 'user-agent': 'brupop-image', ...length, ...headers },
      timeout: SILENCE_MS,
    });
    outgoing.once('timeout', () =>
      outgoing.destroy(new Error(`${url.host} has said nothing for ${SILENCE_MS / 1000} s`)),
    );
    outgoing.once('response', (incoming) =>
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming }),
    );
    outgoing.once('error', reject);
    if (body === undefined) outgoing.end();
    // An answer that comes before everything was sent counts; otherwise the request itself reports what went wrong.
    else pipeline(Readable.from(body.open()), outgoing).catch(reject);
  });
}

/** The body of an answer. @throws RangeError when it is far too long */
export async function readBody({ body }: RegistryResponse): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_TEXT_BYTES)
      throw new RangeError('The registry answers with more than a manifest can be');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
