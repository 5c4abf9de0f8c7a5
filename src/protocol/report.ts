/**
 * What an agent may report when (protocol 2 and 4). One function decides; the API server calls it against the very
 * object whose resourceVersion its patch carries, the agent and the model call it too.
 */
import type {
  BottlerocketShadow,
  HostFacts,
  RebootIntent,
  ShadowState,
} from '../api/v2/bottlerocketshadow.ts';
import { attemptOf, hasSavedLeftovers, isAhead, openIntent, reportedState, runsTarget } from './states.ts';

/** The body of `PUT /v2/shadow/status`. */
export interface AgentReport {
  /** UID of the shadow the agent means. */
  uid: string;
  /** metadata.generation of the shadow the agent acted on. */
  generation: number;
  /** One more than `status.host.seq` as last recorded; the first is 1. */
  seq: number;
  current_state: ShadowState;
  current_version: string | null;
  target_version: string | null;
  host: HostFacts;
}

/** Why a report is refused; the `code` of the 409. */
export const REPORT_REFUSALS = {
  StaleShadow: 'The report is for another shadow of this name.',
  StaleGeneration: 'The shadow has changed since; read it again.',
  StaleSeq: 'Another report was recorded since; read the shadow again.',
  IllegalState: 'This state may not be reported while the controller asks for another.',
  StickyErrorReset:
    'After ErrorReset only the same ErrorReset may be reported until the controller changes spec.state.',
  NotStaged:
    'Staged may be reported only with the image of this attempt recorded, or when the target runs already.',
  NotRebooted: 'Rebooted needs the target running and a new boot id.',
  IllegalIntent:
    'A reboot intent is accepted only in state RebootedIntoUpdate, for its version, generation and boot.',
  IntentTooLate: 'spec.notAfter or spec.deadline has passed.',
  IntentOpen: 'An open intent is closed only by a new boot id or by ErrorReset.',
  ShadowDeleted: 'The shadow is being deleted.',
  NotDisarmed: 'Idle may be reported only once nothing is staged, saved or intended.',
  ErrorMissing: 'ErrorReset needs host.error.',
} as const;
export type ReportRefusal = keyof typeof REPORT_REFUSALS;

export type Verdict = { ok: true } | { ok: false; code: ReportRefusal; message: string };

const refuse = (code: ReportRefusal): Verdict => ({ ok: false, code, message: REPORT_REFUSALS[code] });
const OK: Verdict = { ok: true };

type Rule = (shadow: BottlerocketShadow, report: AgentReport, now: number) => ReportRefusal | undefined;

/** Which states may be reported while the controller asks for a state. */
export const LEGAL_STATES: Readonly<Record<ShadowState, readonly ShadowState[]>> = {
  Idle: ['Idle'],
  StagedAndPerformedUpdate: ['Idle', 'StagedAndPerformedUpdate', 'ErrorReset'],
  RebootedIntoUpdate: ['StagedAndPerformedUpdate', 'RebootedIntoUpdate', 'ErrorReset'],
  MonitoringUpdate: ['RebootedIntoUpdate', 'MonitoringUpdate', 'ErrorReset'],
  ErrorReset: [],
};

const isFresh: Rule = (shadow, report) => {
  if (report.uid !== shadow.metadata.uid) return 'StaleShadow';
  if (report.generation !== shadow.metadata.generation) return 'StaleGeneration';
  return report.seq === (shadow.status?.host?.seq ?? 0) + 1 ? undefined : 'StaleSeq';
};

/** While Idle is asked for, the recorded state may be repeated with news (an error, say), as long as nothing but news changes. */
const isNews = (shadow: BottlerocketShadow, report: AgentReport): boolean =>
  shadow.spec.state === 'Idle' &&
  report.current_state === reportedState(shadow) &&
  !isSet(report.host.rebootIntent);

const isSticky: Rule = (shadow, report) => {
  if (shadow.spec.state === 'Idle' || reportedState(shadow) !== 'ErrorReset') return undefined;
  const same =
    report.current_state === 'ErrorReset' && report.host.error?.code === shadow.status?.host?.error?.code;
  return same && !isSet(report.host.rebootIntent) ? undefined : 'StickyErrorReset';
};

/** Steps back within one state of the controller: what is staged stays staged, what was rebooted stays so. */
const STEPS_BACK: readonly (readonly [asked: ShadowState, recorded: ShadowState, reported: ShadowState])[] = [
  ['StagedAndPerformedUpdate', 'StagedAndPerformedUpdate', 'Idle'],
  ['RebootedIntoUpdate', 'RebootedIntoUpdate', 'StagedAndPerformedUpdate'],
  ['MonitoringUpdate', 'MonitoringUpdate', 'RebootedIntoUpdate'],
];

const isLegalState: Rule = (shadow, report) => {
  const asked = shadow.spec.state;
  const recorded = reportedState(shadow);
  const isBack = STEPS_BACK.some(([a, b, c]) => a === asked && b === recorded && c === report.current_state);
  if (isBack) return 'IllegalState';
  const isListed = LEGAL_STATES[asked].includes(report.current_state);
  return isListed || isNews(shadow, report) ? undefined : 'IllegalState';
};

const isIdleClean: Rule = (shadow, report) => {
  if (report.current_state !== 'Idle' || shadow.spec.state !== 'Idle' || isNews(shadow, report))
    return undefined;
  return isSet(report.host.staged) || hasSavedLeftovers(shadow.spec, report.host.saved)
    ? 'NotDisarmed'
    : undefined;
};

const isStagedTrue: Rule = (shadow, report) => {
  if (report.current_state !== 'StagedAndPerformedUpdate' || shadow.spec.state === 'Idle') return undefined;
  if (report.current_version === shadow.spec.version) return undefined;
  const { staged, bootId } = report.host;
  if (!isSet(staged) || staged?.bootId !== bootId) return 'NotStaged';
  return staged.version === shadow.spec.version && staged.attempt === attemptOf(shadow)
    ? undefined
    : 'NotStaged';
};

const isRebootTrue: Rule = (shadow, report) => {
  const claimsReboot = ['RebootedIntoUpdate', 'MonitoringUpdate'].includes(report.current_state);
  if (!claimsReboot || shadow.spec.state === 'Idle') return undefined;
  if (report.current_version !== shadow.spec.version) return 'NotRebooted';
  return isAnotherBoot(shadow, report) ? undefined : 'NotRebooted';
};

/** The boot id differs from the one reported with Staged, unless the target was running even then. */
function isAnotherBoot(shadow: BottlerocketShadow, report: AgentReport): boolean {
  if (reportedState(shadow) !== 'StagedAndPerformedUpdate') return true;
  if (runsTarget(shadow)) return true;
  return report.host.bootId !== shadow.status?.host?.staged?.bootId;
}

const isErrorNamed: Rule = (_shadow, report) =>
  report.current_state === 'ErrorReset' && !isSet(report.host.error) ? 'ErrorMissing' : undefined;

/** The rules of the commit point: see protocol 4. */
const isIntentLegal: Rule = (shadow, report, now) => {
  const intent = report.host.rebootIntent ?? undefined;
  const open = openIntent(shadow);
  if (intent === undefined)
    return open === undefined || closes(shadow, open, report) ? undefined : 'IntentOpen';
  if (open !== undefined && sameIntent(open, intent) && report.host.bootId === intent.bootId)
    return undefined;
  return refuseNewIntent(shadow, { report, intent, now });
};

/** A new boot, an error, or the agent's own word once the controller has given the attempt up. */
const closes = (shadow: BottlerocketShadow, open: RebootIntent, report: AgentReport): boolean =>
  report.current_state === 'ErrorReset' ||
  report.host.bootId !== open.bootId ||
  (shadow.spec.state === 'Idle' && report.current_state === 'Idle');

const sameIntent = (a: RebootIntent, b: RebootIntent): boolean =>
  a.at === b.at && a.bootId === b.bootId && a.version === b.version && a.generation === b.generation;

function refuseNewIntent(
  shadow: BottlerocketShadow,
  { report, intent, now }: { report: AgentReport; intent: RebootIntent; now: number },
): ReportRefusal | undefined {
  const fits = [
    shadow.spec.state === 'RebootedIntoUpdate',
    report.current_state === 'StagedAndPerformedUpdate',
    reportedState(shadow) === 'StagedAndPerformedUpdate',
    intent.version === shadow.spec.version,
    intent.generation === shadow.metadata.generation,
    intent.bootId === report.host.bootId,
    intent.bootId === shadow.status?.host?.staged?.bootId,
  ];
  if (!fits.every(Boolean)) return 'IllegalIntent';
  if (shadow.metadata.deletionTimestamp !== undefined) return 'ShadowDeleted';
  return isAhead(shadow.spec.notAfter, now) && isAhead(shadow.spec.deadline, now)
    ? undefined
    : 'IntentTooLate';
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

const RULES: readonly Rule[] = [
  isFresh,
  isSticky,
  isLegalState,
  isErrorNamed,
  isIntentLegal,
  isIdleClean,
  isStagedTrue,
  isRebootTrue,
];

/** Judges a report against the shadow it is about to change. `now` is the API server's clock. */
export function legalReport(shadow: BottlerocketShadow, report: AgentReport, now: number): Verdict {
  for (const rule of RULES) {
    const refusal = rule(shadow, report, now);
    if (refusal !== undefined) return refuse(refusal);
  }
  return OK;
}

/** Keys of `status.host`, so that a merge patch can replace it whole. */
const HOST_KEYS = [
  'agentVersion',
  'variant',
  'arch',
  'updateState',
  'available',
  'staged',
  'saved',
  'rebootIntent',
  'step',
  'error',
  'checkedAt',
] as const;

/** Keys of the objects inside `status.host` that a merge patch would otherwise merge. */
const SAVED_KEYS = ['versionLock', 'versionLockSet', 'ignoreWaves'] as const;

/** The merge patch of the agent's part of status: exactly that, with the precondition of the object judged. */
export function reportPatch(shadow: BottlerocketShadow, report: AgentReport): object {
  const host: Record<string, unknown> = {
    ...Object.fromEntries(HOST_KEYS.map((key) => [key, report.host[key] ?? null])),
    uid: report.uid,
    seq: report.seq,
    generation: report.generation,
    bootId: report.host.bootId,
  };
  if (isSet(report.host.saved)) {
    host.saved = Object.fromEntries(SAVED_KEYS.map((key) => [key, report.host.saved?.[key] ?? null]));
  }
  return {
    metadata: { resourceVersion: shadow.metadata.resourceVersion, uid: shadow.metadata.uid },
    status: {
      current_state: report.current_state,
      current_version: report.current_version,
      target_version: report.target_version,
      host,
    },
  };
}

/** True when the shadow shows that this very report was recorded: for an answer that was lost. */
export const wasRecorded = (shadow: BottlerocketShadow, report: AgentReport): boolean =>
  shadow.metadata.uid === report.uid &&
  shadow.status?.host?.seq === report.seq &&
  shadow.status.current_state === report.current_state &&
  shadow.status.host.rebootIntent?.at === report.host.rebootIntent?.at;
