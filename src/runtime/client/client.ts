/** The Kubernetes port over HTTPS. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import {
  type DeleteOptions,
  type EvictOptions,
  type Key,
  type KubeObject,
  type KubernetesPort,
  KubernetesError,
  type List,
  type ListOptions,
  type PatchOptions,
  type Resource,
  type ReviewedToken,
  type WatchEvent,
  type WatchOptions,
} from '../kubernetes.ts';
import { type Metrics, noMetrics } from '../metrics.ts';
import { type Credentials, kubeConfigCredentials } from './credentials.ts';
import { lines } from './lines.ts';
import { collectionPath, objectPath, type Query, selectionQuery, withQuery } from './paths.ts';
import { requestCounter, type RequestName } from './requests.ts';
import { eventError, noAnswer } from './status.ts';
import { type HttpRequest, Transport } from './transport.ts';

/** How long answers may take, in milliseconds. */
export interface RequestLimits {
  /** create, patch, delete, evict; also told to the server, which gives up at the same time. @default 4000 */
  writeMs: number;
  /** get and token reviews. @default 10000 */
  getMs: number;
  /** A page of a list, and the headers of a watch. @default 30000 */
  listMs: number;
}

export interface KubernetesClientOptions {
  /** What the API server is reached with; a function is called again when the server answers 401. */
  kubeConfig: KubeConfig | (() => KubeConfig);
  clock: Clock;
  /** @default none */
  metrics?: Metrics;
  /** Owner of the fields we write, as `kubectl get --show-managed-fields` tells it. @default brupop */
  fieldManager?: string;
  /** @default brupop */
  userAgent?: string;
  /** Requests under way at a time; watches are not counted. @default 64 */
  maxRequests?: number;
  limits?: Partial<RequestLimits>;
}

/** A KubernetesPort with connections behind it. */
export interface KubernetesClient extends KubernetesPort {
  /** Closes the connections. The port may still be used and opens new ones. */
  close(): void;
}

const LIMITS: RequestLimits = { writeMs: 4_000, getMs: 10_000, listMs: 30_000 };

/** Makes the client. Nothing is sent before the first call. @throws what loading the kubeconfig throws. */
export function createKubernetesClient(options: KubernetesClientOptions): KubernetesClient {
  const { kubeConfig } = options;
  const load = typeof kubeConfig === 'function' ? kubeConfig : () => kubeConfig;
  return new HttpKubernetesClient(kubeConfigCredentials(load, options.clock), options);
}

interface Call {
  name: RequestName;
  method: HttpRequest['method'];
  path: string;
  query?: Query;
  json?: unknown;
  contentType?: string;
  bodyAfterMs?: number | undefined;
  limitMs: number;
}

class HttpKubernetesClient implements KubernetesClient {
  readonly #transport: Transport;
  readonly #limits: RequestLimits;
  readonly #fieldManager: string;
  readonly #count: ReturnType<typeof requestCounter>;

  constructor(credentials: Credentials, options: KubernetesClientOptions) {
    const { clock, userAgent = 'brupop', fieldManager = 'brupop', maxRequests = 64 } = options;
    this.#transport = new Transport({ credentials, clock, userAgent, maxRequests });
    this.#limits = { ...LIMITS, ...options.limits };
    this.#fieldManager = fieldManager;
    this.#count = requestCounter(options.metrics ?? noMetrics);
  }

  get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T> {
    return this.#call<T>({
      name: { verb: 'get', resource: resource.plural },
      method: 'GET',
      path: objectPath(resource, key),
      limitMs: this.#limits.getMs,
    });
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    const answer = await this.#call<{
      items?: T[] | null;
      metadata: { resourceVersion: string; continue?: string };
    }>({
      name: { verb: 'list', resource: resource.plural },
      method: 'GET',
      path: collectionPath(resource, options.namespace),
      query: {
        ...selectionQuery(options),
        limit: options.limit,
        continue: options.continue,
        resourceVersion: options.resourceVersion,
      },
      limitMs: this.#limits.listMs,
    });
    const next = answer.metadata.continue;
    return {
      items: answer.items ?? [],
      resourceVersion: answer.metadata.resourceVersion,
      ...(next !== undefined && next !== '' && { continue: next }),
    };
  }

  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const name: RequestName = { verb: 'watch', resource: resource.plural };
    const path = withQuery(collectionPath(resource, options.namespace), {
      ...selectionQuery(options),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds,
    });
    const { signal, onOpen } = options;
    const limitMs = this.#limits.listMs;
    const chunks = this.#transport.stream({ method: 'GET', path, limitMs, signal, onOpen });
    try {
      for await (const line of lines(chunks)) yield parseEvent<T>(line);
      this.#count(name, '200');
    } catch (error) {
      this.#count(name, codeOf(error));
      throw error;
    }
  }

  create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: { dryRun?: boolean } = {},
  ): Promise<T> {
    const { namespace } = object.metadata;
    if (resource.namespaced && (namespace ?? '') === '')
      throw new TypeError(`The namespace of ${resource.kind} ${object.metadata.name} is missing`);
    return this.#call<T>({
      name: { verb: 'create', resource: resource.plural },
      method: 'POST',
      path: collectionPath(resource, namespace),
      query: this.#writeQuery(options),
      json: { ...typeMeta(resource), ...object },
      limitMs: this.#limits.writeMs,
    });
  }

  // oxlint-disable-next-line max-params -- the port's signature
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    body: object,
    options: PatchOptions = {},
  ): Promise<T> {
    const { subresource } = options;
    const suffix = subresource === undefined ? '' : `/${subresource}`;
    return this.#call<T>({
      name: { verb: 'patch', resource: resource.plural + suffix },
      method: 'PATCH',
      path: objectPath(resource, key, subresource),
      query: this.#writeQuery(options),
      json: body,
      contentType: 'application/merge-patch+json',
      bodyAfterMs: options.bodyAfterMs,
      limitMs: this.#limits.writeMs,
    });
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    options: DeleteOptions = {},
  ): Promise<void> {
    const { uid, resourceVersion, gracePeriodSeconds, propagationPolicy } = options;
    await this.#call({
      name: { verb: 'delete', resource: resource.plural },
      method: 'DELETE',
      path: objectPath(resource, key),
      query: this.#serverLimit(),
      json: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid, resourceVersion },
        gracePeriodSeconds,
        propagationPolicy,
      },
      limitMs: this.#limits.writeMs,
    });
  }

  async evict(pod: Required<Key>, options: EvictOptions): Promise<void> {
    const pods: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
    await this.#call({
      name: { verb: 'create', resource: 'pods/eviction' },
      method: 'POST',
      path: objectPath(pods, pod, 'eviction'),
      query: this.#serverLimit(),
      json: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod.name, namespace: pod.namespace },
        deleteOptions: {
          preconditions: { uid: options.uid },
          gracePeriodSeconds: options.gracePeriodSeconds,
          ...(options.dryRun === true && { dryRun: ['All'] }),
        },
      },
      limitMs: this.#limits.writeMs,
    });
  }

  async reviewToken(token: string, audiences: string[]): Promise<ReviewedToken> {
    const review = await this.#call<{ status?: RawReview }>({
      name: { verb: 'create', resource: 'tokenreviews' },
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      json: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } },
      limitMs: this.#limits.getMs,
    });
    return reviewed(review.status ?? {});
  }

  clockSkewMs(): number | undefined {
    return this.#transport.clockSkewMs;
  }

  close(): void {
    this.#transport.close();
  }

  #writeQuery(options: { dryRun?: boolean }): Query {
    return {
      ...this.#serverLimit(),
      fieldManager: this.#fieldManager,
      dryRun: options.dryRun === true ? 'All' : undefined,
    };
  }

  /** The server must not carry out a write long after we stopped waiting for it. */
  #serverLimit(): Query {
    return { timeout: `${this.#limits.writeMs}ms` };
  }

  async #call<A>(call: Call): Promise<A> {
    try {
      const answer = await this.#transport.request({
        method: call.method,
        path: withQuery(call.path, call.query ?? {}),
        limitMs: call.limitMs,
        ...(call.json !== undefined && {
          body: {
            contentType: call.contentType ?? 'application/json',
            json: call.json,
            afterMs: call.bodyAfterMs ?? 0,
          },
        }),
      });
      const value = parseAnswer(answer.body) as A;
      this.#count(call.name, String(answer.status));
      return value;
    } catch (error) {
      this.#count(call.name, codeOf(error));
      throw error;
    }
  }
}

const typeMeta = (resource: Resource): { apiVersion: string; kind: string } => ({
  apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
  kind: resource.kind,
});

/** HTTP status as a metric label; 0 when there was no answer. */
const codeOf = (error: unknown): string => (error instanceof KubernetesError ? String(error.status) : '0');

function parseAnswer(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    throw noAnswer('the answer is not JSON', error);
  }
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  const event = parseAnswer(line) as { type: string; object: T };
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: event.object };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? '' };
    case 'ERROR':
      throw eventError(event.object);
    default:
      throw noAnswer(`a watch event of the unknown type ${event.type}`);
  }
}

interface RawReview {
  authenticated?: boolean;
  audiences?: string[];
  error?: string;
  user?: { username?: string; uid?: string; extra?: Record<string, string[]> };
}

function reviewed(status: RawReview): ReviewedToken {
  const { user = {} } = status;
  return {
    authenticated: status.authenticated === true,
    ...(user.username !== undefined && { username: user.username }),
    ...(user.uid !== undefined && { uid: user.uid }),
    ...(status.audiences !== undefined && { audiences: status.audiences }),
    ...(user.extra !== undefined && { extra: user.extra }),
    ...(status.error !== undefined && status.error !== '' && { error: status.error }),
  };
}
