/** Everything that can be made to go wrong on a simulated host, by name, at run time. */
import type { Clock } from '../../runtime/clock.ts';

/** Name → what it does. */
export const FAULTS = {
  tufDown: 'The repository refuses: every command fails after loading no metadata.',
  tufBlackHole: 'The repository is silent: every command fails after 50 s.',
  slowDownload: 'prepare takes `ms` longer.',
  hungDownload: 'prepare gets no data and fails after 150 s.',
  writeError: 'prepare fails while it writes; the inactive slot stays wiped.',
  updogKilled: 'The updater is killed by `signal` (9): recorded as Failed with that exit status.',
  updogMissing: 'The updater cannot be executed: no trace of the command.',
  childCrash: 'The dispatcher dies half way: the lock is released, nothing is recorded.',
  silentFailure: 'prepare, activate and deactivate that fail record nothing, as before OS 1.0.3.',
  badManifestJson: 'refresh is recorded as a success but changes neither state nor choice.',
  badDispatcherToml: 'refresh is recorded as a success and lists updates, but chooses nothing.',
  corruptStatus: 'The status file cannot be read (until the next boot).',
  strangeStatus: 'GET /updates/status answers 200 with `text`.',
  tbuMissing: 'The update dispatcher cannot be started.',
  gptUnreadable: 'The dispatcher ends with exit status 1 before it starts.',
  noLockDirectory: '/run/lock is missing.',
  otherClientHoldsLock: 'Somebody holds the update lock.',
  settingsRenderDelay: 'Configuration files are rendered `ms` later; `which` names one of the two.',
  settingsRenderNever: 'Configuration files are not rendered; `which` names one of the two.',
  settingsRefused: 'PATCH /settings answers 500.',
  commitLost: 'The connection is cut after a commit was done.',
  blockInhibitor: 'A block inhibitor refuses reboots.',
  delayInhibitor: 'A delay inhibitor holds back the shutdown for `ms` (300 s).',
  rebootIgnored: 'A reboot is accepted and does not happen.',
  rebootReply: 'What a reboot that proceeds is answered: `reply` 204, exitCode15 or reset.',
  bootPanics: 'The image `version` (or any) panics while booting.',
  bootHangs: 'The image `version` (or any) hangs in the migrator until a power cycle.',
  doubleReboot: 'The boot reboots once more before it is done.',
  apiDown: 'The API is stopped: no socket.',
  workerBlocked: 'The API takes connections and answers nothing.',
  answerLost: 'A request is carried out and its connection cut before the answer.',
  singleSlot: 'The variant is built without in-place updates: there is no inactive slot.',
} as const;
export type FaultName = keyof typeof FAULTS;

/** How a fault is armed. Without `times` and `forMs` it stays until cleared. */
export interface FaultSpec {
  /** It hits so many times, then is gone. */
  times?: number;
  /** It is gone after so long. */
  forMs?: number;
  /** Only these commands. */
  commands?: readonly string[];
  ms?: number;
  signal?: number;
  version?: string;
  which?: 'updog' | 'dispatcher';
  reply?: '204' | 'exitCode15' | 'reset';
  text?: string;
}

interface Armed {
  spec: FaultSpec;
  untilMs: number;
  left: number;
}

/** The faults of one host. */
export class Faults {
  readonly #clock: Clock;
  readonly #armed = new Map<FaultName, Armed>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Arms a fault, replacing what was armed under its name. */
  arm(name: FaultName, spec: FaultSpec = {}): void {
    this.#armed.set(name, {
      spec,
      untilMs: spec.forMs === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonic() + spec.forMs,
      left: spec.times ?? Number.POSITIVE_INFINITY,
    });
  }

  clear(name: FaultName): void {
    this.#armed.delete(name);
  }

  clearAll(): void {
    this.#armed.clear();
  }

  /** The fault if it applies now (to `command`, if it is limited to some), without using it up. */
  active(name: FaultName, command?: string): FaultSpec | undefined {
    const armed = this.#armed.get(name);
    if (armed === undefined || armed.left <= 0 || this.#clock.monotonic() >= armed.untilMs) return undefined;
    const { commands } = armed.spec;
    return commands === undefined || (command !== undefined && commands.includes(command))
      ? armed.spec
      : undefined;
  }

  /** As `active`, and counts the hit. */
  hit(name: FaultName, command?: string): FaultSpec | undefined {
    const spec = this.active(name, command);
    const armed = this.#armed.get(name);
    if (spec !== undefined && armed !== undefined) armed.left -= 1;
    return spec;
  }

  /** Names of what is armed now, for a dump. */
  names(): FaultName[] {
    return [...this.#armed.keys()].filter((name) => {
      const armed = this.#armed.get(name);
      return armed !== undefined && armed.left > 0 && this.#clock.monotonic() < armed.untilMs;
    });
  }
}

export const isFaultName = (name: string): name is FaultName => Object.hasOwn(FAULTS, name);
