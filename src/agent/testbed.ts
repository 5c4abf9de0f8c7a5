/** A host, an API server reduced to one shadow, and an agent between them, on virtual time. For tests. */
import type { BottlerocketShadow, ShadowSpec, ShadowState } from '../api/v2/bottlerocketshadow.ts';
import type { ProblemCode, ReportAccepted, StatusReport, StreamLine, WireShadow } from '../api/wire.ts';
import { legalReport, reportPatch } from '../protocol/report.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LogFields, Logger } from '../runtime/log.ts';
import type { VirtualClock } from '../sim/clock.ts';
import { hostBed } from '../sim/host/testbed.ts';
import type { HostBed, HostBedOptions } from '../sim/host/testbed.ts';
import { mountSocket } from '../sim/host/mount.ts';
import { seededRandom } from '../sim/random.ts';
import { HostClient } from './bottlerocket/client.ts';
import type { HostRequest } from './bottlerocket/transport.ts';
import { AgentCore } from './core.ts';
import { ChannelError } from './ports.ts';
import type { Channel, ChannelAnswer } from './ports.ts';

/** What happens to one PUT. `lost`: recorded, without an answer. `dropped`: neither. Else: refused with that code. */
export type PutFault = 'lost' | 'dropped' | ProblemCode;

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** The API server's side: one shadow, judged by the real rules. */
export class ShadowServer {
  readonly #clock: VirtualClock;
  readonly #listeners = new Set<(line: StreamLine | 'cut') => void>();
  /** Of each PUT to come, by number from 1, what is to happen to it. */
  readonly putFaults = new Map<number, PutFault>();
  puts = 0;
  /** Every report that was recorded. */
  readonly recorded: StatusReport[] = [];
  readonly refusals: string[] = [];
  shadow: WireShadow | undefined;
  isDown = false;
  /** Streams stay open and say nothing, not even heartbeats. */
  isSilent = false;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.shadow = { metadata: { name: 'brs-n1', uid: 'uid-1', generation: 1 }, spec: { state: 'Idle' } };
  }

  get state(): ShadowState | undefined {
    return this.shadow?.status?.current_state ?? undefined;
  }

  /** The controller writes the spec. */
  ask(spec: Partial<ShadowSpec>): void {
    const { shadow } = this;
    if (!shadow) throw new Error('there is no shadow');
    const metadata = { ...shadow.metadata, generation: shadow.metadata.generation + 1 };
    this.tell({ ...shadow, metadata, spec: { ...shadow.spec, ...spec } });
  }

  /** Makes `shadow` the present one and tells every stream. */
  tell(shadow: WireShadow | undefined): void {
    this.shadow = shadow;
    this.send(shadow ? { type: 'SHADOW', object: structuredClone(shadow) } : { type: 'GONE' });
  }

  /** Sends a line, true or not, on every stream. */
  send(line: StreamLine | 'cut'): void {
    if (this.isSilent) return;
    for (const listener of this.#listeners) listener(line);
  }

  /** The number of streams that are open. */
  get streams(): number {
    return this.#listeners.size;
  }

  async *watch(signal: AbortSignal): AsyncIterable<StreamLine> {
    if (this.isDown) throw new ChannelError('connection', 'refused');
    const lines: (StreamLine | 'cut')[] = [];
    let wake: (() => void) | undefined;
    const listener = (line: StreamLine | 'cut'): void => {
      lines.push(line);
      wake?.();
    };
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => wake?.(), { once: true });
    try {
      yield this.shadow
        ? { type: 'SHADOW', object: structuredClone(this.shadow) }
        : { type: 'HEARTBEAT', at: '' };
      while (!signal.aborted) {
        const line = lines.shift();
        if (line === 'cut') throw new ChannelError('connection', 'reset');
        if (line) yield line;
        else await this.#nextLine((resolve) => (wake = resolve), signal);
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Waits for `wake`, with a heartbeat every 20 s. */
  async #nextLine(onWake: (resolve: () => void) => void, signal: AbortSignal): Promise<void> {
    const timer = this.#clock.after(20_000, () => this.send({ type: 'HEARTBEAT', at: '' }));
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else onWake(resolve);
    });
    timer.cancel();
  }

  async get(): Promise<ChannelAnswer<WireShadow>> {
    await this.#clock.sleep(3);
    if (this.isDown) return { kind: 'unknown', why: 'refused' };
    return this.shadow
      ? { kind: 'ok', value: structuredClone(this.shadow) }
      : { kind: 'problem', code: 'ShadowNotFound', detail: '' };
  }

  async putStatus(report: StatusReport): Promise<ChannelAnswer<ReportAccepted>> {
    await this.#clock.sleep(5);
    this.puts += 1;
    if (this.isDown) return { kind: 'unknown', why: 'refused' };
    const fault = this.putFaults.get(this.puts);
    if (fault === 'dropped') return { kind: 'unknown', why: 'dropped' };
    if (fault !== undefined && fault !== 'lost') return { kind: 'problem', code: fault, detail: 'injected' };
    const refusal = this.#judge(report);
    if (refusal) return refusal;
    return fault === 'lost'
      ? { kind: 'unknown', why: 'lost' }
      : { kind: 'ok', value: { uid: report.uid, generation: report.generation, seq: report.seq } };
  }

  #judge(report: StatusReport): ChannelAnswer<never> | undefined {
    const { shadow } = this;
    if (!shadow) return { kind: 'problem', code: 'ShadowNotFound', detail: '' };
    const verdict = legalReport(shadow, report, this.#clock.now());
    if (!verdict.ok) {
      this.refusals.push(verdict.code);
      return { kind: 'problem', code: verdict.code, detail: verdict.message };
    }
    const { status } = reportPatch(shadow, report) as { status: NonNullable<WireShadow['status']> };
    this.recorded.push(report);
    this.tell({ ...shadow, status });
    return undefined;
  }
}

/** A Clock that stops for ever with its process. */
interface Process {
  /** Nothing that the process awaits ever comes. */
  dead: boolean;
  stop: AbortController;
  ended: Promise<unknown>;
}

export interface LogLine {
  level: string;
  message: string;
  fields: LogFields;
}

/** Everything together. The agent's container follows its host's power, as on a real node. */
export class AgentBed {
  readonly bed: HostBed;
  readonly server: ShadowServer;
  readonly log: LogLine[] = [];
  /** Requests to the host as `METHOD /path`, of all agents. */
  readonly requests: string[] = [];
  /** Boot ids at which the host was told to reboot, with the intent that was open then. */
  readonly posts: { bootId: string; intent: BottlerocketShadow['status'] }[] = [];
  /** Calls that an agent makes to host or API server; a crash can be ordered at any. */
  calls = 0;
  crashAt: number | undefined;
  restarts = 0;
  /** How often the host came up again. */
  boots = 0;
  lastError: unknown;
  /** Called before each request to the host, with its number from 1. */
  onRequest: ((count: number) => void) | undefined;
  /** Called before each reboot request. */
  onPost: (() => void) | undefined;
  core: AgentCore | undefined;
  #process: Process | undefined;
  readonly #seed: number;

  constructor(options: HostBedOptions = {}) {
    this.bed = hostBed(options);
    this.#seed = options.seed ?? 1;
    this.server = new ShadowServer(this.bed.clock);
    this.bed.host.onPower((event) => {
      if (event.type === 'down') this.kill();
      if (event.type !== 'up') return;
      this.boots += 1;
      this.#startLater(1);
    });
    this.start();
  }

  get clock(): VirtualClock {
    return this.bed.clock;
  }

  /** The container is made anew after its process ended. */
  start(): void {
    this.kill();
    const process: Process = { dead: false, stop: new AbortController(), ended: Promise.resolve() };
    this.#process = process;
    const core = this.#core(process);
    this.core = core;
    process.ended = core.run(process.stop.signal).catch((error: unknown) => {
      if (process.dead) return;
      this.lastError = error;
      this.#startLater(5_000);
    });
  }

  /** The process is gone, in the middle of whatever it did. */
  kill(): void {
    if (this.#process) this.#process.dead = true;
  }

  /** SIGTERM. @returns when the process has ended. */
  async stop(): Promise<void> {
    this.#process?.stop.abort(new Error('stopped'));
    await this.#process?.ended;
  }

  /** Lets time pass until `done`. @returns whether it came true. */
  until(done: () => boolean, limitMs = 3_600_000): Promise<boolean> {
    return this.clock.runUntil(done, limitMs);
  }

  /** Plays the controller through a whole update. @returns the state it ended in. */
  async update(version: string, spec: Partial<ShadowSpec> = {}): Promise<string> {
    const { server } = this;
    const inAnHour = new Date(this.clock.now() + 3_600_000).toISOString();
    const reported = (state: ShadowState) => (): boolean =>
      server.state === state || server.state === 'ErrorReset';
    const attempt = (server.shadow?.spec.attempt ?? 0) + 1;
    await this.until(reported('Idle'));
    const order = { version, attempt, deadline: inAnHour, notAfter: inAnHour, ...spec };
    for (const state of ['StagedAndPerformedUpdate', 'RebootedIntoUpdate', 'MonitoringUpdate'] as const) {
      server.ask({ ...order, state });
      if (!(await this.until(reported(state)))) return `stuck in ${state}`;
      if (server.state === 'ErrorReset') return this.errorCode ?? 'no code';
    }
    server.ask({ state: 'Idle', version: null });
    await this.until(() => this.isSettled);
    return this.isSettled ? 'Updated' : 'not settled';
  }

  /** Brings the host to the point where it is ready to boot `version`. */
  async armed(version: string): Promise<void> {
    const { server } = this;
    await this.until(() => server.state === 'Idle');
    const inAnHour = new Date(this.clock.now() + 3_600_000).toISOString();
    server.ask({
      state: 'StagedAndPerformedUpdate',
      version,
      attempt: 1,
      deadline: inAnHour,
      notAfter: inAnHour,
    });
    await this.until(() => server.state === 'StagedAndPerformedUpdate');
  }

  /** The reported states with their steps, each once. */
  story(): string[] {
    const states = this.server.recorded.map(
      ({ current_state, host }) => `${current_state}${host.step ? `/${host.step}` : ''}`,
    );
    return states.filter((state, i) => state !== states[i - 1]);
  }

  /** The agent has seen the spec and has nothing left to undo. */
  get isSettled(): boolean {
    const { shadow } = this.server;
    const host = shadow?.status?.host;
    const isClean = !host?.staged && !host?.saved && !host?.rebootIntent;
    return isClean && this.server.state === 'Idle' && host?.generation === shadow?.metadata.generation;
  }

  get errorCode(): string | undefined {
    return this.server.shadow?.status?.host?.error?.code;
  }

  #core(process: Process): AgentCore {
    const mount = mountSocket(this.bed.host);
    const clock = mortal(this.clock, process);
    const transport = async (request: HostRequest, signal: AbortSignal) => {
      await this.#call(process);
      this.requests.push(`${request.method} ${request.path.replace(/\?.*/, '')}`);
      this.onRequest?.(this.requests.length);
      if (request.path === '/actions/reboot') this.onPost?.();
      if (request.path === '/actions/reboot')
        this.posts.push({
          bootId: this.bed.host.bootId,
          intent: structuredClone(this.server.shadow?.status),
        });
      const reply = await mount(request, signal);
      return process.dead ? never<typeof reply>() : reply;
    };
    return new AgentCore({
      host: new HostClient({ transport, clock, signal: process.stop.signal }),
      channel: this.#channel(process),
      files: { bootId: () => Promise.resolve(this.bed.host.bootId) },
      clock,
      random: seededRandom(`${this.#seed}/${this.calls}`),
      logger: this.#logger(),
      agentVersion: '0.0.0-test',
    });
  }

  #channel(process: Process): Channel {
    const { server } = this;
    const alive = async <T>(answer: Promise<T>): Promise<T> => {
      const value = await answer;
      return process.dead ? never<T>() : value;
    };
    return {
      watch: (signal) => server.watch(signal),
      get: async () => {
        await this.#call(process);
        return alive(server.get());
      },
      putStatus: async (report) => {
        await this.#call(process);
        return alive(server.putStatus(structuredClone(report)));
      },
    };
  }

  /** One call of the agent: the ordered crash happens before it, and a new process begins. */
  async #call(process: Process): Promise<void> {
    if (process.dead) await never();
    this.calls += 1;
    if (this.calls !== this.crashAt) return;
    process.dead = true;
    this.restarts += 1;
    this.#startLater(1_000);
    await never();
  }

  /** kubelet makes no container while there is no socket to mount, nor while the host is down. */
  #startLater(ms: number): void {
    const process = this.#process;
    this.clock.after(ms, () => {
      if (this.#process !== process) return;
      if (this.bed.host.apiUp) this.start();
      else this.#startLater(5_000);
    });
  }

  #logger(bound: LogFields = {}): Logger {
    const at = (level: string) => (message: string, fields?: LogFields) =>
      void this.log.push({ level, message, fields: { ...bound, ...fields } });
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => this.#logger({ ...bound, ...fields }),
    };
  }
}

const mortal = (clock: Clock, process: Process): Clock => ({
  now: () => clock.now(),
  monotonic: () => clock.monotonic(),
  sleep: async (ms, signal) => {
    await clock.sleep(ms, signal);
    if (process.dead) await never();
  },
});
