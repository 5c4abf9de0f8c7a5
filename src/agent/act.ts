/** Carries out what was decided, and remembers what came of it. Nothing is decided here. */
import { POST_WITHIN_MS } from '../protocol/agent-reboot.ts';
import { BUSY_MS, POLL_MS, RENDER_WAIT_MS } from '../protocol/agent-view.ts';
import type {
  AgentAction,
  AgentDecision,
  AgentMemory,
  AgentView,
  HostCommand,
} from '../protocol/agent-view.ts';
import type { HostErrorCode } from '../api/v2/bottlerocketshadow.ts';
import type { StatusReport, WireShadow } from '../api/wire.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { Logger } from '../runtime/log.ts';
import { neverArrived } from './bottlerocket/client.ts';
import type { HostAnswer, HostPort } from './bottlerocket/port.ts';
import { problemText } from './observe.ts';
import type { ReportOutcome, Reporter } from './reporter.ts';

/** What is known afterwards. */
export interface Acted {
  memory: AgentMemory;
  /** Before the next look. */
  pauseMs: number;
  /** A problem that no decision will report. */
  complaint?: { code: HostErrorCode; message: string };
}

export interface ActorOptions {
  host: HostPort;
  reporter: Reporter;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** What an action is carried out on. */
interface Doing {
  shadow: WireShadow;
  /** Memory before the decision. */
  before: AgentMemory;
  /** Memory the decision wants. */
  memory: AgentMemory;
  /** True while the controller asks for Idle: problems are then reported by nobody else. */
  isIdle: boolean;
  signal: AbortSignal;
}

/** Refusals after which an intent is not asked for again. */
const INTENT_REFUSALS: readonly string[] = ['IllegalIntent', 'IntentTooLate', 'ShadowDeleted'];

/** See the head of this file. */
export class Actor {
  readonly #options: ActorOptions;

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  /** Carries out one decision that was made on `shadow`. */
  async act(
    shadow: WireShadow,
    { view, decision }: { view: AgentView; decision: AgentDecision },
    signal: AbortSignal,
  ): Promise<Acted> {
    const isIdle = shadow.spec.state === 'Idle';
    const doing: Doing = { shadow, before: view.memory, memory: decision.memory, isIdle, signal };
    const { action } = decision;
    switch (action.do) {
      case 'report':
        return this.#report(doing, action);
      case 'command':
        return this.#command(doing, action.type);
      case 'settings':
        return this.#settings(doing, action.change);
      case 'reboot':
        return this.#reboot(doing);
      case 'wait':
        this.#options.logger.debug('Waiting', { why: action.why });
        return { memory: doing.memory, pauseMs: this.#jittered(action.ms) };
    }
  }

  async #report(doing: Doing, { draft }: Extract<AgentAction, { do: 'report' }>): Promise<Acted> {
    const { reporter, clock, logger } = this.#options;
    const report = reporter.complete(doing.shadow, draft);
    // Counted from before the request: whenever its 2xx was made, the POST is not later than it may be.
    const sentMs = clock.monotonic();
    const outcome = await reporter.put(report, doing.signal);
    if (outcome.kind === 'recorded') {
      const { step, error } = draft.host;
      logger.info('Reported', { state: draft.current_state, step, error: error?.message, seq: report.seq });
    }
    return { memory: afterReport(doing, { report, outcome, sentMs }), pauseMs: 0 };
  }

  async #command(doing: Doing, type: HostCommand): Promise<Acted> {
    const { host, logger } = this.#options;
    const answer = await host.command(type);
    const { pending: _pending, ...without } = doing.memory;
    if (answer.kind === 'ok') {
      logger.info('Command started', { command: type });
      return { memory: doing.memory, pauseMs: this.#jittered(BUSY_MS) };
    }
    logger.warn('Command not started', { command: type, answer: problemText(answer) });
    // Somebody else is at work: look again when that is over.
    if (answer.kind === 'locked') return { memory: without, pauseMs: this.#jittered(POLL_MS) };
    if (mayHaveArrived(answer)) return { memory: doing.memory, pauseMs: this.#jittered(POLL_MS) };
    if (answer.kind === 'unreachable') return { memory: without, pauseMs: this.#jittered(POLL_MS) };
    const code = type === 'deactivate' ? 'DisarmFailed' : 'UnexpectedAnswer';
    return this.#failedTry({ ...doing, memory: without }, code, `${type}: ${problemText(answer)}`);
  }

  async #settings(doing: Doing, change: Extract<AgentAction, { do: 'settings' }>['change']): Promise<Acted> {
    const { host, random, logger } = this.#options;
    const tx = `brupop-${Math.floor(random() * 2 ** 48).toString(36)}`;
    const answer = await host.setSettings(change, tx);
    if (answer.kind === 'ok') logger.info('Settings changed', { ...change });
    else logger.warn('Settings not changed', { ...change, answer: problemText(answer) });
    // An answer that was lost is looked up: the next look reads what is live.
    if (answer.kind === 'ok' || answer.kind === 'unreachable')
      return { memory: doing.memory, pauseMs: this.#jittered(RENDER_WAIT_MS) };
    return this.#failedTry(doing, 'DisarmFailed', `settings: ${problemText(answer)}`);
  }

  /** The host refused: a try is over. */
  #failedTry(doing: Doing, code: HostErrorCode, failure: string): Acted {
    const tries = doing.memory.tries + 1;
    return {
      memory: { ...doing.memory, tries, failure },
      pauseMs: this.#jittered(POLL_MS * 2 ** Math.min(tries, 5)),
      ...(doing.isIdle ? { complaint: { code, message: failure } } : {}),
    };
  }

  async #reboot(doing: Doing): Promise<Acted> {
    const { host, clock, logger } = this.#options;
    const accepted = doing.memory.intentAccepted;
    const isInTime = accepted !== undefined && clock.monotonic() < accepted.monotonicMs + POST_WITHIN_MS;
    if (!isInTime) return { memory: doing.before, pauseMs: this.#jittered(POLL_MS) };
    logger.info('Reboot requested', {
      version: doing.shadow.spec.version,
      attempt: doing.shadow.spec.attempt,
    });
    const answer = await host.reboot();
    logger.info('Reboot answered', { ...answer });
    const pauseMs = this.#jittered(POLL_MS);
    switch (answer.kind) {
      case 'refused':
        return { memory: { ...doing.memory, refused: answer.text }, pauseMs };
      case 'notDelivered':
        return { memory: doing.before, pauseMs };
      case 'accepted':
      case 'strange':
        return { memory: doing.memory, pauseMs };
    }
  }

  /** A fifth more at the most: never earlier than was decided. */
  #jittered(ms: number): number {
    return ms * (1 + this.#options.random() * 0.2);
  }
}

/** True when no answer came although the request may have reached the host. */
const mayHaveArrived = (answer: HostAnswer<unknown>): boolean =>
  answer.kind === 'strange' || (answer.kind === 'unreachable' && !neverArrived(answer.code));

/** Only a 2xx of this process for an intent lets it go on; a refusal keeps it from asking again. */
function afterReport(
  { memory, shadow }: Doing,
  { report, outcome, sentMs }: { report: StatusReport; outcome: ReportOutcome; sentMs: number },
): AgentMemory {
  const at = report.host.rebootIntent?.at;
  if (at === undefined || at === shadow.status?.host?.rebootIntent?.at) return memory;
  const { intentRefused: _intentRefused, ...rest } = memory;
  if (outcome.kind === 'recorded') return { ...rest, intentAccepted: { at, monotonicMs: sentMs } };
  const isRefused = outcome.kind === 'refused' && INTENT_REFUSALS.includes(outcome.code);
  return isRefused ? { ...rest, intentRefused: true } : memory;
}
