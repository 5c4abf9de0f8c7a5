/** Plain HTTP for probes and Prometheus: `/healthz`, `/readyz`, `/metrics`. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from './clock.ts';
import { errorFields } from './errors.ts';
import type { Logger } from './log.ts';
import { withTimeout } from './timers.ts';

/** The result of a check: all is well, or what is not, in one sentence. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export const HEALTHY: Health = { ok: true };
export const unhealthy = (reason: string): Health => ({ ok: false, reason });

/** A check that throws, or takes longer than 2 s, has failed. */
export type HealthCheck = () => Health | Promise<Health>;

export interface HealthServerOptions {
  /** @default all */
  host?: string;
  /** 0 lets the system choose. */
  port: number;
  clock: Clock;
  logger: Logger;
  /** Whether this process should be restarted. Only what a restart can mend belongs here. */
  live: Readonly<Record<string, HealthCheck>>;
  /** Whether this process can do its work now. */
  ready: Readonly<Record<string, HealthCheck>>;
  /** The text of a scrape; without it `/metrics` is not found. */
  scrape?: () => Promise<{ contentType: string; body: string }>;
}

interface Page {
  status: number;
  contentType: string;
  body: string;
}

const CHECK_LIMIT_MS = 2_000;
const TEXT = 'text/plain; charset=utf-8';

export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #server: http.Server;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  /** Listens until the signal aborts. @returns the port. @throws when the port cannot be had. */
  async start(signal: AbortSignal): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, ...(host !== undefined && { host }) }, resolve);
    });
    const close = (): void => {
      this.#server.close();
      this.#server.closeAllConnections();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
    return (this.#server.address() as AddressInfo | null)?.port ?? port;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const page = await this.#page(request).catch((error: unknown): Page => {
      this.#options.logger.error('Health request failed', errorFields(error));
      return plain(500, 'internal error');
    });
    response.writeHead(page.status, {
      'Content-Type': page.contentType,
      'Content-Length': Buffer.byteLength(page.body),
      'Cache-Control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : page.body);
  }

  async #page(request: http.IncomingMessage): Promise<Page> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'method not allowed');
    const { live, ready, scrape } = this.#options;
    switch (new URL(request.url ?? '/', 'http://localhost').pathname) {
      case '/healthz':
        return this.#checked(live);
      case '/readyz':
        return this.#checked(ready);
      case '/metrics':
        return scrape === undefined ? plain(404, 'not found') : { status: 200, ...(await scrape()) };
      default:
        return plain(404, 'not found');
    }
  }

  async #checked(checks: Readonly<Record<string, HealthCheck>>): Promise<Page> {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => ({ name, health: await this.#check(check) })),
    );
    const failed = results.some(({ health }) => !health.ok);
    const lines = results.map(({ name, health }) =>
      health.ok ? `[+] ${name}: ok` : `[-] ${name}: ${health.reason}`,
    );
    return plain(failed ? 503 : 200, [...lines, failed ? 'failed' : 'ok'].join('\n'));
  }

  async #check(check: HealthCheck): Promise<Health> {
    try {
      return await withTimeout({ clock: this.#options.clock, limitMs: CHECK_LIMIT_MS }, async () => check());
    } catch (error) {
      return unhealthy(error instanceof Error ? error.message : String(error));
    }
  }
}

const plain = (status: number, body: string): Page => ({ status, contentType: TEXT, body: `${body}\n` });
