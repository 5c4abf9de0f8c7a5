/**
 * A simulated Bottlerocket host: its update API with all its oddities, its partitions, its boots and its faults, on
 * an injected clock and random numbers. No sockets here: see `mount.ts` and `server.ts`.
 */
import type { Clock, Random } from '../../runtime/clock.ts';
import { UpdateDispatcher } from './dispatcher.ts';
import type { DispatcherExit } from './dispatcher.ts';
import { DEFAULT_DURATIONS, draw } from './durations.ts';
import type { Durations } from './durations.ts';
import { Faults } from './faults.ts';
import type { FaultName, FaultSpec } from './faults.ts';
import { rollbackToInactive } from './gpt.ts';
import type { Slots } from './gpt.ts';
import { Power } from './power.ts';
import type { PowerEvent, PowerState } from './power.ts';
import { route } from './routes.ts';
import type { HostHttpRequest, HostHttpResponse, HttpAnswer } from './routes.ts';
import { SettingsStore, nest } from './settings.ts';
import type { RenderedSettings, Settings, UpdatesSettings } from './settings.ts';
import type { Command, StatusFile } from './status.ts';
import type { Image, UpdateRepository } from './versions.ts';

export interface SimulatedHostOptions {
  clock: Clock;
  random: Random;
  /** What runs at the start, from slot A. */
  image: Image;
  /** Shared by the hosts of a world. */
  repository: UpdateRepository;
  /** Overrides of DEFAULT_DURATIONS. */
  durations?: Partial<Durations>;
  /** Overrides of `settings.updates`: seed 1234 (the real one is random), version-lock latest, ignore-waves false. */
  updates?: UpdatesSettings;
}

/** Everything there is to see, as plain JSON. */
export interface HostDump {
  power: PowerState;
  bootId: string;
  image: Image;
  running: 'A' | 'B';
  slots: Slots;
  apiUp: boolean;
  locked: boolean;
  status: StatusFile | null;
  settings: Settings;
  transactions: string[];
  rendered: { updog: RenderedSettings; dispatcher: RenderedSettings };
  faults: FaultName[];
}

/** How often a blocked worker is looked at. */
const BLOCKED_POLL_MS = 100;

const response = (answer: HttpAnswer): HostHttpResponse => ({ kind: 'response', answer });

/** See the head of this file. */
export class SimulatedHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly durations: Durations;
  readonly settings: SettingsStore;
  readonly #power: Power;
  readonly #dispatcher: UpdateDispatcher;
  readonly #socketListeners = new Set<() => void>();
  /** The API process is being restarted. */
  #restarting = false;
  /** Ends with the fault workerBlocked. */
  #waiting: Promise<void> | undefined;
  /** Grows with every new socket. */
  #inode = 1;

  constructor(options: SimulatedHostOptions) {
    const { clock, random, image, repository } = options;
    const durations = { ...DEFAULT_DURATIONS, ...options.durations };
    const faults = new Faults(clock);
    this.clock = clock;
    this.random = random;
    this.durations = durations;
    this.faults = faults;
    this.settings = new SettingsStore({
      clock,
      faults,
      live: { updates: { ...defaultUpdates(image), ...options.updates } },
      renderMs: (file) =>
        draw(file === 'updog' ? durations.renderUpdogMs : durations.renderDispatcherMs, random),
    });
    const power = new Power({
      clock,
      random,
      faults,
      durations,
      image,
      stopped: () => this.#stopped(),
      started: () => this.#started(),
    });
    this.#power = power;
    this.#dispatcher = new UpdateDispatcher({
      clock,
      random,
      faults,
      durations,
      repository,
      settings: this.settings,
      slots: power.slots,
      running: () => power.running,
      image: () => power.image,
    });
  }

  /** The running image. */
  get image(): Image {
    return this.#power.image;
  }

  get bootId(): string {
    return this.#power.bootId;
  }

  get power(): PowerState {
    return this.#power.state;
  }

  get slots(): Slots {
    return this.#power.slots;
  }

  /** The status file; undefined when no command has run since the boot. */
  get status(): StatusFile | undefined {
    return this.#dispatcher.statusFile;
  }

  /** True while a command runs or somebody holds the lock. */
  get locked(): boolean {
    return this.#dispatcher.locked;
  }

  /** True while somebody listens behind the socket. */
  get apiUp(): boolean {
    return this.#power.isOn && !this.#restarting && this.faults.active('apiDown') === undefined;
  }

  /** Which socket it is: a mount of an older one is dead for ever. */
  get inode(): number {
    return this.#inode;
  }

  /** Resolves when the API's one worker is free: at once, unless the fault workerBlocked is armed. */
  async unblocked(): Promise<void> {
    if (!this.#isBlocked()) return;
    // All that wait share one look, however many have given up meanwhile.
    this.#waiting ??= this.#untilUnblocked();
    await this.#waiting;
  }

  #isBlocked(): boolean {
    return this.apiUp && this.faults.active('workerBlocked') !== undefined;
  }

  async #untilUnblocked(): Promise<void> {
    while (this.#isBlocked()) await this.clock.sleep(BLOCKED_POLL_MS);
    this.#waiting = undefined;
  }

  /** Answers one request at once, as the API would. */
  request(request: HostHttpRequest): HostHttpResponse {
    const answer = route(
      {
        dispatcher: this.#dispatcher,
        settings: this.settings,
        image: () => this.#power.image,
        buildId: '388e1050',
        reboot: () => this.#reboot(),
        settingsRefused: () => this.faults.hit('settingsRefused') !== undefined,
        commitLost: () => this.faults.hit('commitLost') !== undefined,
      },
      request,
    );
    return this.faults.hit('answerLost') === undefined ? answer : { kind: 'cut' };
  }

  /** Arms a fault. */
  fault(name: FaultName, spec: FaultSpec = {}): void {
    this.faults.arm(name, spec);
    if (name !== 'apiDown') return;
    this.#dispatcher.kill();
    this.#socketChanged();
    if (spec.forMs !== undefined) void this.#afterwards(spec.forMs);
  }

  /** Clears one fault, or all. */
  clearFault(name?: FaultName): void {
    const wasUp = this.apiUp;
    if (name === undefined) this.faults.clearAll();
    else this.faults.clear(name);
    if (!wasUp && this.apiUp) this.#newSocket();
  }

  /** Another client's command: the same machine, the same lock. */
  otherClient(command: Command): DispatcherExit {
    return this.#dispatcher.start(command);
  }

  /** `signpost rollback-to-inactive` in a root shell. @returns whether it was done. */
  rollbackFromShell(): boolean {
    return rollbackToInactive(this.slots, this.#power.running);
  }

  /** apiserver.service is restarted: its children die, and the socket is another one afterwards. */
  restartApi(): void {
    if (!this.#power.isOn || this.#restarting) return;
    this.#restarting = true;
    this.#dispatcher.kill();
    this.#socketChanged();
    void this.#afterwards(draw(this.durations.apiRestartMs, this.random));
  }

  /** A reboot that nobody asked the API for, in order. */
  shutDown(): void {
    this.#power.shutDown();
  }

  /** The power goes and comes back. */
  powerCycle(): void {
    this.#power.powerCycle();
  }

  /** The power goes and stays away. */
  powerOff(): void {
    this.#power.powerOff();
  }

  /** The power comes back after `powerOff`; without effect otherwise. */
  powerOn(): void {
    this.#power.powerOn();
  }

  onPower(listener: (event: PowerEvent) => void): () => void {
    return this.#power.onPower(listener);
  }

  /** Calls `listener` when `apiUp` or `inode` may have changed. */
  onSocket(listener: () => void): () => void {
    this.#socketListeners.add(listener);
    return () => this.#socketListeners.delete(listener);
  }

  dump(): HostDump {
    return structuredClone({
      power: this.power,
      bootId: this.bootId,
      image: this.image,
      running: this.#power.running,
      slots: this.slots,
      apiUp: this.apiUp,
      locked: this.locked,
      status: this.status ?? null,
      settings: nest(this.settings.live),
      transactions: this.settings.transactions(),
      rendered: {
        updog: this.settings.rendered('updog'),
        dispatcher: this.settings.rendered('dispatcher'),
      },
      faults: this.faults.names(),
    });
  }

  #reboot(): HostHttpResponse {
    const inhibitor = this.faults.hit('blockInhibitor');
    if (inhibitor) {
      const why =
        inhibitor.text ?? 'Operation inhibited by "admin" (PID 4242 "sleep"), reason is "backup".\n';
      return response({ status: 500, body: `Failed to reboot, exit code: 1, stderr: ${why}` });
    }
    if (this.faults.hit('rebootIgnored')) return response({ status: 204, body: '' });
    this.#power.shutDown();
    const reply = this.faults.active('rebootReply')?.reply ?? '204';
    if (reply === 'reset') return { kind: 'cut' };
    return reply === '204'
      ? response({ status: 204, body: '' })
      : response({ status: 500, body: 'Failed to reboot, exit code: 15, stderr: ' });
  }

  #stopped(): void {
    this.#restarting = false;
    this.#dispatcher.boot();
    this.#socketChanged();
  }

  #started(): void {
    this.settings.boot();
    this.#newSocket();
  }

  async #afterwards(ms: number): Promise<void> {
    const { bootId } = this;
    await this.clock.sleep(ms);
    if (bootId !== this.bootId) return;
    this.#restarting = false;
    if (this.apiUp) this.#newSocket();
  }

  #newSocket(): void {
    this.#inode += 1;
    this.#socketChanged();
  }

  #socketChanged(): void {
    for (const listener of this.#socketListeners) listener();
  }
}

function defaultUpdates({ variant, arch }: Image): UpdatesSettings {
  return {
    'metadata-base-url': `https://updates.bottlerocket.aws/2020-07-07/${variant}/${arch}/`,
    'targets-base-url': 'https://updates.bottlerocket.aws/targets/',
    seed: 1234,
    'version-lock': 'latest',
    'ignore-waves': false,
  };
}
