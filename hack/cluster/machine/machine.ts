/**
 * One machine as those see it who hold the cluster: its power, its simulated host, and what of it outlives a power cut.
 *
 * Power that is cut is gone at once. An orderly reboot asks everything that runs to end, as systemd would, and cuts the
 * power after the host's shutdown time, whatever still runs: pods are told, but nobody waits for them.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../src/runtime/clock.ts';
import { controlHost, type ControlRequest } from '../../../src/sim/host/control.ts';
import { SimulatedHost } from '../../../src/sim/host/host.ts';
import type { PowerEvent } from '../../../src/sim/host/power.ts';
import { UpdateRepository } from '../../../src/sim/host/versions.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { boot as bootForReal, imagesOf } from './boot.ts';
import { FAST_HOST, type HostConfig } from './config.ts';
import type { MachineConfig, MachineState, MachineSurroundings, Service } from './config.ts';
import type { PoweredTree } from './processtree.ts';

/** How long an ordinary Linux machine takes to shut down. */
const SHUTDOWN_MS = 500;
const PATH = 'PATH=/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class MachineError extends Error {
  override readonly name = 'MachineError';
  /** `notOn`: it has no power. `noHost`: it is no Bottlerocket host. `failed`: it did not come up, or ended by itself. */
  readonly code: 'notOn' | 'noHost' | 'failed';

  constructor(code: MachineError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What happened to a machine. */
export interface MachineChange {
  state: MachineState;
  bootId: string;
  /** Of Bottlerocket; undefined for an ordinary Linux machine. */
  version: string | undefined;
  /** With `off`: why nobody had to switch it off. */
  error?: Error;
}

interface Host {
  host: SimulatedHost;
  repository: UpdateRepository;
}

function simulate({ image, releases, seed, durations = FAST_HOST }: HostConfig): Host {
  const repository = new UpdateRepository();
  for (const version of releases) repository.publish({ ...image, version });
  const random = seededRandom(seed);
  return {
    host: new SimulatedHost({ clock: systemClock, random, image, repository, durations }),
    repository,
  };
}

/** Requests that make no sense for a machine that was never switched on. */
const NEEDS_POWER = new Set<string>(['reboot', 'powerCycle', 'powerOff', 'powerOn', 'restartApi']);

/** See the head of this file. Made without power; `close()` ends everything. */
export class Machine {
  readonly config: MachineConfig;
  readonly #surroundings: MachineSurroundings;
  readonly #host: Host | undefined;
  readonly #bootUp: typeof bootForReal;
  readonly #listeners = new Set<(change: MachineChange) => void>();
  #state: MachineState = 'off';
  #bootId: string = randomUUID();
  /** The host is born running: its first power-on is no boot. */
  #wasOn = false;
  /** Aborts when the power is cut. */
  #power: AbortSignal = AbortSignal.abort();
  #cut: () => void = () => undefined;
  #tree: PoweredTree | undefined;
  /** Boots and what follows power cuts, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #error: Error | undefined;

  /** @param boot what a boot is @default namespaces and real programs */
  constructor(config: MachineConfig, surroundings: MachineSurroundings, boot = bootForReal) {
    this.config = config;
    this.#bootUp = boot;
    this.#surroundings = surroundings;
    if (config.host === undefined) return;
    this.#host = simulate(config.host);
    this.#host.host.onPower((event) => this.#follow(event));
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Of its pid 1, as seen from here; undefined without power. */
  get pid(): number | undefined {
    return this.#power.aborted ? undefined : this.#tree?.pid;
  }

  /** Of the present boot, or the last one. */
  get bootId(): string {
    return this.#host?.host.bootId ?? this.#bootId;
  }

  /** Version of Bottlerocket that runs, or ran last; undefined for an ordinary Linux machine. */
  get version(): string | undefined {
    return this.#host?.host.image.version;
  }

  /** Tells `listener` of every change of the state. @returns how to stop that */
  onChange(listener: (change: MachineChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when its kubelet has been started, or the boot hangs.
   * @throws MachineError `failed` when it did not come up, or was switched off meanwhile
   */
  async powerOn(): Promise<void> {
    if (this.#state === 'off') {
      this.#error = undefined;
      if (!this.#wasOn || this.#host === undefined) this.#begin();
      else this.#host.host.powerOn();
      this.#catchUp();
    }
    await this.#settled();
  }

  /** At once, without a word to anything that runs. Resolves when nothing of it is left. @throws Error when something is */
  async powerOff(): Promise<void> {
    this.#error = undefined;
    if (this.#wasOn) this.#host?.host.powerOff();
    if (this.#state !== 'off') this.#end('off');
    await this.#work;
    this.#throwError();
  }

  /**
   * An orderly reboot, as if somebody had asked its systemd. Resolves when it is on again, or the boot hangs.
   * @throws MachineError `notOn`, `failed`
   */
  async reboot(): Promise<void> {
    this.#poweredTree('is not rebooted');
    const left = this.#until((state) => state !== 'on');
    if (this.#host === undefined) void this.#rebootOrdinary();
    else this.#host.host.shutDown();
    await left;
    await this.#settled();
  }

  /**
   * Imports an OCI archive into its containerd, which keeps it; while the machine boots, when it has booted.
   * @throws MachineError `notOn` @throws Error of `ctr`
   */
  async load(archive: string): Promise<void> {
    await this.#work;
    const { pid } = this.#poweredTree(`has no use for ${archive}`);
    await imagesOf(this.config, pid).load(archive, this.#power);
  }

  /**
   * Asks its simulated host: faults, releases, power.
   * @throws MachineError `noHost`, `notOn` @throws Error in the host's words
   */
  control(request: ControlRequest): unknown {
    const { name } = this.config;
    if (this.#host === undefined) throw new MachineError('noHost', `${name} is no Bottlerocket host`);
    if (!this.#wasOn && NEEDS_POWER.has(request.do))
      throw new MachineError('notOn', `${name} was not switched on yet`);
    const value = controlHost(this.#host, request);
    this.#catchUp();
    return value;
  }

  /** The file that a program's output is appended to; `init` is pid 1. */
  logFile(program: Service | 'init'): string {
    return join(this.config.dir, 'log', `${program}.log`);
  }

  /** The command line that runs `command` on the machine. @throws MachineError `notOn` */
  enter(command: readonly string[]): string[] {
    const { pid } = this.#poweredTree('cannot be entered');
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid'];
    return ['nsenter', `--target=${pid}`, ...namespaces, '--', 'env', PATH, ...command];
  }

  /** Without power, for good. */
  async close(): Promise<void> {
    await this.powerOff();
    this.#listeners.clear();
  }

  #poweredTree(consequence: string): PoweredTree {
    if (this.#tree === undefined || this.#power.aborted)
      throw new MachineError('notOn', `${this.config.name} is off and ${consequence}`);
    return this.#tree;
  }

  #set(state: MachineState): void {
    if (state === this.#state) return;
    this.#state = state;
    const change: MachineChange = { state, bootId: this.bootId, version: this.version };
    if (state === 'off' && this.#error !== undefined) change.error = this.#error;
    for (const listener of this.#listeners) listener(change);
  }

  /** What the host goes through, the machine goes through. */
  #follow({ type }: PowerEvent): void {
    if (type === 'stopping') this.#stopOrderly();
    else if (type === 'down') this.#end(this.#host?.host.power === 'off' ? 'off' : 'booting');
    else if (type === 'hung') this.#set('hung');
    else if (type === 'up') this.#begin();
  }

  /** A host that is not running tells nothing when its power comes or goes. */
  #catchUp(): void {
    const power = this.#wasOn ? this.#host?.host.power : undefined;
    if (power === 'off' && this.#state !== 'off') this.#end('off');
    if (power === 'booting' && (this.#state === 'off' || this.#state === 'hung')) this.#set('booting');
  }

  #stopOrderly(): void {
    if (!this.#power.aborted) this.#tree?.stop();
    this.#set('stopping');
  }

  async #rebootOrdinary(): Promise<void> {
    const power = this.#power;
    this.#stopOrderly();
    await delay(SHUTDOWN_MS);
    if (power.aborted) return;
    this.#end('booting');
    this.#begin();
  }

  /** The system begins to boot. */
  #begin(): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.#power = signal;
    this.#cut = () => controller.abort();
    if (this.#wasOn) this.#bootId = randomUUID();
    this.#wasOn = true;
    this.#set('booting');
    this.#enqueue(() => this.#boot(signal));
  }

  async #boot(signal: AbortSignal): Promise<void> {
    try {
      await this.#bootUp({
        config: this.config,
        surroundings: this.#surroundings,
        bootId: this.bootId,
        host: this.#host?.host,
        signal,
        onTree: (tree) => this.#watch(tree, signal),
      });
      // An orderly reboot may have begun meanwhile.
      if (!signal.aborted && this.#state === 'booting') this.#set('on');
    } catch (error) {
      this.#fail(signal, new MachineError('failed', `${this.config.name} did not boot`, { cause: error }));
    }
  }

  #watch(tree: PoweredTree, signal: AbortSignal): void {
    this.#tree = tree;
    const { name } = this.config;
    void tree.ended.then(() => this.#fail(signal, new MachineError('failed', `${name} lost its pid 1`)));
  }

  /** Somebody or something else than us took it down. */
  #fail(power: AbortSignal, error: Error): void {
    if (power.aborted) return;
    this.#error = error;
    this.#host?.host.powerOff();
    if (this.#state !== 'off') this.#end('off');
  }

  /** The power is cut. */
  #end(next: 'off' | 'booting'): void {
    this.#cut();
    void this.#tree?.kill();
    this.#enqueue(() => this.#cleanUp());
    this.#set(next);
  }

  async #cleanUp(): Promise<void> {
    await this.#tree?.kill();
    this.#tree = undefined;
    await this.#surroundings.emptyCgroup();
  }

  #enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.#error = error as Error;
    });
  }

  /** Resolves when it is on, or hangs. */
  async #settled(): Promise<void> {
    await this.#until((state) => state === 'on' || state === 'hung' || state === 'off');
    this.#throwError();
    if (this.#state === 'off') throw new MachineError('failed', `${this.config.name} was switched off`);
  }

  #throwError(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  #until(condition: (state: MachineState) => boolean): Promise<void> {
    if (condition(this.#state)) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.onChange(({ state }) => {
        if (!condition(state)) return;
        stop();
        resolve();
      });
    });
  }
}
