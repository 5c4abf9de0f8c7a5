/**
 * The Kubernetes port: all that this operator asks of a Kubernetes API server, and nothing else. Two
 * implementations (`runtime/client` over HTTPS, `sim/cluster` in memory) pass one contract suite.
 */

/** metadata of an object, as far as anybody here reads it. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** Names a resource of the API and carries its type. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: ties T to the value. */
  readonly type?: T;
}

export interface Key {
  name: string;
  namespace?: string;
}

export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

export interface ListOptions extends Selection {
  /** Page size. */
  limit?: number;
  /** Token of the next page, from the page before. */
  continue?: string;
  /** Unset = most recent (quorum read); "0" = whatever a cache holds. */
  resourceVersion?: string;
}

export interface List<T> {
  items: T[];
  resourceVersion: string;
  continue?: string;
}

export interface WatchOptions extends Selection {
  /** Events after this version. */
  resourceVersion: string;
  /** The server ends the watch after so many seconds. */
  timeoutSeconds?: number;
  /** Called once, when the server has accepted the watch: what happened up to now will be in its events. */
  onOpen?: () => void;
  signal: AbortSignal;
}

export type WatchEvent<T> =
  { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T } | { type: 'BOOKMARK'; resourceVersion: string };

/** Bodies are JSON merge patches (RFC 7386); a `metadata.resourceVersion` in it is the precondition. */
export interface PatchOptions {
  subresource?: 'status';
  dryRun?: boolean;
  /**
   * How much later than its headers the body is sent, in milliseconds. The server decides by the headers alone whether
   * we may: of several patches that begin together all are allowed, or none, also when each takes away the right to
   * the others.
   * @default 0
   */
  bodyAfterMs?: number;
}

export interface DeleteOptions {
  uid?: string;
  resourceVersion?: string;
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export interface EvictOptions {
  /** Precondition: the pod's UID. */
  uid: string;
  /** Unset = the pod's own. */
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}

/** The part of a TokenReview's status that identity is read from. */
export interface ReviewedToken {
  authenticated: boolean;
  username?: string;
  uid?: string;
  audiences?: string[];
  extra?: Record<string, string[]>;
  error?: string;
}

export interface KubernetesPort {
  /** @throws KubernetesError `notFound` and every other answer that is no 2xx. */
  get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>>;
  /**
   * Events until the server ends the watch or the signal aborts. An in-stream ERROR event is thrown as a
   * KubernetesError (410 → `expired`).
   */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: { dryRun?: boolean }): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    body: object,
    options?: PatchOptions,
  ): Promise<T>;
  delete<T extends KubeObject>(resource: Resource<T>, key: Key, options?: DeleteOptions): Promise<void>;
  /** The pods/eviction subresource. @throws KubernetesError; see `controllers/drain` for how answers are read. */
  evict(pod: Required<Key>, options: EvictOptions): Promise<void>;
  /** authentication.k8s.io/v1 TokenReview. */
  reviewToken(token: string, audiences: string[]): Promise<ReviewedToken>;
  /**
   * The server's clock less ours, in milliseconds; undefined before the first answer. The server's is its `Date` header
   * at the last answer, carried on by monotonic time: when our clock jumps, this tells it at once.
   */
  clockSkewMs(): number | undefined;
}

/** Why a call failed, in the words a caller decides by. */
export type KubernetesErrorCode =
  | 'notFound' // 404
  | 'conflict' // 409: resourceVersion or uid precondition
  | 'alreadyExists' // 409 on create
  | 'invalid' // 400, 422
  | 'unauthorized' // 401
  | 'forbidden' // 403
  | 'expired' // 410
  | 'throttled' // 429
  | 'server' // 5xx
  | 'fenced' // refused by us: the leader's lease has run out
  | 'unknown'; // no answer: connection refused, reset, timed out

/** An answer of the API server that is no 2xx, or no answer at all. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly code: KubernetesErrorCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** `details.causes` of the Status object. */
  readonly causes: { reason?: string; message?: string; field?: string }[];
  readonly retryAfterMs: number | undefined;

  constructor(
    code: KubernetesErrorCode,
    message: string,
    fields: {
      status?: number;
      causes?: { reason?: string; message?: string; field?: string }[];
      retryAfterMs?: number;
      cause?: unknown;
    } = {},
  ) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.status = fields.status ?? 0;
    this.causes = fields.causes ?? [];
    this.retryAfterMs = fields.retryAfterMs;
  }

  /** A write that ended like this may or may not have happened: look the object up before deciding. */
  get outcomeUnknown(): boolean {
    return this.code === 'unknown' || this.code === 'server';
  }
}

/** True when `error` is a KubernetesError of one of the codes. */
export const isKubernetesError = (
  error: unknown,
  ...codes: KubernetesErrorCode[]
): error is KubernetesError =>
  error instanceof KubernetesError && (codes.length === 0 || codes.includes(error.code));
