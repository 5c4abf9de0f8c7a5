/** Puts reports to the API server; whatever is not a clear yes is followed by a live read (protocol 1 and 2). */
import { PROBLEMS } from '../api/wire.ts';
import type { ProblemCode, StatusReport, WireShadow } from '../api/wire.ts';

import { Backoff } from '../runtime/backoff.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { Logger } from '../runtime/log.ts';
import { sleepUnlessAborted } from '../runtime/timers.ts';
import type { Channel, ChannelAnswer } from './ports.ts';
import type { ShadowCache } from './shadowcache.ts';

/** What became of a report. After anything but `recorded` the cache holds the shadow as read live. */
export type ReportOutcome =
  | { kind: 'recorded' }
  /** Nothing was recorded. */
  | { kind: 'refused'; code: ProblemCode }
  /** It may have been recorded: the shadow tells. */
  | { kind: 'unknown' }
  | { kind: 'stopped' };

/** Pause after a report that cannot succeed as it is. */
const HOPELESS_MS = 60_000;
const RETRY = { baseMs: 1_000, maxMs: 60_000 };

/** A report without what is the same for all. */
export type Draft = Omit<StatusReport, 'uid' | 'generation' | 'seq'>;

export interface ReporterOptions {
  channel: Channel;
  cache: ShadowCache;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Told in every report. */
  agentVersion: string;
  /** Called at each try, as a sign of life. */
  beat: () => void;
}

/** See the head of this file. */
export class Reporter {
  readonly #options: ReporterOptions;
  /** Reports in a row that were not recorded. */
  readonly #backoff: Backoff;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random, RETRY);
  }

  /** The report that follows what is recorded in `shadow`. */
  complete(shadow: WireShadow, draft: Draft): StatusReport {
    return {
      ...draft,
      uid: shadow.metadata.uid,
      generation: shadow.metadata.generation,
      seq: (shadow.status?.host?.seq ?? 0) + 1,
      host: { ...draft.host, agentVersion: this.#options.agentVersion },
    };
  }

  /** Puts one report. */
  async put(report: StatusReport, signal: AbortSignal): Promise<ReportOutcome> {
    const { channel, cache, logger } = this.#options;
    const answer = await channel.putStatus(report, signal);
    if (answer.kind === 'ok') {
      this.#backoff.succeeded();
      cache.recorded(report);
      return { kind: 'recorded' };
    }
    if (signal.aborted) return { kind: 'stopped' };
    logger.warn('Report not recorded', { seq: report.seq, state: report.current_state, ...fieldsOf(answer) });
    await this.#pause(answer, signal);
    if (!(await this.readLive(signal))) return { kind: 'stopped' };
    return answer.kind === 'problem' && answer.code !== 'OutcomeUnknown'
      ? { kind: 'refused', code: answer.code }
      : { kind: 'unknown' };
  }

  /** Reads the shadow live, however long it takes. @returns false when the signal aborted first. */
  async readLive(signal: AbortSignal): Promise<boolean> {
    const { channel, cache, clock, random, logger, beat } = this.#options;
    const backoff = new Backoff(random, RETRY);
    while (!signal.aborted) {
      beat();
      const answer = await channel.get(signal);
      if (answer.kind === 'ok') {
        if (!cache.offer(answer.value, true)) logger.error('Shadow went back in time', ageOf(answer.value));
        return true;
      }
      if (answer.kind === 'problem' && answer.code === 'ShadowNotFound') {
        cache.gone();
        return true;
      }
      const atLeastMs = answer.kind === 'problem' ? answer.retryAfterMs : undefined;
      logger.warn('Shadow not read', fieldsOf(answer));
      await sleepUnlessAborted(clock, backoff.failed(atLeastMs), signal);
    }
    return false;
  }

  /** A refusal is never repeated at once: whatever caused it may still be there after the live read. */
  async #pause(answer: Exclude<ChannelAnswer<unknown>, { kind: 'ok' }>, signal: AbortSignal): Promise<void> {
    const isHopeless = answer.kind === 'problem' && PROBLEMS[answer.code].retry === 'never';
    const asked = answer.kind === 'problem' ? (answer.retryAfterMs ?? 0) : 0;
    const atLeastMs = isHopeless ? Math.max(HOPELESS_MS, asked) : asked;
    // The first refusal is nearly always news on its way: look at once.
    const pauseMs = this.#backoff.failed(atLeastMs);
    if (this.#backoff.failures > 1 || atLeastMs > 0)
      await sleepUnlessAborted(this.#options.clock, pauseMs, signal);
  }
}

const fieldsOf = (answer: Exclude<ChannelAnswer<unknown>, { kind: 'ok' }>): Record<string, string> =>
  answer.kind === 'problem' ? { code: answer.code, detail: answer.detail } : { reason: answer.why };

const ageOf = ({ metadata: { uid, generation } }: WireShadow) => ({ uid, generation });
