/**
 * thar-be-updates: the update state machine of a host, its lock and its status file. A command is checked at once
 * and carried out later; what came of it is only in the status file, if anywhere.
 */
import { lt } from 'semver';
import { nextByFlags } from './gpt.ts';
import { chronoTimestamp, imageOf } from './status.ts';
import type { Command, HostUpdateState, StatusFile } from './status.ts';
import { ChildCrash, Updater } from './updater.ts';
import type { HostParts, Outcome } from './updater.ts';
import { choose } from './versions.ts';
import type { Release } from './versions.ts';

/** Exit of the dispatcher's parent process. */
export type DispatcherExit =
  'ok' | 'lockHeld' | 'disallowed' | 'updateDoesNotExist' | 'noStagedImage' | 'failed' | 'cannotStart';

/** What a reader of the status finds. */
export type StatusRead =
  | { kind: 'file'; text: string }
  | { kind: 'locked' }
  | { kind: 'uninitialized' }
  | { kind: 'unparsable' }
  | { kind: 'noLockDirectory' };

/** In which states a command is allowed at all. */
const ALLOWED: Readonly<Record<Command, readonly HostUpdateState[]>> = {
  refresh: ['Idle', 'Available', 'Staged', 'Ready'],
  prepare: ['Available', 'Staged'],
  activate: ['Staged'],
  deactivate: ['Ready'],
};

/** Before it, the dispatcher asked the API for the lock instead of reading a file. */
const OWN_FILE_SINCE = '1.20.0';

/** See the head of this file. */
export class UpdateDispatcher {
  readonly #parts: HostParts;
  readonly #updater: Updater;
  #status: StatusFile | undefined;
  /** The command under way; aborting it kills the child. */
  #work: AbortController | undefined;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#updater = new Updater(parts);
  }

  /** True while a command, or somebody else, holds the lock. */
  get locked(): boolean {
    return this.#work !== undefined || this.#parts.faults.active('otherClientHoldsLock') !== undefined;
  }

  /** The status file; undefined when no command has run since the boot. */
  get statusFile(): StatusFile | undefined {
    return this.#status;
  }

  /** What GET /updates/status finds. */
  read(): StatusRead {
    const { faults } = this.#parts;
    if (faults.active('noLockDirectory')) return { kind: 'noLockDirectory' };
    if (this.locked) return { kind: 'locked' };
    if (faults.active('corruptStatus')) return { kind: 'unparsable' };
    const strange = faults.hit('strangeStatus');
    if (strange) return { kind: 'file', text: strange.text ?? '{"update_state":"Rebooting"}' };
    return this.#status ? { kind: 'file', text: JSON.stringify(this.#status) } : { kind: 'uninitialized' };
  }

  /** Runs the dispatcher. `ok` = the command has begun. */
  start(command: Command): DispatcherExit {
    const { faults } = this.#parts;
    if (faults.hit('tbuMissing')) return 'cannotStart';
    if (faults.active('noLockDirectory')) return 'failed';
    if (this.locked) return 'lockHeld';
    if (faults.active('corruptStatus') || faults.hit('gptUnreadable')) return 'failed';
    this.#status ??= this.#initialStatus();
    const refusal = refusalOf(this.#status, command);
    if (refusal) return refusal;
    const work = new AbortController();
    this.#work = work;
    void this.#run(command, work);
    return 'ok';
  }

  /** The child is killed: the lock is released, nothing is recorded. */
  kill(): void {
    this.#work?.abort(new ChildCrash());
    this.#work = undefined;
  }

  /** A boot leaves nothing: lock and status are on tmpfs. */
  boot(): void {
    this.kill();
    this.#status = undefined;
    this.#parts.faults.clear('corruptStatus');
    this.#parts.faults.clear('otherClientHoldsLock');
  }

  #initialStatus(): StatusFile {
    const { slots, running, image } = this.#parts;
    return {
      update_state: 'Idle',
      available_updates: [],
      chosen_update: null,
      active_partition: { image: imageOf(image()), next_to_boot: running() === nextByFlags(slots) },
      staging_partition: null,
      most_recent_command: null,
    };
  }

  /** The child: does the work on a copy, records it, releases the lock; readers see all of it or nothing. */
  async #run(command: Command, work: AbortController): Promise<void> {
    const next = structuredClone(this.#status ?? this.#initialStatus());
    try {
      if (this.#parts.faults.hit('updogMissing', command)) return;
      const outcome = await this.#carryOut(command, next, work.signal);
      const isLost = outcome.exit !== 0 && this.#isSilent(command);
      if (!isLost) this.#status = this.#recorded(next, command, outcome);
    } catch (error) {
      if (!(error instanceof ChildCrash)) throw error;
    } finally {
      if (this.#work === work) this.#work = undefined;
    }
  }

  #isSilent(command: Command): boolean {
    return command !== 'refresh' && this.#parts.faults.hit('silentFailure', command) !== undefined;
  }

  #recorded(next: StatusFile, command: Command, outcome: Outcome): StatusFile {
    const { clock, random } = this.#parts;
    const most_recent_command = {
      cmd_type: command,
      cmd_status: outcome.exit === 0 ? ('Success' as const) : ('Failed' as const),
      timestamp: chronoTimestamp(clock.now(), Math.floor(random() * 1_000_000)),
      exit_status: outcome.exit,
      stderr: outcome.stderr,
    };
    return { ...next, most_recent_command };
  }

  async #carryOut(command: Command, next: StatusFile, signal: AbortSignal): Promise<Outcome> {
    switch (command) {
      case 'refresh': {
        const { outcome, list } = await this.#updater.whats(signal);
        this.#refreshed(next, outcome, list);
        return outcome;
      }
      case 'prepare': {
        const outcome = await this.#updater.updateImage(signal);
        if (outcome.exit === 0) staged(next);
        return outcome;
      }
      case 'activate': {
        const outcome = await this.#updater.updateApply(signal);
        if (outcome.exit === 0) armed(next, true);
        return outcome;
      }
      case 'deactivate': {
        const outcome = await this.#updater.updateRevert(signal);
        if (outcome.exit === 0) armed(next, false);
        return outcome;
      }
    }
  }

  #refreshed(next: StatusFile, outcome: Outcome, list: Release[]): void {
    const isPending = next.update_state === 'Idle' || next.update_state === 'Available';
    if (outcome.exit !== 0) {
      if (isPending) next.update_state = 'Idle';
      return;
    }
    const { faults } = this.#parts;
    if (faults.hit('badManifestJson')) return;
    next.available_updates = list.map((release) => release.version);
    if (faults.hit('badDispatcherToml')) return;
    const running = this.#parts.image().version;
    const chosen = choose(list, running, this.#versionLock(running));
    next.chosen_update = chosen ? imageOf(chosen) : null;
    if (isPending) next.update_state = chosen ? 'Available' : 'Idle';
  }

  #versionLock(running: string): string {
    const { settings } = this.#parts;
    const file = lt(running, OWN_FILE_SINCE) ? settings.current() : settings.rendered('dispatcher');
    return file.versionLock;
  }
}

function refusalOf(status: StatusFile, command: Command): DispatcherExit | undefined {
  if (!ALLOWED[command].includes(status.update_state)) return 'disallowed';
  if (command === 'prepare' && status.chosen_update === null) return 'updateDoesNotExist';
  if (command === 'activate' && status.staging_partition === null) return 'noStagedImage';
  return undefined;
}

/** The dispatcher never learns which version was written: it copies the choice of the last refresh. */
function staged(next: StatusFile): void {
  next.update_state = 'Staged';
  next.staging_partition = next.chosen_update && { image: next.chosen_update, next_to_boot: false };
}

function armed(next: StatusFile, isArmed: boolean): void {
  next.update_state = isArmed ? 'Ready' : 'Staged';
  if (next.active_partition) next.active_partition.next_to_boot = !isArmed;
  if (next.staging_partition) next.staging_partition.next_to_boot = isArmed;
}
