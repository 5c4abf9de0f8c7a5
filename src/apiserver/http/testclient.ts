/** For tests: an authority for loopback, and a client that trusts it. */
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { generateKey, signAuthority, signServer } from '../../runtime/x509/certificate.ts';
import type { Pair } from './server.ts';

const DAY_MS = 86_400_000;

/** An authority and a way to make pairs for `localhost`. */
export function testAuthority(): { ca: string; pair: (serial?: number, notAfterMs?: number) => Pair } {
  const caKey = generateKey();
  const notBeforeMs = Date.now() - DAY_MS;
  const common = { notBeforeMs, serial: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]) };
  const ca = signAuthority({ ...common, commonName: 'ca', key: caKey, notAfterMs: Date.now() + DAY_MS });
  const pair = (serial = 1, notAfterMs = Date.now() + DAY_MS): Pair => {
    const key = generateKey();
    const cert = signServer({
      ...common,
      notAfterMs,
      serial: Buffer.from([serial]),
      dnsNames: ['localhost'],
      key,
      authority: { commonName: 'ca', key: caKey },
    });
    return { cert, key };
  };
  return { ca, pair };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** As JSON where it is, else text. */
  body: unknown;
}

export interface Ask {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Sends requests to one port of loopback, each on its own connection. */
export class TestClient {
  readonly #ca: string;
  readonly port: number;

  constructor(options: { ca: string; port: number }) {
    this.#ca = options.ca;
    this.port = options.port;
  }

  /** A whole request and its whole answer. */
  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ ...this.#target(ask), agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const { statusCode = 0, headers } = response;
          resolve({ status: statusCode, headers, body: parsed(text, headers) });
        });
      });
      sent.on('error', reject);
      sent.end(ask.body);
    });
  }

  /** The lines of an answer as they come. `serial` is of the certificate the server showed. */
  async stream(ask: Ask): Promise<{ lines: AsyncIterator<unknown>; close: () => void; serial: string }> {
    const agent = new Agent({ keepAlive: false });
    const [sent, response] = await new Promise<[ReturnType<typeof request>, AsyncIterable<Buffer>]>(
      (resolve, reject) => {
        const made = request({ ...this.#target(ask), agent }, (answer) => resolve([made, answer]));
        made.on('error', reject);
        made.end();
      },
    );
    const socket = sent.socket as { getPeerCertificate?: () => { serialNumber: string } } | null;
    const serial = socket?.getPeerCertificate?.().serialNumber ?? '';
    return { lines: linesOf(response), close: () => void sent.destroy(), serial };
  }

  #target(ask: Ask): object {
    return {
      host: '127.0.0.1',
      servername: 'localhost',
      port: this.port,
      ca: this.#ca,
      method: ask.method ?? 'GET',
      path: ask.path,
      headers: ask.headers ?? {},
    };
  }
}

async function* linesOf(response: AsyncIterable<Buffer>): AsyncGenerator {
  let rest = '';
  for await (const chunk of response) {
    const pieces = (rest + chunk.toString('utf8')).split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) yield JSON.parse(piece);
  }
}

const parsed = (text: string, headers: IncomingHttpHeaders): unknown =>
  /json/.test(headers['content-type'] ?? '') ? JSON.parse(text) : text;
