/** updog: the program the dispatcher runs. It loads the repository's metadata before everything it does. */
import type { Clock, Random } from '../../runtime/clock.ts';
import { draw } from './durations.ts';
import type { Durations } from './durations.ts';
import type { Faults } from './faults.ts';
import { cancelUpgrade, clearInactive, markInactiveValid, otherSlot, upgradeToInactive } from './gpt.ts';
import type { SlotName, Slots } from './gpt.ts';
import type { RenderedSettings, SettingsStore } from './settings.ts';
import { imageOf } from './status.ts';
import type { Command } from './status.ts';
import { choose, offered } from './versions.ts';
import type { Image, Release, UpdateRepository } from './versions.ts';

/** The parts of the machine that the updater and the dispatcher work on. */
export interface HostParts {
  clock: Clock;
  random: Random;
  faults: Faults;
  durations: Durations;
  settings: SettingsStore;
  repository: UpdateRepository;
  slots: Slots;
  /** The slot that was booted. */
  running: () => SlotName;
  /** The image that was booted. */
  image: () => Image;
}

/** How a run ended. */
export interface Outcome {
  /** Exit status, or the number of the signal that killed it. */
  exit: number;
  stderr: string;
}

/** The dispatcher that waits for the updater has died, and the updater with it. */
export class ChildCrash extends Error {
  override readonly name = 'ChildCrash';
  readonly code = 'childCrash';
}

/** tough gives up on a silent repository after about this long. */
export const BLACK_HOLE_MS = 50_000;
/** An image file that does not arrive within this fails the command. */
export const HUNG_DOWNLOAD_MS = 150_000;
/** A repository that refuses is noticed fast. */
const REFUSED_MS = 500;
/** Part of a command's time that goes by before it touches the disk. */
const METADATA_PART = 0.1;

const NO_INACTIVE_SLOT = 'Could not find inactive partition set\n';
const done = (stderr = ''): Outcome => ({ exit: 0, stderr });
const failed = (stderr: string): Outcome => ({ exit: 1, stderr });

/** See the head of this file. Every method ends early, by throwing, when the signal kills the program. */
export class Updater {
  readonly #parts: HostParts;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** `whats --all`: the list is there when the exit status is 0. */
  async whats(signal: AbortSignal): Promise<{ outcome: Outcome; list: Release[] }> {
    const outcome = (await this.#loadMetadata('refresh', signal)) ?? (await this.#work('refresh', signal));
    return { outcome: outcome ?? done(), list: this.#offered() };
  }

  /** `update-image`: decides for itself, by its own configuration file, what to write. */
  async updateImage(signal: AbortSignal): Promise<Outcome> {
    const { slots, running, faults } = this.#parts;
    const problem = await this.#loadMetadata('prepare', signal);
    if (problem) return problem;
    const pick = choose(this.#offered(), this.#parts.image().version, this.#config().versionLock);
    if (pick === undefined) return done('No update required\n');
    const begun = `Starting update to ${pick.version}\n`;
    if (faults.active('singleSlot')) return failed(begun + NO_INACTIVE_SLOT);
    clearInactive(slots, running());
    const interrupted = await this.#download(begun, signal);
    if (interrupted) return interrupted;
    slots[otherSlot(running())].image = imageOf(pick);
    markInactiveValid(slots, running());
    return done(begun);
  }

  /** `update-apply`. */
  async updateApply(signal: AbortSignal): Promise<Outcome> {
    const { slots, running, faults } = this.#parts;
    const problem = (await this.#loadMetadata('activate', signal)) ?? (await this.#work('activate', signal));
    if (problem) return problem;
    if (faults.active('singleSlot')) return failed(NO_INACTIVE_SLOT);
    const refusal = upgradeToInactive(slots, running());
    return refusal === undefined
      ? done()
      : failed(`Could not mark inactive partition for boot: ${refusal}\n`);
  }

  /** `update-revert`. */
  async updateRevert(signal: AbortSignal): Promise<Outcome> {
    const problem =
      (await this.#loadMetadata('deactivate', signal)) ?? (await this.#work('deactivate', signal));
    if (problem) return problem;
    cancelUpgrade(this.#parts.slots, this.#parts.running());
    return done();
  }

  #config(): RenderedSettings {
    return this.#parts.settings.rendered('updog');
  }

  #offered(): Release[] {
    const { repository, image, clock } = this.#parts;
    const { ignoreWaves, seed } = this.#config();
    return offered(repository.manifest, image(), { ignoreWaves, seed, now: clock.now() });
  }

  #durationMs(command: Command): number {
    return draw(this.#parts.durations[`${command}Ms`], this.#parts.random);
  }

  async #loadMetadata(command: Command, signal: AbortSignal): Promise<Outcome | undefined> {
    const { clock, faults } = this.#parts;
    const isSilent = faults.hit('tufBlackHole', command) !== undefined;
    const isDown = isSilent || faults.hit('tufDown', command) !== undefined;
    if (!isDown) {
      await clock.sleep(this.#durationMs(command) * METADATA_PART, signal);
      return undefined;
    }
    await clock.sleep(isSilent ? BLACK_HOLE_MS : REFUSED_MS, signal);
    return failed(
      `Metadata error: Failed to fetch ${this.#config().metadataBaseUrl}timestamp.json: error sending request for url\n`,
    );
  }

  /** The time after the metadata, in which the program may be killed, alone or with its parent. */
  async #work(command: Command, signal: AbortSignal): Promise<Outcome | undefined> {
    const { clock, faults } = this.#parts;
    const ms = this.#durationMs(command) * (1 - METADATA_PART);
    const crash = faults.hit('childCrash', command);
    const killed = crash ? undefined : faults.hit('updogKilled', command);
    await clock.sleep(crash || killed ? ms / 2 : ms, signal);
    if (crash) throw new ChildCrash();
    return killed ? { exit: killed.signal ?? 9, stderr: '' } : undefined;
  }

  /** Writes the images. @returns why it did not come to its end. */
  async #download(begun: string, signal: AbortSignal): Promise<Outcome | undefined> {
    const { clock, faults } = this.#parts;
    if (faults.hit('hungDownload')) {
      await clock.sleep(HUNG_DOWNLOAD_MS, signal);
      return failed(`${begun}Failed writing update data to disk: operation timed out\n`);
    }
    const slow = faults.hit('slowDownload');
    if (slow) await clock.sleep(slow.ms ?? 300_000, signal);
    const killed = await this.#work('prepare', signal);
    if (killed) return { ...killed, stderr: begun };
    return faults.hit('writeError')
      ? failed(`${begun}Failed writing update data to disk: No space left on device (os error 28)\n`)
      : undefined;
  }
}
