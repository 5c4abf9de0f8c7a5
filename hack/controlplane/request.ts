/** Plain requests to the kube-apiserver of a test control plane, as its administrator. */
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';

export interface Endpoint {
  /** `https://127.0.0.1:PORT`. */
  server: string;
  /** PEM file of the CA its certificate is from. */
  caFile: string;
  /** Bearer token. */
  token: string;
}

export interface Answer {
  status: number;
  body: string;
}

export interface RequestOptions {
  method?: string;
  path: string;
  body?: object;
  /** @default application/json */
  contentType?: string;
  /** @default 10000 */
  timeoutMs?: number;
}

/** One request; any status is an answer. @throws when there is none */
export function ask(endpoint: Endpoint, options: RequestOptions): Promise<Answer> {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      `${endpoint.server}${options.path}`,
      {
        method: options.method ?? 'GET',
        ca: readFileSync(endpoint.caFile),
        agent: false,
        timeout: options.timeoutMs ?? 10_000,
        headers: {
          authorization: `Bearer ${endpoint.token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.once('error', reject);
      },
    );
    request.once('timeout', () => request.destroy(new Error(`No answer to ${options.path} in time`)));
    request.once('error', reject);
    request.end(body);
  });
}

/** The parsed body of a 2xx answer. @throws Error with the server's message otherwise */
export async function askFor<T>(endpoint: Endpoint, options: RequestOptions): Promise<T> {
  const answer = await ask(endpoint, options);
  if (answer.status < 200 || answer.status > 299) {
    throw new Error(
      `${options.method ?? 'GET'} ${options.path} was answered ${answer.status}: ${answer.body}`,
    );
  }
  return JSON.parse(answer.body) as T;
}
