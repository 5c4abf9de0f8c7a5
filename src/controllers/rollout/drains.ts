/**
 * Drains under way: what the last live list of each node's pods said, and the rounds of evictions. Memory only: after
 * a restart the next list says the same. A round runs beside the rollout loop, so that one slow node holds no other.
 */
import type { Pod } from '../../api/core.ts';
import type { DrainView } from '../../protocol/attempt.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { classify, nextEvictions, pendingPods } from '../drain/classify.ts';
import type { Drainable, DrainContext } from '../drain/classify.ts';
import { evictPods, listPodsOf } from '../drain/evict.ts';
import type { Blocker } from '../drain/outcome.ts';

/** What a drain of one attempt needs to know. */
export interface DrainOrder {
  shadowUid: string;
  attempt: number;
  node: string;
  context: DrainContext;
  gracePeriodSeconds: number | undefined;
  /** No eviction from this instant on: the window closes, or the drain has to end. */
  stopAtMs: number;
}

interface Drain {
  attempt: number;
  isBusy: boolean;
  listedAtMs: number;
  /** What the last list found; undefined before the first. */
  pods: Drainable | undefined;
  /** What the last list found has been acted on. */
  isUsed: boolean;
  blockers: Blocker[];
  rounds: number;
  /** No list and no eviction before this instant. */
  nextAtMs: number;
}

export interface DrainsOptions {
  port: KubernetesPort;
  clock: Clock;
  logger: Logger;
  /** A round has ended: look again. */
  onChange: () => void;
}

/** Wait after the n-th round of evictions; the first as long as a scheduler may still bind, since a list is needed then anyway. */
const ROUND_WAITS_MS = [5_000, 4_000, 6_000, 10_000, 15_000];
/**
 * Most budgets let a pod go within moments, and nobody needs to know their names. This round comes before a drain that
 * is held is shown, after 10 s.
 */
const NAMED_FROM_ROUND = 2;
/** A list that found nothing is good for a decision for so long. */
const LIST_VALID_MS = 10_000;
const RETRY_MS = 5_000;
/** Pods evicted before admission is looked at again. */
const BATCH = 32;

export class Drains {
  readonly #options: DrainsOptions;
  readonly #drains = new Map<string, Drain>();
  #isStopped = false;

  constructor(options: DrainsOptions) {
    this.#options = options;
  }

  /** What is known of the node's pods; undefined when they must be listed (again). */
  view(shadowUid: string, attempt: number): DrainView | undefined {
    const drain = this.#of(shadowUid, attempt);
    if (drain?.pods === undefined) return undefined;
    const evictable = pendingPods(drain.pods);
    if (this.#options.clock.now() >= drain.listedAtMs + LIST_VALID_MS && evictable === 0) return undefined;
    const blocked = blockedBy(drain);
    return { listedAtMs: drain.listedAtMs, evictable, ...(blocked === undefined ? {} : { blocked }) };
  }

  /** The instant before which nothing is to be done for this drain; Infinity while a round is under way. */
  nextAtMs(shadowUid: string, attempt: number): number {
    const drain = this.#of(shadowUid, attempt);
    if (drain === undefined) return 0;
    return drain.isBusy ? Number.POSITIVE_INFINITY : drain.nextAtMs;
  }

  #of(shadowUid: string, attempt: number): Drain | undefined {
    const drain = this.#drains.get(shadowUid);
    return drain?.attempt === attempt ? drain : undefined;
  }

  /** Forgets drains of attempts that are over. */
  keep(isCurrent: (shadowUid: string, attempt: number) => boolean): void {
    for (const [uid, { attempt }] of this.#drains) if (!isCurrent(uid, attempt)) this.#drains.delete(uid);
  }

  /** Evicts nothing more; what is under way ends with the pods that were asked for. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Goes on with a drain: evicts a batch of what the last list found, or lists again. */
  advance(order: DrainOrder, step: 'list' | 'evict'): Promise<void> {
    return this.#round(order, async (drain) => {
      // A list is acted on once; the next one shows what came of it.
      const pods = drain.isUsed ? undefined : drain.pods;
      if (step === 'list' || pods === undefined) return this.#list(order, drain);
      drain.isUsed = true;
      await this.#evict(order, drain, nextEvictions(pods));
    });
  }

  async #round(order: DrainOrder, work: (drain: Drain) => Promise<void>): Promise<void> {
    const { clock, logger, onChange } = this.#options;
    const drain = this.#begin(order);
    drain.isBusy = true;
    try {
      await work(drain);
    } catch (error) {
      drain.nextAtMs = clock.now() + RETRY_MS;
      if (!isKubernetesError(error)) throw error;
      logger.info('Round of a drain failed', { node: order.node, ...errorFields(error) });
    } finally {
      drain.isBusy = false;
      onChange();
    }
  }

  #begin({ shadowUid, attempt }: DrainOrder): Drain {
    const known = this.#of(shadowUid, attempt);
    if (known !== undefined) return known;
    const drain: Drain = {
      attempt,
      isBusy: false,
      listedAtMs: 0,
      pods: undefined,
      isUsed: false,
      blockers: [],
      rounds: 0,
      nextAtMs: 0,
    };
    this.#drains.set(shadowUid, drain);
    return drain;
  }

  async #list(order: DrainOrder, drain: Drain): Promise<void> {
    // Taken before the answer: what is bound while the list is under way may not be in it.
    const listedAtMs = this.#options.clock.now();
    const pods = await listPodsOf(this.#options.port, order.node);
    drain.pods = classify(pods, order.context);
    drain.isUsed = false;
    drain.listedAtMs = listedAtMs;
    if (drain.pods.evict.length === 0 && drain.pods.own.length === 0) drain.blockers = [];
  }

  async #evict(order: DrainOrder, drain: Drain, pods: readonly Pod[]): Promise<void> {
    const { port, clock, logger } = this.#options;
    const batch = rotate(pods, drain.rounds).slice(0, BATCH);
    const round = await evictPods(port, {
      pods: batch,
      ...(order.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: order.gracePeriodSeconds }),
      mayEvict: () => !this.#isStopped && clock.now() < order.stopAtMs,
      namesBudgets: drain.rounds >= NAMED_FROM_ROUND,
    });
    if (round.asked > 0) drain.blockers = round.blockers;
    const isMore = pods.length > batch.length && round.evicted > 0 && round.retryAfterMs === undefined;
    const waitMs = isMore ? 0 : (ROUND_WAITS_MS[Math.min(drain.rounds, ROUND_WAITS_MS.length - 1)] ?? 0);
    drain.rounds += 1;
    drain.nextAtMs = clock.now() + Math.max(waitMs, round.retryAfterMs ?? 0);
    logger.debug('Evicted pods', {
      node: order.node,
      evicted: round.evicted,
      blocked: round.blockers.length,
    });
  }
}

/** Another batch each round, so that pods that are blocked do not keep the others from their turn. */
function rotate(pods: readonly Pod[], round: number): readonly Pod[] {
  if (pods.length <= BATCH) return pods;
  const from = (round * BATCH) % pods.length;
  return [...pods.slice(from), ...pods.slice(0, from)];
}

function blockedBy({ blockers, pods }: Drain): DrainView['blocked'] {
  const [worst] = blockers;
  if (worst !== undefined) {
    const more = blockers.length - 1;
    return {
      reason: worst.reason,
      message: more === 0 ? worst.message : `${worst.message} And ${more} more.`,
    };
  }
  const leaving = pods?.terminating[0];
  if (leaving === undefined || (pods?.evict.length ?? 0) > 0) return undefined;
  return {
    reason: 'PodTerminating',
    message: `Pod ${leaving.metadata.namespace ?? ''}/${leaving.metadata.name} has been evicted and is still terminating.`,
  };
}
