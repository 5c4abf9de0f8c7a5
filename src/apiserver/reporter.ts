/**
 * Records an agent's report: judges it against one object and patches that very object, with its resourceVersion as
 * the precondition (protocol 2): a patch that is accepted was judged against the live object, wherever the object came
 * from. That holds for a reboot intent as well (protocol 4). Whatever is lost is looked up, not guessed (protocol 1).
 */
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../api/v2/bottlerocketshadow.ts';
import type { ReportAccepted, StatusReport } from '../api/wire.ts';
import { legalReport, reportPatch, wasRecorded } from '../protocol/report.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KubernetesPort } from '../runtime/kubernetes.ts';
import { KubernetesError } from '../runtime/kubernetes.ts';
import type { Identity } from './auth/identity.ts';
import { requireOwner } from './ownership.ts';
import { ApiProblem } from './problem.ts';
import type { ShadowDirectory } from './shadows.ts';
import { unavailable } from './shadows.ts';

/** How often a report is judged again because the shadow changed under it or an answer was lost. */
const MAX_ROUNDS = 5;
/** Pause before a shadow is read again after an answer was lost; doubles. */
const PAUSE_MS = 100;

export interface ReporterOptions {
  kubernetes: Pick<KubernetesPort, 'get' | 'patch' | 'clockSkewMs'>;
  shadows: ShadowDirectory;
  namespace: string;
  clock: Clock;
}

interface Round {
  /** The object to judge against; undefined = read live. */
  shadow: BottlerocketShadow | undefined;
  /** The resourceVersion that an earlier round patched without an answer: it may have been, or may yet be, done. */
  sentAt: string | undefined;
}

type Outcome = { done: ReportAccepted } | { again: Round; pauseMs: number };

/** See the head of this file. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * @returns once the report is known to be recorded.
   * @throws ApiProblem: a 409 code when it may not be, with the shadow unchanged; OutcomeUnknown when nobody can
   * tell; NodeMismatch, ShadowNotFound, InvalidReport, KubernetesUnavailable.
   */
  async record(identity: Identity, report: StatusReport): Promise<ReportAccepted> {
    let round: Round = { shadow: this.#options.shadows.recent(identity.node), sentAt: undefined };
    for (let count = 0; count < MAX_ROUNDS; count += 1) {
      const outcome = await this.#try(identity, report, round);
      if ('done' in outcome) return outcome.done;
      round = outcome.again;
      if (outcome.pauseMs > 0) await this.#options.clock.sleep(outcome.pauseMs * 2 ** count);
    }
    throw new ApiProblem(round.sentAt === undefined ? 'Conflict' : 'OutcomeUnknown');
  }

  /** One round: read if need be, judge, patch what was judged. */
  async #try(identity: Identity, report: StatusReport, round: Round): Promise<Outcome> {
    const shadow = round.shadow ?? (await this.#live(identity, round));
    if (round.sentAt !== undefined && wasRecorded(shadow, report)) return { done: accepted(report) };
    const refusal = this.#judge(identity, shadow, report);
    if (refusal === undefined) return this.#patch(shadow, report, round);
    // What was judged may be old: only the live object can refuse.
    if (round.shadow !== undefined) return { again: { ...round, shadow: undefined }, pauseMs: 0 };
    // The same object as before the lost answer: the patch may still be on its way, so this is no refusal.
    const mayCome = round.sentAt !== undefined && round.sentAt === shadow.metadata.resourceVersion;
    throw mayCome ? new ApiProblem('OutcomeUnknown', { cause: refusal }) : refusal;
  }

  async #live(identity: Identity, round: Round): Promise<BottlerocketShadow> {
    try {
      return await this.#options.shadows.live(identity.node);
    } catch (error) {
      const isLost = error instanceof ApiProblem && error.code === 'KubernetesUnavailable';
      throw isLost && round.sentAt !== undefined ? new ApiProblem('OutcomeUnknown', { cause: error }) : error;
    }
  }

  #judge(identity: Identity, shadow: BottlerocketShadow, report: StatusReport): ApiProblem | undefined {
    try {
      requireOwner(identity, shadow);
    } catch (error) {
      if (error instanceof ApiProblem) return error;
      throw error;
    }
    const verdict = legalReport(shadow, report, this.#latestNow());
    return verdict.ok ? undefined : new ApiProblem(verdict.code, { detail: verdict.message });
  }

  /** Deadlines are written by another clock: of ours and kube-apiserver's the one that is further counts. */
  #latestNow(): number {
    return this.#options.clock.now() + Math.max(0, this.#options.kubernetes.clockSkewMs() ?? 0);
  }

  async #patch(shadow: BottlerocketShadow, report: StatusReport, round: Round): Promise<Outcome> {
    const { kubernetes, namespace, shadows } = this.#options;
    const key = { name: shadow.metadata.name, namespace };
    try {
      const written = await kubernetes.patch(BottlerocketShadows, key, reportPatch(shadow, report), {
        subresource: 'status',
      });
      shadows.wrote(written);
      return { done: accepted(report) };
    } catch (error) {
      return afterFailedPatch(error, { ...round, shadow });
    }
  }
}

const accepted = ({ uid, generation, seq }: StatusReport): ReportAccepted => ({ uid, generation, seq });

/** @throws ApiProblem where another round cannot help. */
function afterFailedPatch(error: unknown, round: Round & { shadow: BottlerocketShadow }): Outcome {
  if (!(error instanceof KubernetesError)) throw error;
  if (error.code === 'conflict') return { again: { ...round, shadow: undefined }, pauseMs: 0 };
  if (error.outcomeUnknown) {
    const sentAt = round.shadow.metadata.resourceVersion;
    return { again: { shadow: undefined, sentAt }, pauseMs: PAUSE_MS };
  }
  if (error.code === 'notFound') throw new ApiProblem('ShadowNotFound', { cause: error });
  if (error.code === 'invalid') {
    throw new ApiProblem('InvalidReport', { cause: error, detail: error.message.slice(0, 300) });
  }
  throw round.sentAt === undefined ? unavailable(error) : new ApiProblem('OutcomeUnknown', { cause: error });
}
