/**
 * The sentences of the protocol that earlier models showed to be needed, each of which can be switched off: the model
 * must then find a violation, or the sentence (or the model) is worth nothing.
 */
export const ALL_RULES = {
  /** Every report carries the number after the last recorded one. */
  sequence: true,
  /** An intent is accepted only while `spec.deadline` is ahead. */
  intentDeadline: true,
  /** A missed deadline counts two minutes later. */
  deadlineGrace: true,
  /** A failure is written to the ledger before `spec` is set to Idle. */
  failureFirst: true,
  /** Each attempt writes its own mark, also when our cordon is there already. */
  markOwner: true,
  /** What somebody took back is recorded before the attempt is put back. */
  release: true,
  /** A node whose reboot is under way keeps cordon and spec until it is heard. */
  lostKeepsSpec: true,
  /** An intent is closed no earlier than ten minutes after a possible POST. */
  lateClose: true,
  /** After ErrorReset only the same ErrorReset may be reported. */
  stickyError: true,
  /** A rollback raises `spec.attempt` before the entry goes. */
  raiseAttempt: true,
  /** Only a node whose agent reports Idle, with nothing left over, is admitted. */
  settledOnly: true,
  /** Rebooted needs another boot id than the one reported with Staged. */
  otherBoot: true,
  /** The ledger is completed before anything is admitted. */
  completion: true,
  /** After a restart, or later than 60 s, the intent is put again before a POST. */
  confirmIntent: true,
  /** The chain is evaluated again before each further step. */
  gateAgain: true,
  /** A node with a stray cordon of ours is swept before it is admitted. */
  cleanNode: true,
  /** An entry acts only on a shadow that names its own policy. */
  ownShadow: true,
  /** A node on which somebody else has an update ready is not admitted. */
  armedByOthers: true,
  /** An entry that has not started yet needs an open window, whatever `onClose` says. */
  startInWindow: true,
  /** Marks that no attempt answers for are undone whenever seen. */
  sweep: true,
};
export type Rules = typeof ALL_RULES;

/** Kinds of trouble; a scenario allows some of them. */
export const FAULTS = [
  'agentCrash',
  'answerLost',
  'echo',
  'spontaneousReboot',
  'bootFallback',
  'windowCloses',
  'windowReopens',
  'blackout',
  'pause',
  'policyDeleted',
  'policyGone',
  'resume',
  'shadowDeleted',
  'shadowRemoved',
  'deadlinePasses',
  'deadlineUnseen',
  'drainLate',
  'intentAges',
  'overdue',
  'adminCordon',
  'adminUncordon',
  'staleNode',
  'nodeDeleted',
  'nodeRecreated',
  'nodeReregistered',
  'stageFails',
  'rebootRefused',
  'rebootIgnored',
  'ledgerLost',
  'relabel',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Scenario {
  nodes: 1 | 2;
  /** Writes that may be under way at once: of two leaders that both act, or of one that writes in parallel. */
  leaders: 1 | 2 | 3;
  policies: 1 | 2;
  /** Slots of each policy. */
  limit: number;
  /** How many faults may happen in one history. */
  faults: number;
  allowed: ReadonlySet<Fault>;
  rules: Rules;
  /** Attempts on one shadow that are followed. */
  maxAttempts: number;
  /** `onClose` of the policies. */
  onClose: 'StopBeforeReboot' | 'Finish';
}

/** An invariant of design 10 does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: number;
  constructor(invariant: number, message: string) {
    super(`invariant ${invariant}: ${message}`);
    this.invariant = invariant;
  }
}
