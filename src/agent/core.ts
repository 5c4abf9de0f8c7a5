/**
 * The agent: looks at its host, decides with the pure functions of `protocol/`, acts, reports; over and over. It knows
 * no transport. What has to survive it is in the shadow; its memory is a cache.
 */
import type { BottlerocketShadow, HostErrorCode } from '../api/v2/bottlerocketshadow.ts';
import type { StreamLine, WireShadow } from '../api/wire.ts';
import { decideAgent } from '../protocol/agent.ts';
import { POLL_MS, REST_MS, emptyMemory } from '../protocol/agent-view.ts';
import type { AgentDecision, AgentMemory, AgentView, SeenHost } from '../protocol/agent-view.ts';
import { legalReport } from '../protocol/report.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import { rfc3339 } from '../runtime/clock.ts';
import type { Logger } from '../runtime/log.ts';
import { linkAbort } from '../runtime/timers.ts';
import { Actor } from './act.ts';
import type { HostPort } from './bottlerocket/port.ts';
import { CheckSchedule } from './checks.ts';
import { StreamFollower } from './follower.ts';
import { observe } from './observe.ts';
import type { Observation } from './observe.ts';
import type { AgentFiles, Channel } from './ports.ts';
import { Reporter } from './reporter.ts';
import { ShadowCache } from './shadowcache.ts';
import { Wakeup } from './wakeup.ts';

export interface AgentOptions {
  host: HostPort;
  channel: Channel;
  files: AgentFiles;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Version of this program, for reports. */
  agentVersion: string;
  /** Between two checks for updates, in milliseconds, before jitter. @default an hour */
  checkIntervalMs?: number;
}

/** The mounted socket leads nowhere any more; a new container gets a new mount. */
export class HostSocketLost extends Error {
  override readonly name = 'HostSocketLost';
  readonly code: string;

  constructor(code: string) {
    super(`the host API socket is dead (${code})`);
    this.code = code;
  }
}

/** For probes. Ages in milliseconds; undefined = never. */
export interface AgentHealth {
  streamOpen: boolean;
  hostAnsweredAgoMs: number | undefined;
  /** Since the last sign of life of the loop. */
  beatAgoMs: number;
}

/** Refused connections in a row after which the socket is given up. */
export const DEAD_SOCKET_LIMIT = 5;
/** Looks without an answer before that is reported. */
const UNREACHABLE_LIMIT = 3;
/** While resting, the host is asked this often whether it is there. */
const PING_MS = 20_000;

/** See the head of this file. */
export class AgentCore {
  readonly #options: AgentOptions;
  readonly #wakeup: Wakeup;
  readonly #cache: ShadowCache;
  readonly #follower: StreamFollower;
  readonly #reporter: Reporter;
  readonly #actor: Actor;
  readonly #checks: CheckSchedule;
  #memory: AgentMemory = emptyMemory(0);
  /** UID of the shadow that the memory is about. */
  #memoryUid: string | undefined;
  #answeredMs: number | undefined;
  #beatMs: number;
  #unreachable = 0;
  #dead = 0;

  constructor(options: AgentOptions) {
    const { clock, random, logger, channel, host, agentVersion, checkIntervalMs } = options;
    this.#options = options;
    this.#beatMs = clock.monotonic();
    this.#wakeup = new Wakeup(clock);
    this.#cache = new ShadowCache(() => this.#wakeup.wake());
    this.#follower = new StreamFollower({
      channel,
      clock,
      random,
      logger,
      onLine: (line) => this.#hear(line),
    });
    const beat = (): void => this.#beat();
    const cache = this.#cache;
    this.#reporter = new Reporter({ channel, cache, clock, random, logger, agentVersion, beat });
    this.#actor = new Actor({ host, reporter: this.#reporter, clock, random, logger });
    this.#checks = new CheckSchedule(random, checkIntervalMs);
  }

  /**
   * Runs until the signal aborts.
   * @throws HostSocketLost when the process has to be started anew to reach its host.
   */
  async run(signal: AbortSignal): Promise<void> {
    const life = linkAbort(signal);
    const following = this.#follower.run(life.signal).finally(() => life.abort());
    try {
      while (!life.signal.aborted) {
        const pauseMs = await this.#step(life.signal);
        if (pauseMs > 0) await this.#rest(pauseMs, life.signal);
      }
    } finally {
      life.abort();
      life.release();
      await following;
    }
  }

  health(): AgentHealth {
    const now = this.#options.clock.monotonic();
    return {
      streamOpen: this.#follower.isOpen,
      hostAnsweredAgoMs: this.#answeredMs === undefined ? undefined : now - this.#answeredMs,
      beatAgoMs: now - this.#beatMs,
    };
  }

  #hear(line: StreamLine): void {
    if (line.type === 'SHADOW') this.#cache.offer(line.object);
    else if (line.type === 'GONE') this.#cache.gone();
  }

  /** One look, one decision, one action. @returns the pause before the next. */
  async #step(signal: AbortSignal): Promise<number> {
    this.#wakeup.seen();
    this.#beat();
    const { host, files } = this.#options;
    const observed = await observe(host, files);
    if (signal.aborted) return 0;
    if (observed.kind !== 'seen') return this.#unseen(observed, signal);
    this.#answered();
    const shadow = this.#cache.current;
    return shadow === undefined ? REST_MS : this.#decideAndAct(shadow, observed.host, signal);
  }

  async #decideAndAct(shadow: WireShadow, host: SeenHost, signal: AbortSignal): Promise<number> {
    if (this.#memoryUid !== shadow.metadata.uid) {
      this.#memory = emptyMemory(shadow.spec.attempt ?? 0);
      this.#memoryUid = shadow.metadata.uid;
    }
    const view = this.#view(shadow, host);
    const decision = decideAgent(view);
    this.#schedule(view, decision);
    const acted = await this.#actor.act(shadow, { view, decision }, signal);
    this.#memory = acted.memory;
    if (acted.complaint) await this.#complain(acted.complaint.code, acted.complaint.message, signal);
    const untilCheckMs = this.#checks.untilMs(this.#options.clock.monotonic());
    return Math.min(acted.pauseMs, untilCheckMs ?? acted.pauseMs);
  }

  #view(shadow: WireShadow, host: SeenHost): AgentView {
    const { clock } = this.#options;
    const now = clock.now();
    const monotonicMs = clock.monotonic();
    const forgotten = host.update !== 'busy' && host.update.state === 'None';
    const checkedAt = this.#memory.checkedAt ?? shadow.status?.host?.checkedAt;
    const checkDue = this.#checks.isDue(monotonicMs, { now, checkedAt, forgotten });
    return { now, monotonicMs, shadow, host, memory: this.#memory, checkDue };
  }

  /** Any refresh counts as a check; one that failed while nothing else is to be done is repeated earlier. */
  #schedule({ shadow, memory, monotonicMs }: AgentView, { action, memory: after }: AgentDecision): void {
    if (action.do === 'command' && action.type === 'refresh') this.#checks.started(monotonicMs);
    const isOver = memory.pending?.type === 'refresh' && after.pending === undefined;
    if (isOver && after.failure !== undefined && shadow.spec.state === 'Idle')
      this.#checks.failed(monotonicMs);
  }

  /** The host did not let itself be read: nothing is decided. */
  async #unseen(seen: Exclude<Observation, { kind: 'seen' }>, signal: AbortSignal): Promise<number> {
    const { logger } = this.#options;
    if (seen.kind === 'unreadable') {
      logger.warn('Host not understood', { answer: seen.text });
      this.#answered();
      await this.#complain('UnexpectedAnswer', seen.text, signal);
      return POLL_MS * 4;
    }
    logger.warn('Host not reached', { code: seen.code });
    this.#countDead(seen.code);
    this.#unreachable += 1;
    // A host that was told to reboot is expected to fall silent.
    const isExpected = this.#cache.current?.status?.host?.rebootIntent;
    if (this.#unreachable >= UNREACHABLE_LIMIT && !isExpected)
      await this.#complain('HostUnreachable', `The host API does not answer (${seen.code}).`, signal);
    return POLL_MS;
  }

  #countDead(code: string): void {
    // A refused connection proves that there is a socket; a missing one only counts when it was there before.
    const isDead = code === 'ECONNREFUSED' || (code === 'ENOENT' && this.#answeredMs !== undefined);
    this.#dead = isDead ? this.#dead + 1 : 0;
    if (this.#dead >= DEAD_SOCKET_LIMIT) throw new HostSocketLost(code);
  }

  /** Records a problem beside what is recorded, once, and only where that is all it changes. */
  async #complain(code: HostErrorCode, message: string, signal: AbortSignal): Promise<void> {
    const shadow = this.#cache.current;
    const status = shadow?.status;
    if (!shadow || !status?.host || !status.current_state || status.host.error?.code === code) return;
    const now = this.#options.clock.now();
    const { uid: _uid, seq: _seq, generation: _generation, ...facts } = status.host;
    const error = { code, message: message.slice(0, 600), at: rfc3339(now) };
    const draft = {
      current_state: status.current_state,
      current_version: status.current_version ?? null,
      target_version: status.target_version ?? null,
      host: { ...facts, error },
    };
    const report = this.#reporter.complete(shadow, draft);
    if (legalReport(shadow satisfies BottlerocketShadow, report, now).ok)
      await this.#reporter.put(report, signal);
  }

  /** Rests, asking the host now and then whether it is there. */
  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const { host } = this.#options;
    for (let leftMs = ms; leftMs > 0 && !signal.aborted; leftMs -= PING_MS) {
      if (!(await this.#wakeup.rest(Math.min(leftMs, PING_MS), signal))) return;
      if (leftMs <= PING_MS) return;
      this.#beat();
      const answer = await host.os();
      if (answer.kind !== 'ok') return;
      this.#answered();
    }
  }

  #answered(): void {
    this.#answeredMs = this.#options.clock.monotonic();
    this.#unreachable = 0;
    this.#dead = 0;
  }

  #beat(): void {
    this.#beatMs = this.#options.clock.monotonic();
  }
}
