/** The machine under the operating system: slots, boot loader, power, and what a boot makes of an image. */
import type { Clock, Random } from '../../runtime/clock.ts';
import { randomUuid } from '../random.ts';
import { draw } from './durations.ts';
import type { Durations } from './durations.ts';
import type { FaultName, Faults } from './faults.ts';
import { freshSlots, grubNext, markSuccessfulBoot } from './gpt.ts';
import type { SlotName, Slots } from './gpt.ts';
import type { Image } from './versions.ts';

/**
 * `stopping`: an orderly shutdown has begun. `down`: the machine stopped, with everything that ran on it. `panic`: an
 * image did not boot; the next boot follows. `hung`: it will not go on without a power cycle. `up`: it has booted.
 */
export interface PowerEvent {
  type: 'stopping' | 'down' | 'panic' | 'hung' | 'up';
  bootId: string;
  version: string;
  /** What ran before the machine went down. */
  previous: { bootId: string; version: string };
}

/** `off`: without power until somebody switches it on. */
export type PowerState = 'on' | 'shuttingDown' | 'booting' | 'hung' | 'off';

export interface PowerOptions {
  clock: Clock;
  random: Random;
  faults: Faults;
  durations: Durations;
  image: Image;
  /** Called when everything in memory goes, before `down` is told. */
  stopped: () => void;
  /** Called when the system is up, before `up` is told. */
  started: () => void;
}

/** GRUB's pause before it tries again when nothing is bootable. */
const NOTHING_BOOTABLE_MS = 30_000;

/** See the head of this file. Born running, from slot A. */
export class Power {
  readonly #options: PowerOptions;
  readonly slots: Slots;
  readonly #listeners = new Set<(event: PowerEvent) => void>();
  #running: SlotName = 'A';
  #image: Image;
  #bootId: string;
  /** What ran when the machine was last up. */
  #lastUp: PowerEvent['previous'];
  #state: PowerState = 'on';
  /** Ends the shutdown or boot under way. */
  #sequence = new AbortController();

  constructor(options: PowerOptions) {
    this.#options = options;
    this.#image = options.image;
    this.slots = freshSlots(options.image);
    this.#bootId = randomUuid(options.random);
    this.#lastUp = { bootId: this.#bootId, version: options.image.version };
  }

  get running(): SlotName {
    return this.#running;
  }

  /** The image that was booted last. */
  get image(): Image {
    return this.#image;
  }

  get bootId(): string {
    return this.#bootId;
  }

  get state(): PowerState {
    return this.#state;
  }

  /** True while user space runs. */
  get isOn(): boolean {
    return this.#state === 'on' || this.#state === 'shuttingDown';
  }

  /** Tells `listener` of everything that happens from now on. @returns how to stop that. */
  onPower(listener: (event: PowerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An orderly reboot; without effect while one is under way. */
  shutDown(): void {
    if (this.#state !== 'on') return;
    this.#state = 'shuttingDown';
    const { durations, random, faults } = this.#options;
    const inhibitor = faults.active('delayInhibitor');
    const heldMs = inhibitor ? (inhibitor.ms ?? 300_000) : 0;
    void this.#sequenceOf({ heldMs, shutdownMs: draw(durations.shutdownMs, random) });
  }

  /** The power goes and comes back, at any time. */
  powerCycle(): void {
    this.#sequence.abort();
    void this.#sequenceOf();
  }

  /** The power goes, at any time, and stays away. */
  powerOff(): void {
    this.#sequence.abort();
    this.#stop('off');
  }

  /** The power comes back after `powerOff`; without effect otherwise. */
  powerOn(): void {
    if (this.#state === 'off') void this.#sequenceOf();
  }

  async #sequenceOf(orderly?: { heldMs: number; shutdownMs: number }): Promise<void> {
    const { clock } = this.#options;
    const sequence = new AbortController();
    this.#sequence = sequence;
    try {
      if (orderly !== undefined) {
        if (orderly.heldMs > 0) await clock.sleep(orderly.heldMs, sequence.signal);
        this.#tell('stopping');
        await clock.sleep(orderly.shutdownMs, sequence.signal);
      }
      this.#stop('booting');
      await this.#boot(sequence.signal);
    } catch (error) {
      if (!sequence.signal.aborted) throw error; // A power cycle begins a sequence of its own.
    }
  }

  #stop(next: 'booting' | 'off'): void {
    const wasOn = this.isOn;
    this.#state = next;
    if (!wasOn) return;
    this.#options.stopped();
    this.#tell('down');
  }

  async #boot(signal: AbortSignal): Promise<void> {
    const { clock, random, durations, faults, started } = this.#options;
    let again = faults.hit('doubleReboot') === undefined ? 0 : 1;
    for (;;) {
      await clock.sleep(draw(durations.bootMs, random), signal);
      const slot = grubNext(this.slots);
      const image = slot && this.slots[slot].image;
      this.#bootId = randomUuid(random);
      if (!slot || !image) {
        // GRUB says so, waits and starts over; an empty slot panics for want of a root file system.
        await clock.sleep(NOTHING_BOOTABLE_MS, signal);
        continue;
      }
      this.#image = image;
      if (this.#strikes('bootPanics', image)) {
        this.#tell('panic');
        await clock.sleep(draw(durations.panicMs, random), signal);
        continue;
      }
      if (this.#strikes('bootHangs', image)) {
        this.#state = 'hung';
        this.#tell('hung');
        return;
      }
      this.#running = slot;
      markSuccessfulBoot(this.slots, slot);
      if (again-- > 0) continue;
      this.#state = 'on';
      started();
      this.#tell('up');
      return;
    }
  }

  #strikes(name: FaultName, image: Image): boolean {
    const { faults } = this.#options;
    const version = faults.active(name)?.version ?? image.version;
    return version === image.version && faults.hit(name) !== undefined;
  }

  #tell(type: PowerEvent['type']): void {
    const current = { bootId: this.#bootId, version: this.#image.version };
    const event = { type, ...current, previous: this.#lastUp };
    if (type === 'up') this.#lastUp = current;
    for (const listener of this.#listeners) listener(event);
  }
}
