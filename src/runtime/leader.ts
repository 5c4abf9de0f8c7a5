/**
 * Leader election by a Lease. Safety rests on durations alone: the holder stops writing `renewDeadlineMs` after it
 * sent its last successful renewal, a write ends after 4 s more, and nobody else takes the lease before it has been
 * seen unchanged for `leaseDurationMs`, which is longer than both together.
 */
import type { Clock, Random } from './clock.ts';
import { errorFields, isAbort } from './errors.ts';
import { isKubernetesError, type Key, KubernetesError, type KubernetesPort } from './kubernetes.ts';
import {
  claim,
  holderOf,
  leftMs,
  LeaseResource,
  type LeaseObject,
  type LeaseSpec,
  observe,
  type ObservedLease,
  released,
} from './lease.ts';
import type { Logger } from './log.ts';
import { type Counter, type Gauge, type Metrics, noMetrics } from './metrics.ts';
import { linkAbort, type LinkedAbort, raceAbort, sleepUnlessAborted, withTimeout } from './timers.ts';

export interface LeaderElectorOptions {
  /** Not fenced. */
  port: Pick<KubernetesPort, 'get' | 'create' | 'patch'>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Name and namespace of the Lease. Made when missing. */
  lease: Required<Key>;
  /** Must differ between any two processes, also between two runs in one pod. */
  identity: string;
  /** @default 15000 */
  leaseDurationMs?: number;
  /** @default 10000 */
  renewDeadlineMs?: number;
  /** @default 2000 */
  retryPeriodMs?: number;
  /** @default none */
  metrics?: Metrics;
}

/** Why a lead signal was aborted when the lease was lost. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
  readonly code = 'leadershipLost';
  /** `expired`: no renewal succeeded in time; `taken`: the record names somebody else. */
  readonly reason: 'expired' | 'taken';

  constructor(reason: 'expired' | 'taken') {
    super(`leadership was lost: ${reason}`);
    this.reason = reason;
  }
}

/** One time of being leader. */
interface Term {
  readonly life: LinkedAbort;
  /** Monotonic time at which the last successful renewal was sent. */
  lastRenewMs: number;
  lost: boolean;
}

/** Time for giving the lease up; a process has 5 s to end. */
const RELEASE_LIMIT_MS = 3_000;

export class LeaderElector {
  readonly identity: string;
  readonly #options: LeaderElectorOptions;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #logger: Logger;
  readonly #leading: Gauge;
  readonly #losses: Counter;
  #observed: ObservedLease | undefined;
  #term: Term | undefined;

  /** @throws RangeError unless retry period < renew deadline < lease duration. */
  constructor(options: LeaderElectorOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
    if (!(retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs))
      throw new RangeError(
        'The retry period must be shorter than the renew deadline, and that than the lease',
      );
    this.identity = options.identity;
    this.#options = options;
    this.#leaseDurationMs = leaseDurationMs;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryPeriodMs = retryPeriodMs;
    this.#logger = options.logger.child({ lease: options.lease.name, identity: options.identity });
    const metrics = options.metrics ?? noMetrics;
    this.#leading = metrics.gauge({ name: 'leader', help: '1 while this process is the leader.' });
    this.#losses = metrics.counter({
      name: 'leadership_losses_total',
      help: 'How often this process stopped being the leader against its will.',
      labels: { reason: ['expired', 'taken'] },
    });
  }

  /** True while this process may write as the leader. */
  get isLeader(): boolean {
    const term = this.#term;
    return term !== undefined && !term.lost && this.#options.clock.monotonic() < this.#deadlineOf(term);
  }

  /** Who held the lease when it was last read; undefined when nobody, or not read yet. */
  get holder(): string | undefined {
    return this.#observed === undefined ? undefined : holderOf(this.#observed.spec);
  }

  /**
   * To be called before every write that only the leader may make.
   * @throws KubernetesError `fenced`; the lead signal is aborted by then.
   */
  assertMayWrite(): void {
    if (this.isLeader) return;
    if (this.#term !== undefined) this.#lose(this.#term, 'expired');
    throw new KubernetesError(
      'fenced',
      'this process is not the leader, or has not renewed its lease in time',
    );
  }

  /**
   * Stands for election until the signal aborts, and calls `onStarted` each time it is won. The signal given to it
   * aborts on loss and on shutdown; then it has to come to an end, and while it does so on shutdown, the lease is
   * still renewed. Resolves when the signal has aborted, or `onStarted` has ended by itself; the lease is released.
   * @throws what `onStarted` throws, unless leadership was lost before.
   */
  async run(signal: AbortSignal, onStarted: (leadSignal: AbortSignal) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      const wonAtMs = await this.#acquire(signal);
      if (wonAtMs === undefined) return;
      if (!(await this.#lead(wonAtMs, signal, onStarted))) return;
    }
  }

  /** Tries until the lease is ours. @returns when the winning write was sent; undefined when the signal aborted. */
  async #acquire(signal: AbortSignal): Promise<number | undefined> {
    const { clock, random } = this.#options;
    while (!signal.aborted) {
      const wonAtMs = await this.#attempt(undefined, signal);
      if (wonAtMs !== undefined) return wonAtMs;
      await sleepUnlessAborted(clock, this.#retryPeriodMs * (1 + random() / 5), signal);
    }
    return undefined;
  }

  /** @returns whether to stand again: leadership was lost. */
  async #lead(
    wonAtMs: number,
    signal: AbortSignal,
    onStarted: (leadSignal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    const term: Term = { life: linkAbort(signal), lastRenewMs: wonAtMs, lost: false };
    const working = new AbortController();
    this.#term = term;
    this.#leading.set(1);
    this.#logger.info('Became the leader');
    const keeping = Promise.all([
      this.#keepRenewing(term, working.signal),
      this.#expire(term, working.signal),
    ]);
    try {
      if (!signal.aborted) await onStarted(term.life.signal);
    } catch (error) {
      if (!term.lost) throw error;
      this.#logger.info('Work of the lost term ended', errorFields(error));
    } finally {
      // From here on the fence is closed.
      this.#term = undefined;
      this.#leading.set(0);
      working.abort();
      term.life.release();
      await this.#conclude(term, keeping);
    }
    return term.lost;
  }

  async #conclude(term: Term, keeping: Promise<unknown>): Promise<void> {
    if (term.lost) return void (await keeping);
    try {
      await withTimeout({ clock: this.#options.clock, limitMs: RELEASE_LIMIT_MS }, async () => {
        await keeping;
        await this.#release();
      });
    } catch (error) {
      this.#logger.warn('Lease not released', errorFields(error));
    }
  }

  async #keepRenewing(term: Term, working: AbortSignal): Promise<void> {
    while (!term.lost && (await sleepUnlessAborted(this.#options.clock, this.#retryPeriodMs, working))) {
      if (term.lost) return;
      const sentAtMs = await this.#attempt(term, working);
      // An answer that comes after the deadline does not bring the term back.
      if (sentAtMs !== undefined && !term.lost) term.lastRenewMs = sentAtMs;
    }
  }

  /** Ends the term at its deadline, whatever the renewal in hand does. */
  async #expire(term: Term, working: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const remainingMs = this.#deadlineOf(term) - clock.monotonic();
      if (remainingMs <= 0) return this.#lose(term, 'expired');
      if (term.lost || !(await sleepUnlessAborted(clock, remainingMs, working))) return;
    }
  }

  #deadlineOf(term: Term): number {
    return term.lastRenewMs + this.#renewDeadlineMs;
  }

  #lose(term: Term, reason: 'expired' | 'taken'): void {
    if (term.lost) return;
    term.lost = true;
    this.#leading.set(0);
    this.#losses.inc({ reason });
    this.#logger.warn('Leadership lost', { reason });
    term.life.abort(new LeadershipLost(reason));
  }

  /**
   * Takes or renews the lease once. Never fails.
   * @param term the term to renew; undefined when standing for election
   * @returns the monotonic time at which the write that succeeded was sent.
   */
  async #attempt(term: Term | undefined, signal: AbortSignal): Promise<number | undefined> {
    try {
      // The leader knows the record: it wrote it, and the resource version in the patch proves it.
      const known = term === undefined ? await raceAbort(this.#look(), signal) : this.#observed;
      return await this.#write(known, term);
    } catch (error) {
      if (isAbort(error, signal)) return undefined;
      this.#logger.warn(term === undefined ? 'Election failed' : 'Renewal failed', errorFields(error));
      return undefined;
    }
  }

  /** Reads the lease. @returns undefined when there is none. */
  async #look(): Promise<ObservedLease | undefined> {
    const { port, clock, lease } = this.#options;
    try {
      const live = await port.get(LeaseResource, lease);
      this.#observed = observe(this.#observed, live, clock.monotonic());
      return this.#observed;
    } catch (error) {
      if (isKubernetesError(error, 'notFound')) return undefined;
      throw error;
    }
  }

  async #write(known: ObservedLease | undefined, term: Term | undefined): Promise<number | undefined> {
    const { clock } = this.#options;
    const sentAtMs = clock.monotonic();
    // A lease that was deleted protects its holder for as long as if it were there.
    const last = known ?? this.#observed;
    const at = { nowMs: sentAtMs, leaseDurationMs: this.#leaseDurationMs };
    if (last !== undefined && leftMs(last, this.identity, at) > 0) return undefined;
    const wanted = claim(known?.spec, this.identity, { ...at, wallMs: clock.now() });
    try {
      this.#observed = observe(this.#observed, await this.#send(known, wanted), clock.monotonic());
      return sentAtMs;
    } catch (error) {
      if (!needsLook(error)) throw error;
      this.#logger.info('Lease is read again', errorFields(error));
      return (await this.#isWritten(wanted, term)) ? sentAtMs : undefined;
    }
  }

  #send(known: ObservedLease | undefined, spec: LeaseSpec): Promise<LeaseObject> {
    const { port, lease } = this.#options;
    if (known === undefined) return port.create(LeaseResource, { metadata: { ...lease }, spec });
    const { resourceVersion } = known;
    return port.patch(LeaseResource, lease, { metadata: { resourceVersion }, spec });
  }

  /** Looks whether a write whose answer was lost has happened. */
  async #isWritten(wanted: LeaseSpec, term: Term | undefined): Promise<boolean> {
    const live = await this.#look();
    if (live === undefined) {
      // Somebody deleted it; the next attempt makes a new one, unless somebody else does first.
      this.#observed = undefined;
      return false;
    }
    const mine = holderOf(live.spec) === this.identity;
    if (!mine && term !== undefined) this.#lose(term, 'taken');
    return mine && live.spec.renewTime === wanted.renewTime;
  }

  /** Names nobody as the holder, so that the next leader need not wait. */
  async #release(): Promise<void> {
    const { port, clock, lease } = this.#options;
    let known = this.#observed;
    for (let attempt = 1; known !== undefined && holderOf(known.spec) === this.identity; attempt++) {
      const { resourceVersion } = known;
      const body = { metadata: { resourceVersion }, spec: released(clock.now()) };
      try {
        this.#observed = observe(known, await port.patch(LeaseResource, lease, body), clock.monotonic());
        this.#logger.info('Lease released');
        return;
      } catch (error) {
        if (attempt > 2 || !needsLook(error)) throw error;
        known = await this.#look();
      }
    }
  }
}

/** After these the live record decides what happened. */
const needsLook = (error: unknown): boolean =>
  error instanceof KubernetesError &&
  (error.outcomeUnknown || ['conflict', 'alreadyExists', 'notFound'].includes(error.code));
