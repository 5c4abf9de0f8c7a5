/** ServiceAccount tokens: TokenRequest bound to a pod, and TokenReview. */
import { createHmac } from 'node:crypto';
import { Nodes, Pods, ServiceAccounts } from '../../api/core.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import type { ReviewedToken } from '../../runtime/kubernetes.ts';
import { randomUuid } from '../random.ts';
import { badRequest, refusal } from './errors.ts';
import { atPath } from './json.ts';
import { read, type Server } from './server.ts';
import type { Table } from './table.ts';

export interface TokenRequest {
  namespace: string;
  serviceAccount: string;
  /** The token dies with this pod. @default the ServiceAccount alone */
  pod?: { name: string; uid?: string };
  /** @default the API server's own */
  audiences?: string[];
  /** At least 600. @default 3600 */
  expirationSeconds?: number;
}

export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch, by the server's clock. */
  expiresAtMs: number;
}

interface Reference {
  name: string;
  uid: string;
}

interface Claims {
  aud: string[];
  exp: number;
  iat: number;
  jti: string;
  sub: string;
  'kubernetes.io': { namespace: string; serviceaccount: Reference; pod?: Reference; node?: Reference };
}

export const API_AUDIENCE = 'https://kubernetes.default.svc';
const MIN_EXPIRATION_SECONDS = 600;
/** Positive reviews are answered from memory for so long. */
const CACHE_MS = 10_000;
const MAX_CACHED = 4096;
/** Clocks may differ by a minute: for so long an expired token passes, and what is being deleted vouches for its own. */
const LEEWAY_MS = 60_000;
const EXTRA = 'authentication.kubernetes.io';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export class Tokens {
  readonly #server: Server;
  readonly #reviews = new Map<string, { review: ReviewedToken; untilMs: number }>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** @throws KubernetesError when ServiceAccount or pod are not there, or are not those named */
  issue(request: TokenRequest): IssuedToken {
    const { namespace, serviceAccount, audiences = [API_AUDIENCE], expirationSeconds = 3600 } = request;
    if (expirationSeconds < MIN_EXPIRATION_SECONDS)
      throw refusal('invalid', `may not specify a duration less than ${MIN_EXPIRATION_SECONDS} seconds`);
    const account = read(this.#table(ServiceAccounts), { name: serviceAccount, namespace });
    const nowSeconds = Math.floor(this.#server.clock.now() / 1000);
    const claims: Claims = {
      aud: audiences,
      exp: nowSeconds + expirationSeconds,
      iat: nowSeconds,
      jti: randomUuid(this.#server.random),
      sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
      'kubernetes.io': {
        namespace,
        serviceaccount: { name: serviceAccount, uid: account.metadata.uid ?? '' },
        ...this.#binding(request),
      },
    };
    const signed = `${encode({ alg: 'RS256', kid: 'sim' })}.${encode({ iss: API_AUDIENCE, ...claims })}`;
    return { token: `${signed}.${signature(signed)}`, expiresAtMs: claims.exp * 1000 };
  }

  /** @throws KubernetesError 400 for the empty token */
  review(token: string, audiences: string[]): ReviewedToken {
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    const targets = audiences.length === 0 ? [API_AUDIENCE] : audiences;
    const cacheKey = `${targets.join(' ')} ${token}`;
    const nowMs = this.#server.clock.monotonic();
    const cached = this.#reviews.get(cacheKey);
    if (cached !== undefined && cached.untilMs > nowMs) return cached.review;
    const review = this.#look(token, targets);
    this.#forgetOld(nowMs);
    if (review.authenticated) this.#reviews.set(cacheKey, { review, untilMs: nowMs + CACHE_MS });
    else this.#reviews.delete(cacheKey);
    return review;
  }

  #table(resource: typeof Pods | typeof ServiceAccounts | typeof Nodes): Table {
    return this.#server.store.table(resource);
  }

  #binding({ namespace, serviceAccount, pod: bound }: TokenRequest): { pod?: Reference; node?: Reference } {
    if (bound === undefined) return {};
    const pod = read(this.#table(Pods), { name: bound.name, namespace });
    const { name, uid = '' } = pod.metadata;
    if (bound.uid !== undefined && bound.uid !== uid)
      throw refusal(
        'conflict',
        `Operation cannot be fulfilled on Pod "${name}": the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    if (atPath(pod, 'spec.serviceAccountName') !== serviceAccount)
      throw badRequest(
        `cannot bind token for serviceaccount "${serviceAccount}" to pod running with different serviceaccount name.`,
      );
    const nodeName = atPath(pod, 'spec.nodeName');
    const node = typeof nodeName === 'string' ? this.#table(Nodes).get({ name: nodeName }) : undefined;
    return {
      pod: { name, uid },
      ...(node !== undefined && { node: { name: node.metadata.name, uid: node.metadata.uid ?? '' } }),
    };
  }

  #look(token: string, targets: string[]): ReviewedToken {
    const claims = claimsOf(token);
    if (claims === undefined) return refused('invalid bearer token');
    const audiences = targets.filter((target) => claims.aud.includes(target));
    if (audiences.length === 0)
      return refused(
        `[invalid bearer token, token audiences ${quoted(claims.aud)} is invalid for the target audiences ${quoted(targets)}]`,
      );
    const problem = this.#problem(claims);
    return problem === undefined
      ? identity(claims, audiences)
      : refused(`[invalid bearer token, ${problem}]`);
  }

  #problem({ exp, 'kubernetes.io': bound }: Claims): string | undefined {
    if (this.#server.clock.now() > exp * 1000 + LEEWAY_MS) return 'service account token has expired';
    const { namespace, serviceaccount, pod } = bound;
    const key = { name: serviceaccount.name, namespace };
    if (this.#table(ServiceAccounts).get(key) === undefined) return `serviceaccounts "${key.name}" not found`;
    return (
      this.#refProblem(this.#table(ServiceAccounts), namespace, serviceaccount) ??
      (pod === undefined ? undefined : this.#refProblem(this.#table(Pods), namespace, pod))
    );
  }

  /** What is wrong with the object that a token was issued for. */
  #refProblem(table: Table, namespace: string, { name, uid }: Reference): string | undefined {
    const object = table.get({ name, namespace });
    const endMs = parseRfc3339(object?.metadata.deletionTimestamp);
    if (object === undefined || (endMs !== undefined && endMs < this.#server.clock.now() - LEEWAY_MS))
      return 'service account token has been invalidated';
    const found = object.metadata.uid ?? '';
    if (found === uid) return undefined;
    return table.definition.resource.kind === Pods.kind
      ? `pod UID (${found}) does not match service account pod ref claim (${uid})`
      : `service account UID (${found}) does not match claim (${uid})`;
  }

  #forgetOld(nowMs: number): void {
    if (this.#reviews.size < MAX_CACHED) return;
    for (const [key, { untilMs }] of this.#reviews) if (untilMs <= nowMs) this.#reviews.delete(key);
  }
}

const refused = (error: string): ReviewedToken => ({ authenticated: false, error });

/** Only has to tell our tokens from others. */
const signature = (signed: string): string => createHmac('sha256', 'sim').update(signed).digest('base64url');

/** What a token of ours says; undefined when it is none, or was changed. */
function claimsOf(token: string): Claims | undefined {
  const [head, payload, mark] = token.split('.');
  if (head === undefined || payload === undefined || mark !== signature(`${head}.${payload}`))
    return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
}

const quoted = (texts: string[]): string => `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;

function identity(claims: Claims, audiences: string[]): ReviewedToken {
  const { serviceaccount, pod, node } = claims['kubernetes.io'];
  return {
    authenticated: true,
    username: claims.sub,
    uid: serviceaccount.uid,
    audiences,
    extra: {
      [`${EXTRA}/credential-id`]: [`JTI=${claims.jti}`],
      ...(pod !== undefined && { [`${EXTRA}/pod-name`]: [pod.name], [`${EXTRA}/pod-uid`]: [pod.uid] }),
      ...(node !== undefined && { [`${EXTRA}/node-name`]: [node.name], [`${EXTRA}/node-uid`]: [node.uid] }),
    },
  };
}
