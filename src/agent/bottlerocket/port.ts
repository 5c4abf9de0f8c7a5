/**
 * The host port: all that the agent asks of the Bottlerocket API on its node, with answers as values. Nothing
 * here throws for what a host says; a caller switches on `kind` and cannot forget a case.
 */

/** What a request to the host came to. `text` is the host's own plain text, cut to 500 characters. */
export type HostAnswer<T> =
  | { kind: 'ok'; value: T }
  /** 423: an update command is running, here or from another client. */
  | { kind: 'locked'; text: string }
  /** 409: the update state machine does not allow the command. */
  | { kind: 'notAllowed'; text: string }
  /** 404: of the status, no command has run since the boot; of a command, what it needs is not there. */
  | { kind: 'notFound'; text: string }
  /** Any other status that is no 2xx. */
  | { kind: 'failed'; status: number; text: string }
  /** No answer at all. `code` is Node's error code, `TIMEOUT`, or `ABORTED` when our own signal ended it. */
  | { kind: 'unreachable'; code: string }
  /** An answer of a shape this client does not know; its first 200 characters. */
  | { kind: 'strange'; text: string };

/** A HostAnswer that brought no value. */
export type HostProblem = Exclude<HostAnswer<never>, { kind: 'ok' }>;

/** GET /os: the running image. */
export interface OsInfo {
  /** The running version, without "v". */
  version: string;
  /** Such as `aws-k8s-1.36`. */
  variant: string;
  arch: string;
  prettyName: string;
}

export const UPDATE_STATES = ['Idle', 'Available', 'Staged', 'Ready'] as const;
/** The host's own update state; not to be confused with the states of a shadow. */
export type UpdateState = (typeof UPDATE_STATES)[number];

export const COMMAND_TYPES = ['refresh', 'prepare', 'activate', 'deactivate'] as const;
export type CommandType = (typeof COMMAND_TYPES)[number];

export const COMMAND_STATUSES = ['Success', 'Failed', 'Unknown'] as const;
export type CommandStatus = (typeof COMMAND_STATUSES)[number];

export interface HostImage {
  arch: string;
  version: string;
  variant: string;
}

export interface Partition {
  image: HostImage;
  nextToBoot: boolean;
}

/** Result of the last update command; by itself no proof of anything: a success may be told without one, and a result may be lost. */
export interface CommandResult {
  type: CommandType;
  status: CommandStatus;
  /** RFC 3339 with up to nine fractional digits; compared as text only. */
  timestamp: string;
  /** Exit status, or the signal's number when the command was killed. */
  exitStatus: number | null;
  stderr: string;
}

/** GET /updates/status. */
export interface UpdateStatus {
  updateState: UpdateState;
  /** Descending; contains the running version and older ones too. */
  availableUpdates: string[];
  chosenUpdate: HostImage | null;
  activePartition: Partition | null;
  stagingPartition: Partition | null;
  mostRecentCommand: CommandResult | null;
}

/** The live (committed) values of `settings.updates` that the agent reads or writes. */
export interface UpdateSettings {
  /** `latest` or a version, with or without "v". */
  versionLock: string;
  ignoreWaves: boolean;
}

/**
 * What a reboot request came to. `accepted` means "probably under way": only a new boot id proves a reboot.
 * `refused` means that nothing will happen. `notDelivered` means that no connection was made.
 */
export type RebootAnswer =
  | { kind: 'accepted'; by: '204' | 'exitCode15' | 'connectionLost' | 'timeout' | 'aborted' }
  | { kind: 'refused'; text: string }
  | { kind: 'notDelivered'; code: string }
  | { kind: 'strange'; text: string };

/** The host. Every call is one request (or a short fixed series) and never throws. */
export interface HostPort {
  os(): Promise<HostAnswer<OsInfo>>;
  /** `locked` is the only sign that a command is under way. */
  updateStatus(): Promise<HostAnswer<UpdateStatus>>;
  /** `ok` = accepted and started, not done: the result is read with `updateStatus`. */
  command(type: CommandType): Promise<HostAnswer<void>>;
  reboot(): Promise<RebootAnswer>;
  settings(): Promise<HostAnswer<UpdateSettings>>;
  /**
   * Commits the given settings in the transaction `tx`, which must be unique, and starts their rendering.
   * `ok` carries the committed keys; the files that the updater reads follow a little later, without a signal.
   */
  setSettings(change: Partial<UpdateSettings>, tx: string): Promise<HostAnswer<string[]>>;
}
