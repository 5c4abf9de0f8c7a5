/** A repository of a registry, by the OCI distribution protocol. */
import { setTimeout as delay } from 'node:timers/promises';
import { ImageError } from '../errors.ts';
import type { Source } from '../archive/write.ts';
import { digestOf } from '../oci/blob.ts';
import { MEDIA_TYPES } from '../oci/types.ts';
import type { Reference } from '../reference.ts';
import { authorize, parseChallenge } from './auth.ts';
import { findCredentials, type Credentials } from './credentials.ts';
import { isLoopback, readBody, send, type RegistryRequest, type RegistryResponse } from './transport.ts';

export interface ClientOptions {
  reference: Pick<Reference, 'registry' | 'repository'>;
  /** What is to be done there. */
  actions: 'pull' | 'pull,push';
  signal: AbortSignal;
  /** @default those that docker has written down */
  credentials?: (registry: string) => Promise<Credentials | undefined>;
  /** Waits before something is tried again. @default real time */
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Where the API is, when that is not the name of the registry. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };
const MOST_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const MOST_REDIRECTS = 5;

/** What a registry says that will not be said again when it is asked again. */
const isPassing = (status: number): boolean =>
  status === 429 || (status >= 500 && status !== 501 && status !== 507);

const REMEDIES: Readonly<Record<number, string>> = {
  401: ' Log in to it: docker login, or skopeo login.',
  403: ' The account may not do that there.',
  404: ' Does the repository exist? Some registries want it to be made first.',
  413: ' It does not take anything so big.',
  429: ' It wants fewer requests; try again later.',
  507: ' It has no space left.',
};

/** Codes and messages of an error body, when it has any. */
function reasons(body: Buffer): string {
  try {
    const { errors = [] } = JSON.parse(body.toString()) as { errors?: { code?: string; message?: string }[] };
    return errors.map(({ code = '', message = '' }) => `${code} ${message}`.trim()).join('; ');
  } catch {
    return '';
  }
}

const certificateRefused = (error: unknown): boolean =>
  /^(?:UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS_CERT)/.test(
    (error as NodeJS.ErrnoException).code ?? '',
  );

export type Request = Omit<RegistryRequest, 'url' | 'signal'> & { url: string | URL };

export class RegistryClient {
  readonly #options: ClientOptions;
  #authorization: string | undefined;
  /** Of repositories from which blobs are mounted. */
  readonly #otherScopes: string[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Host and port, for messages. */
  get registry(): string {
    return this.#options.reference.registry;
  }

  get repository(): string {
    return this.#options.reference.repository;
  }

  #urlOf(target: string | URL): URL {
    if (target instanceof URL) return target;
    const host = HOSTS[this.registry] ?? this.registry;
    return new URL(`${isLoopback(host) ? 'http' : 'https'}://${host}/v2/${this.repository}/${target}`);
  }

  /** Lets later requests read another repository of this registry as well. */
  alsoRead(repository: string): void {
    this.#otherScopes.push(`repository:${repository}:pull`);
    this.#authorization = undefined;
  }

  /** The address that a header names, which may be relative to the one that was asked. */
  locationOf(response: RegistryResponse, asked: string | URL): URL {
    const { location } = response.headers;
    if (location === undefined) throw this.#unclear('says nothing about where to go on');
    const url = new URL(location, this.#urlOf(asked));
    if (url.protocol !== 'https:' && !isLoopback(url.host))
      throw this.#unclear(`sends to ${url.origin}, which is not https`);
    return url;
  }

  #unclear(what: string): ImageError {
    return new ImageError('registry', `${this.registry} ${what}; it does not follow the protocol.`);
  }

  /**
   * Asks, and asks again when the registry wants to know who asks, or has a passing trouble.
   * @param expected statuses that are an answer; any other is an error
   * @throws ImageError when it refuses or cannot be reached
   */
  async request(request: Request, expected: readonly number[]): Promise<RegistryResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#authorized(request).catch((error: unknown) => error as Error);
      if (!(outcome instanceof Error) && expected.includes(outcome.status)) return outcome;
      const passing = outcome instanceof Error ? !(outcome instanceof ImageError) : isPassing(outcome.status);
      if (
        !passing ||
        attempt === MOST_ATTEMPTS ||
        this.#options.signal.aborted ||
        certificateRefused(outcome)
      ) {
        throw await this.#failure(request, outcome);
      }
      await this.#pause(attempt, outcome);
    }
  }

  async #pause(attempt: number, outcome: Error | RegistryResponse): Promise<void> {
    const { signal, sleep = (ms) => delay(ms, undefined, { signal }) } = this.#options;
    const asked = outcome instanceof Error ? undefined : Number(outcome.headers['retry-after']) * 1000;
    if (!(outcome instanceof Error)) outcome.body.resume();
    const pause = asked === undefined || Number.isNaN(asked) ? FIRST_PAUSE_MS * 2 ** (attempt - 1) : asked;
    await sleep(Math.min(pause, LONGEST_PAUSE_MS), signal);
  }

  async #failure({ method, url }: Request, outcome: Error | RegistryResponse): Promise<unknown> {
    this.#options.signal.throwIfAborted();
    if (outcome instanceof ImageError) return outcome;
    const asked = `${method} ${this.#urlOf(url).pathname}`;
    if (outcome instanceof Error) {
      const cure = certificateRefused(outcome) ? ' NODE_EXTRA_CA_CERTS=FILE names roots to trust.' : '';
      return new ImageError(
        'registry',
        `${this.registry} cannot be asked: ${outcome.message}.${cure}`,
        outcome,
      );
    }
    const said = reasons(await readBody(outcome).catch(() => Buffer.alloc(0)));
    const why = said === '' ? '' : `, ${said}`;
    const remedy = REMEDIES[outcome.status] ?? '';
    return new ImageError(
      'registry',
      `${this.registry} refuses ${asked}: HTTP ${outcome.status}${why}.${remedy}`,
    );
  }

  async #authorized(request: Request): Promise<RegistryResponse> {
    const first = await this.#send(request);
    if (first.status !== 401) return first;
    const challenge = parseChallenge(first.headers['www-authenticate'] ?? '');
    if (challenge === undefined) return first;
    first.body.resume();
    const { signal, actions, credentials = findCredentials } = this.#options;
    this.#authorization = await authorize(challenge, {
      registry: this.registry,
      credentials: await credentials(this.registry),
      scopes: [`repository:${this.repository}:${actions}`, ...this.#otherScopes],
      signal,
    });
    return this.#send(request);
  }

  /** What tells who asks goes to the registry itself only. */
  #send({ url: target, headers = {}, ...rest }: Request): Promise<RegistryResponse> {
    const url = this.#urlOf(target);
    const own = url.origin === this.#urlOf('').origin;
    const authorization =
      own && this.#authorization !== undefined ? { authorization: this.#authorization } : {};
    return send({ ...rest, url, headers: { ...headers, ...authorization }, signal: this.#options.signal });
  }

  /** A manifest by tag or digest; undefined when there is none. */
  async manifest(reference: string): Promise<{ mediaType: string; content: Buffer } | undefined> {
    const accept = [
      MEDIA_TYPES.index,
      MEDIA_TYPES.manifest,
      'application/vnd.docker.distribution.manifest.list.v2+json',
      'application/vnd.docker.distribution.manifest.v2+json',
    ].join(', ');
    const url = `manifests/${reference}`;
    const response = await this.request({ method: 'GET', url, headers: { accept } }, [200, 404]);
    const content = await readBody(response);
    if (response.status === 404) return undefined;
    if (reference.startsWith('sha256:') && digestOf(content) !== reference) {
      throw new ImageError('integrity', `${this.registry} has something else under ${reference}.`);
    }
    return { mediaType: (response.headers['content-type'] ?? '').split(';')[0] ?? '', content };
  }

  /** The bytes of a blob, not yet checked. */
  async blob(digest: string): Promise<AsyncIterable<Uint8Array>> {
    let url: string | URL = `blobs/${digest}`;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const response: RegistryResponse = await this.request(
        { method: 'GET', url },
        [200, 301, 302, 303, 307, 308],
      );
      if (response.status === 200) return response.body;
      response.body.resume();
      url = this.locationOf(response, url);
    }
    throw this.#unclear('redirects without end');
  }

  async hasBlob(digest: string): Promise<boolean> {
    const redirects = [301, 302, 303, 307, 308];
    const response = await this.request({ method: 'HEAD', url: `blobs/${digest}` }, [200, 404, ...redirects]);
    response.body.resume();
    // A redirect leads to where it is.
    return response.status !== 404;
  }

  /** Puts a manifest under a tag or its digest. @returns whether the registry knows what refers to what */
  async putManifest(
    reference: string,
    manifest: { mediaType: string; body: Source },
  ): Promise<{ knowsReferrers: boolean }> {
    const { mediaType, body } = manifest;
    const response = await this.request(
      { method: 'PUT', url: `manifests/${reference}`, headers: { 'content-type': mediaType }, body },
      [200, 201, 202],
    );
    response.body.resume();
    return { knowsReferrers: response.headers['oci-subject'] !== undefined };
  }
}
