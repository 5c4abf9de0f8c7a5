/**
 * From a bearer token to the agent it stands for. Only good news is cached, and only briefly; reviews are few a
 * second, so that a fleet that reconnects at once cannot flood kube-apiserver.
 */
import { createHash } from 'node:crypto';
import type { Clock, Random } from '../../runtime/clock.ts';
import type { KubernetesPort, ReviewedToken } from '../../runtime/kubernetes.ts';
import { KubernetesError } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { errorFields } from '../../runtime/errors.ts';
import { withTimeout } from '../../runtime/timers.ts';
import { ApiProblem } from '../problem.ts';
import type { PodDirectory } from '../pods.ts';
import { TokenBucket } from '../tokenbucket.ts';
import { bearerToken, readClaims } from './claims.ts';
import type { Expected, Identity } from './identity.ts';
import { identityOf } from './identity.ts';

/** How long a positive review is believed. */
const CACHE_MS = 60_000;
/** Identities that are kept; the oldest goes first. */
const CACHE_ENTRIES = 20_000;
/** Reviews a second, and at most at once. */
const REVIEWS_PER_SECOND = 50;
/** A review that takes longer could not run. */
const REVIEW_LIMIT_MS = 10_000;
/** A refused caller is asked to come back within this time at the latest. */
const MAX_RETRY_MS = 60_000;

export interface AuthenticatorOptions {
  kubernetes: Pick<KubernetesPort, 'reviewToken'>;
  pods: PodDirectory;
  expected: Expected;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Called once for every TokenReview that is sent. */
  onReview?: () => void;
}

interface Cached {
  identity: Identity;
  /** On the monotonic clock. */
  untilMs: number;
}

/** See the head of this file. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #cache = new Map<string, Cached>();
  readonly #underWay = new Map<string, Promise<Identity>>();
  readonly #reviews: TokenBucket;
  #backlog = 0;
  #backlogAtMs = 0;
  #failing = false;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#reviews = new TokenBucket(
      { perSecond: REVIEWS_PER_SECOND, burst: REVIEWS_PER_SECOND },
      options.clock,
    );
  }

  /** Identities in the cache. */
  get size(): number {
    return this.#cache.size;
  }

  /**
   * @param authorization the header, as received.
   * @throws ApiProblem with a 401, 403, 429 or 503 code.
   */
  async authenticate(authorization: string | undefined): Promise<Identity> {
    if (authorization === undefined || authorization === '') throw new ApiProblem('TokenMissing');
    const token = bearerToken(authorization);
    if (token === undefined) throw new ApiProblem('TokenInvalid', { detail: 'this is no bearer token' });
    const { expiresAtMs } = readClaims(token);
    if (expiresAtMs !== undefined && expiresAtMs <= this.#options.clock.now()) {
      throw new ApiProblem('TokenExpired');
    }
    const key = createHash('sha256').update(token).digest('base64');
    const cached = this.#cached(key);
    if (cached !== undefined) return cached;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    this.#takePermit();
    const review = this.#review(token, expiresAtMs);
    this.#underWay.set(key, review);
    try {
      const identity = await review;
      this.#remember(key, identity);
      return identity;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #cached(key: string): Identity | undefined {
    const cached = this.#cache.get(key);
    if (cached === undefined) return undefined;
    const { identity } = cached;
    if (this.#options.pods.isGone(identity.podUid)) {
      this.#cache.delete(key);
      throw new ApiProblem('PodReplaced');
    }
    if (cached.untilMs > this.#options.clock.monotonic()) return identity;
    this.#cache.delete(key);
    return undefined;
  }

  #remember(key: string, identity: Identity): void {
    const { clock } = this.#options;
    const leftMs = (identity.expiresAtMs ?? Infinity) - clock.now();
    this.#cache.set(key, { identity, untilMs: clock.monotonic() + Math.min(CACHE_MS, leftMs) });
    if (this.#cache.size <= CACHE_ENTRIES) return;
    const [oldest] = this.#cache.keys();
    if (oldest !== undefined) this.#cache.delete(oldest);
  }

  async #review(token: string, expiresAtMs: number | undefined): Promise<Identity> {
    const { pods, expected } = this.#options;
    const reviewed = identityOf(await this.#ask(token), expected);
    const node = await pods.confirm(reviewed);
    // The pod may have been seen to go while it was being confirmed.
    if (pods.isGone(reviewed.podUid)) throw new ApiProblem('PodReplaced');
    return { ...reviewed, node, expiresAtMs };
  }

  async #ask(token: string): Promise<ReviewedToken> {
    const { kubernetes, expected, clock, log, onReview } = this.#options;
    onReview?.();
    try {
      const answer = await withTimeout({ clock, limitMs: REVIEW_LIMIT_MS }, () =>
        kubernetes.reviewToken(token, [expected.audience]),
      );
      if (this.#failing) log.info('Token reviews work again');
      this.#failing = false;
      return answer;
    } catch (error) {
      if (!this.#failing) log.warn('Token reviews fail', errorFields(error));
      this.#failing = true;
      const retryAfterMs = error instanceof KubernetesError ? error.retryAfterMs : undefined;
      throw new ApiProblem('ReviewUnavailable', {
        cause: error,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    }
  }

  /** Those refused come back spread over the time that their number will take. */
  #takePermit(): void {
    const { clock, random } = this.#options;
    const now = clock.monotonic();
    const drained = ((now - this.#backlogAtMs) * REVIEWS_PER_SECOND) / 1000;
    this.#backlog = Math.max(0, this.#backlog - drained);
    this.#backlogAtMs = now;
    const waitMs = this.#reviews.take();
    if (waitMs === 0) return;
    this.#backlog += 1;
    const spreadMs = Math.min(MAX_RETRY_MS, (this.#backlog * 1000) / REVIEWS_PER_SECOND);
    throw new ApiProblem('TooManyReviews', { retryAfterMs: waitMs + 1000 + random() * spreadMs });
  }
}
