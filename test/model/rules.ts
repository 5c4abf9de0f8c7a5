/**
 * The sentences of the protocol that earlier models showed to be needed, each of which can be switched off: the model
 * must then find a violation, or the sentence (or the model) is worth nothing.
 */
export interface Rules {
  /** Every report carries the number after the last recorded one. */
  sequence: boolean;
  /** An intent is accepted only while `spec.deadline` is ahead. */
  intentDeadline: boolean;
  /** A missed deadline counts two minutes later. */
  deadlineGrace: boolean;
  /** A failure is written to the ledger before `spec` is set to Idle. */
  failureFirst: boolean;
  /** Each attempt writes its own mark, also when our cordon is there already. */
  markOwner: boolean;
  /** What somebody took back is recorded before the attempt is put back. */
  release: boolean;
  /** A node whose reboot is under way keeps cordon and spec until it is heard. */
  lostKeepsSpec: boolean;
  /** An intent is closed no earlier than ten minutes after a possible POST. */
  lateClose: boolean;
  /** After ErrorReset only the same ErrorReset may be reported. */
  stickyError: boolean;
  /** A rollback raises `spec.attempt` before the entry goes. */
  raiseAttempt: boolean;
  /** Only a node whose agent reports Idle, with nothing left over, is admitted. */
  settledOnly: boolean;
  /** Rebooted needs another boot id than the one reported with Staged. */
  otherBoot: boolean;
  /** The ledger is completed before anything is admitted. */
  completion: boolean;
  /** After a restart, or later than 60 s, the intent is put again before a POST. */
  confirmIntent: boolean;
  /** The chain is evaluated again before each further step. */
  gateAgain: boolean;
  /** A node with a stray cordon of ours is swept before it is admitted. */
  cleanNode: boolean;
}

export const ALL_RULES: Rules = {
  sequence: true,
  intentDeadline: true,
  deadlineGrace: true,
  failureFirst: true,
  markOwner: true,
  release: true,
  lostKeepsSpec: true,
  lateClose: true,
  stickyError: true,
  raiseAttempt: true,
  settledOnly: true,
  otherBoot: true,
  completion: true,
  confirmIntent: true,
  gateAgain: true,
  cleanNode: true,
};

/** Kinds of trouble; a scenario allows some of them. */
export const FAULTS = [
  'agentCrash',
  'answerLost',
  'echo',
  'spontaneousReboot',
  'bootFallback',
  'windowCloses',
  'pause',
  'policyDeleted',
  'shadowDeleted',
  'deadlinePasses',
  'deadlineUnseen',
  'drainLate',
  'intentAges',
  'overdue',
  'adminCordon',
  'adminUncordon',
  'nodeDeleted',
  'nodeRecreated',
  'stageFails',
  'rebootRefused',
  'ledgerLost',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Scenario {
  nodes: 1 | 2;
  leaders: 1 | 2;
  /** Slots. */
  limit: number;
  /** How many faults may happen in one history. */
  faults: number;
  allowed: ReadonlySet<Fault>;
  rules: Rules;
  /** Attempts on one node that are followed. */
  maxAttempts: number;
}

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: number;
  constructor(invariant: number, message: string) {
    super(`invariant ${invariant}: ${message}`);
    this.invariant = invariant;
  }
}
