/** A registry in this process, on loopback, that can be told to refuse. Keeps everything in memory. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { digestOf } from '../oci/blob.ts';
import type { Manifest } from '../oci/types.ts';

export interface RegistryBehaviour {
  /** Wants a token of `/token`, for this password of the user `me`. */
  password?: string;
  /** Wants the password itself with every request. */
  basic?: boolean;
  /** Takes no request with a longer body. */
  mostBytes?: number;
  /** Knows what refers to what. */
  referrers?: boolean;
  /** Answers a request before anything else does; undefined lets it pass. */
  refuse?: (request: { method: string; path: string }) => Refusal | undefined;
  /** Sends whoever wants a blob there. */
  storage?: string;
}

export interface Refusal {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

export interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  bytes: number;
}

const TOKEN = 'a-token';

export class TestRegistry {
  /** Of all repositories. */
  readonly blobs = new Map<string, Buffer>();
  /** `REPOSITORY@DIGEST`: which repository has which blob. */
  readonly #holdings = new Set<string>();
  /** By `REPOSITORY:REFERENCE`. */
  readonly manifests = new Map<string, { mediaType: string; content: Buffer }>();
  /** Every request, in order. */
  readonly asked: Asked[] = [];
  readonly #behaviour: RegistryBehaviour;
  readonly #server: Server;
  readonly #uploads = new Map<string, Buffer>();

  private constructor(behaviour: RegistryBehaviour) {
    this.#behaviour = behaviour;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  /** Runs `work` while it listens. */
  static async with<T>(
    behaviour: RegistryBehaviour,
    work: (registry: TestRegistry) => Promise<T>,
  ): Promise<T> {
    const registry = new TestRegistry(behaviour);
    await new Promise<void>((resolve) => void registry.#server.listen(0, '127.0.0.1', resolve));
    try {
      return await work(registry);
    } finally {
      registry.#server.closeAllConnections();
      registry.#server.close();
    }
  }

  /** Host and port. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** `PUT blobs` and the like, without what differs from run to run. */
  get log(): string[] {
    return this.asked.map(({ method, path }) =>
      `${method} ${path}`
        .replace(/^(\w+) \/v2\/[^?]*?\/(blobs|manifests)\//, '$1 $2/')
        .replace(/sha256:[0-9a-f]{64}|sha256%3A[0-9a-f]{64}/g, 'DIGEST')
        .replace(/uploads\/\d+/, 'uploads/N'),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    const url = new URL(request.url ?? '', `http://${this.host}`);
    const body = await buffer(request);
    const { authorization } = request.headers;
    this.asked.push({ method, path: request.url ?? '', authorization, bytes: body.length });
    const end = ({ status, body: text = '', headers = {} }: Refusal): void =>
      void response.writeHead(status, headers).end(text);
    const refusal =
      this.#behaviour.refuse?.({ method, path: url.pathname }) ?? this.#guard(url, authorization, body);
    if (refusal !== undefined) return end(refusal);
    const [, repository = '', kind, rest = ''] =
      /^\/v2\/(.+?)\/(blobs|manifests)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === 'manifests') return this.#manifest(`${repository}:${rest}`, { request, body }, response);
    if (rest.startsWith('uploads/')) return end(this.#upload({ method, url, repository }, body));
    if (method === 'HEAD') return end({ status: this.#holdings.has(`${repository}@${rest}`) ? 200 : 404 });
    return this.#blob(rest, response);
  }

  #guard(url: URL, authorization: string | undefined, body: Buffer): Refusal | undefined {
    const { password, basic = false, mostBytes = Infinity } = this.#behaviour;
    if (body.length > mostBytes) return { status: 413 };
    if (password === undefined) return undefined;
    const expected = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
    if (url.pathname === '/token') {
      const known =
        authorization === expected || new URLSearchParams(body.toString()).get('refresh_token') === password;
      return known ? { status: 200, body: JSON.stringify({ token: TOKEN }) } : { status: 401 };
    }
    if (authorization === (basic ? expected : `Bearer ${TOKEN}`)) return undefined;
    const challenge = basic ? 'Basic realm="x"' : `Bearer realm="http://${this.host}/token",service="test"`;
    return { status: 401, headers: { 'www-authenticate': challenge } };
  }

  #manifest(
    key: string,
    { request, body }: { request: IncomingMessage; body: Buffer },
    response: ServerResponse,
  ): void {
    if (request.method === 'PUT') {
      const mediaType = request.headers['content-type'] ?? '';
      this.manifests.set(key, { mediaType, content: body });
      const { subject } = JSON.parse(body.toString()) as Manifest;
      const knows = this.#behaviour.referrers === true && subject !== undefined;
      response.writeHead(201, knows ? { 'oci-subject': subject.digest } : {}).end();
      return;
    }
    const found = this.manifests.get(key);
    if (found === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': found.mediaType }).end(found.content);
  }

  #blob(digest: string, response: ServerResponse): void {
    const { storage } = this.#behaviour;
    const found = this.blobs.get(digest);
    if (storage !== undefined) response.writeHead(307, { location: `${storage}/v2/x/blobs/${digest}` }).end();
    else if (found === undefined) response.writeHead(404).end();
    else response.writeHead(200).end(found);
  }

  #upload(
    { method, url, repository }: { method: string; url: URL; repository: string },
    body: Buffer,
  ): Refusal {
    const mount = url.searchParams.get('mount');
    const from = url.searchParams.get('from') ?? '';
    if (method === 'POST' && mount !== null && this.#holdings.has(`${from}@${mount}`)) {
      this.#holdings.add(`${repository}@${mount}`);
      return { status: 201 };
    }
    const id = method === 'POST' ? String(this.#uploads.size + 1) : (url.pathname.split('/').at(-1) ?? '');
    const held = Buffer.concat([this.#uploads.get(id) ?? Buffer.alloc(0), body]);
    this.#uploads.set(id, held);
    const headers = { location: `/v2/${repository}/blobs/uploads/${id}?state=${held.length}` };
    if (method !== 'PUT') return { status: 202, headers };
    const digest = url.searchParams.get('digest') ?? '';
    if (digestOf(held) !== digest) return { status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' };
    this.blobs.set(digest, held);
    this.#holdings.add(`${repository}@${digest}`);
    return { status: 201 };
  }
}
