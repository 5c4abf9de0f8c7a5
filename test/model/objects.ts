/** The model's facts as the objects that the pure functions of the protocol read. */
import type { Node } from '../../src/api/core.ts';
import { MARKS_ANNOTATION } from '../../src/api/names.ts';
import type { LedgerEntry } from '../../src/api/v1/updatepolicy.ts';
import type { BottlerocketShadow, HostReport, ShadowState } from '../../src/api/v2/bottlerocketshadow.ts';
import type { SeenHost } from '../../src/protocol/agent-view.ts';
import type { AttemptPolicy } from '../../src/protocol/attempt.ts';
import type { AgentReport } from '../../src/protocol/report.ts';
import { rfc3339 } from '../../src/runtime/clock.ts';
import type { Entry, Host, Instant, KubeNode, Report, Reported, Shadow, Version } from './world.ts';

/** The one instant of the model. */
export const NOW = Date.parse('2026-01-10T12:00:00Z');
export const MONOTONIC = 1e9;
export const LONG_MS = 20 * 60_000;

const STATES: readonly ShadowState[] = [
  'Idle',
  'StagedAndPerformedUpdate',
  'RebootedIntoUpdate',
  'MonitoringUpdate',
];
export const REPORTED: Readonly<Record<Reported, ShadowState>> = {
  I: 'Idle',
  S: 'StagedAndPerformedUpdate',
  R: 'RebootedIntoUpdate',
  M: 'MonitoringUpdate',
  E: 'ErrorReset',
};
export const REPORTED_AS = Object.fromEntries(Object.entries(REPORTED).map(([k, v]) => [v, k])) as Record<
  ShadowState,
  Reported
>;

export const VERSIONS: Readonly<Record<Version, string>> = { old: '1.42.0', new: '1.44.0', other: '1.43.0' };
const INSTANTS: Readonly<Record<Instant, number | undefined>> = {
  none: undefined,
  ahead: NOW + 3_600_000,
  grace: NOW - 60_000,
  missed: NOW - 1_000_000,
};
export const TEXT: Readonly<Record<Instant, string | null>> = {
  none: null,
  ahead: rfc3339(NOW + 3_600_000),
  grace: rfc3339(NOW - 60_000),
  missed: rfc3339(NOW - 1_000_000),
};
const BOOTS = Array.from({ length: 64 }, (_, i) => `boot-${i}`);
export const bootText = (boot: number): string => BOOTS[boot] ?? `boot-${boot}`;
export const bootNumber = (text: string): number => Number(text.slice(5));

export const POLICY: AttemptPolicy = {
  name: 'p',
  uid: 'p1',
  ending: false,
  stageTimeoutMs: 1_800_000,
  rebootTimeoutMs: 900_000,
  verifyTimeoutMs: 900_000,
  drainTimeoutMs: 1_800_000,
  stableForMs: 120_000,
  intervalMs: 0,
};

export const deadlineMsOf = (shadow: Shadow): number | undefined => INSTANTS[shadow.deadline];

const intentText = (intent: NonNullable<Shadow['intent']>) => ({
  version: VERSIONS.new,
  bootId: bootText(intent.boot),
  generation: 2,
  at: new Date(NOW - (intent.old ? LONG_MS : 0) + intent.nth).toISOString(),
});

const stagedText = (staged: NonNullable<Shadow['staged']>) => ({
  version: VERSIONS.new,
  attempt: staged.attempt,
  bootId: bootText(staged.boot),
  timestamp: `t${staged.timestamp}`,
});

export function shadowObject(s: Shadow): BottlerocketShadow {
  const host: HostReport = {
    seq: 1,
    generation: s.seen ? 2 : 1,
    bootId: bootText(s.boot),
    staged: s.staged === null ? null : stagedText(s.staged),
    saved: s.saved ? { versionLock: 'latest', versionLockSet: VERSIONS.new } : null,
    rebootIntent: s.intent === null ? null : intentText(s.intent),
    error: s.error === null ? null : { code: s.error, message: s.error, at: rfc3339(NOW) },
  };
  return {
    metadata: {
      name: 'brs-n',
      uid: `s${s.uid}`,
      generation: 2,
      resourceVersion: '1',
      ...(s.deleting ? { deletionTimestamp: rfc3339(NOW) } : {}),
    },
    spec: {
      state: STATES[s.state] ?? 'Idle',
      attempt: s.attempt,
      version: s.state === 0 ? null : VERSIONS.new,
      policy: s.owned ? { name: 'p', uid: 'p1' } : null,
      deadline: TEXT[s.deadline],
      notAfter: s.notAfter === 'none' ? null : s.notAfter === 'ahead' ? TEXT.ahead : TEXT.missed,
      host: { lock: 'Pin', waves: 'Respect' },
      outcome: s.outcome === null ? null : { attempt: s.outcomeAttempt, reason: s.outcome, message: '' },
    },
    status: {
      ...(s.reported === null ? {} : { current_state: REPORTED[s.reported] }),
      current_version: VERSIONS[s.version],
      host,
      ...(s.backoff === 0
        ? {}
        : {
            backoff: { failures: 1, attempt: s.backoff, at: rfc3339(NOW), until: rfc3339(NOW), reason: '' },
          }),
    },
  };
}

const MARK_AT = {
  fresh: rfc3339(NOW),
  settled: rfc3339(NOW - 60_000),
  late: rfc3339(NOW - 100 * 60_000),
} as const;

export function nodeObject(node: KubeNode): Node {
  const mark = node.mark;
  return {
    metadata: {
      name: 'n',
      uid: 'n1',
      resourceVersion: '1',
      annotations:
        mark === null
          ? {}
          : {
              [MARKS_ANNOTATION]: JSON.stringify({
                cordon: {
                  ours: true,
                  was: mark.was,
                  at: MARK_AT[mark.at],
                  owner: { shadowUid: `s${mark.uid}`, attempt: mark.attempt },
                  ...(mark.released ? { released: true } : {}),
                },
              }),
            },
    },
    spec: node.unschedulable ? { unschedulable: true } : {},
    status: { nodeInfo: { bootID: bootText(node.boot), osImage: 'Bottlerocket OS' } },
  };
}

export const entryObject = (e: Entry, shadow: Shadow | null): LedgerEntry => ({
  node: `n${e.node}`,
  uid: 'n1',
  shadowUid: `s${e.shadowUid}`,
  version: VERSIONS.new,
  attempt: e.attempt,
  phase: e.phase,
  since: rfc3339(NOW),
  // A success rests for no time at all; anything else has until its deadline to be put back.
  until:
    e.phase === 'Reserved'
      ? null
      : e.overdue
        ? TEXT.missed
        : e.phase === 'Resting'
          ? rfc3339(NOW)
          : TEXT.ahead,
  // A deadline that was moved is moved to wherever `spec` has it, or (not yet written there) ahead.
  extended: e.extended ? (shadow === null || shadow.unseen ? TEXT.ahead : TEXT[shadow.deadline]) : null,
  reason: e.reason,
});

export const seenHost = (h: Host): SeenHost => ({
  bootId: bootText(h.boot),
  running: VERSIONS[h.running],
  variant: 'v',
  arch: 'x86_64',
  settings: { versionLock: h.locked ? VERSIONS.new : 'latest', ignoreWaves: false },
  update: {
    state: h.update,
    available: [VERSIONS.new, VERSIONS.old],
    ...(h.update === 'Idle' ? {} : { chosen: VERSIONS.new }),
    ...(h.update === 'Staged' || h.update === 'Ready'
      ? { staging: { version: VERSIONS.new, nextToBoot: h.update === 'Ready' } }
      : {}),
    ...(h.last === null
      ? {}
      : {
          last: {
            type: h.last.type as 'refresh',
            succeeded: h.last.ok,
            timestamp: `t${h.last.timestamp}`,
            stderr: h.last.type === 'prepare' ? `Starting update to ${VERSIONS.new}\n` : '',
          },
        }),
  },
});

export const reportObject = (r: Report, s: Shadow): AgentReport => ({
  uid: r.sameUid ? `s${s.uid}` : 'other',
  generation: r.sameGeneration ? 2 : 1,
  seq: r.sameSeq ? 2 : 1,
  current_state: REPORTED[r.state],
  current_version: VERSIONS[r.version],
  target_version: null,
  host: {
    bootId: bootText(r.boot),
    staged: r.staged === null ? null : stagedText(r.staged),
    saved: r.saved ? { versionLock: 'latest', versionLockSet: VERSIONS.new } : null,
    rebootIntent: r.intent === null ? null : intentText(r.intent),
    error: r.error === null ? null : { code: r.error, message: r.error, at: rfc3339(NOW) },
  },
});
