/** The model's facts as the objects that the pure functions of the protocol read. */
import type { Node } from '../../src/api/core.ts';
import { MARKS_ANNOTATION } from '../../src/api/names.ts';
import type { LedgerEntry } from '../../src/api/v1/updatepolicy.ts';
import type { BottlerocketShadow, HostReport, ShadowState } from '../../src/api/v2/bottlerocketshadow.ts';
import type { SeenHost } from '../../src/protocol/agent-view.ts';
import type { AttemptPolicy } from '../../src/protocol/attempt.ts';
import { readMarks } from '../../src/protocol/marks.ts';
import type { NodePatch } from '../../src/protocol/marks.ts';
import type { AgentReport } from '../../src/protocol/report.ts';
import { rfc3339 } from '../../src/runtime/clock.ts';
import type {
  Entry,
  Host,
  Instant,
  Intent,
  KubeNode,
  Mark,
  Report,
  Reported,
  Shadow,
  Told,
  Version,
} from './world.ts';

/** The one instant of the model. */
export const NOW = Date.parse('2026-01-10T12:00:00Z');
export const MONOTONIC = 1e9;
const NOW_TEXT = rfc3339(NOW);
const LONG_MS = 20 * 60_000;

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
export const TEXT: Readonly<Record<Instant, string | null>> = {
  none: null,
  ahead: rfc3339(NOW + 3_600_000),
  grace: rfc3339(NOW - 60_000),
  missed: rfc3339(NOW - 1_000_000),
};
const BOOTS = Array.from({ length: 64 }, (_, i) => `boot-${i}`);
export const bootText = (boot: number): string => BOOTS[boot] ?? `boot-${boot}`;
export const bootNumber = (text: string): number => Number(text.slice(5));

/** Name and UID of a policy by its index. */
export const policyRef = (index: number): { name: string; uid: string } => ({
  name: `p${index}`,
  uid: `u${index}`,
});

export const LIMITS: Omit<AttemptPolicy, 'name' | 'uid' | 'ending'> = {
  stageTimeoutMs: 1_800_000,
  rebootTimeoutMs: 900_000,
  verifyTimeoutMs: 900_000,
  drainTimeoutMs: 1_800_000,
  stableForMs: 120_000,
  intervalMs: 0,
};

/** When the agent asked for an intent. */
export const intentAt = (intent: Intent): string => INTENT_AT[intent.old ? 'old' : 'young'][intent.nth] ?? '';
const fourAfter = (ms: number): string[] => [0, 1, 2, 3].map((nth) => new Date(ms + nth).toISOString());
const INTENT_AT = { young: fourAfter(NOW), old: fourAfter(NOW - LONG_MS) } as const;

/** The part of `status.host` that an agent tells. */
const hostFacts = (t: Told) => ({
  bootId: bootText(t.boot),
  variant: 'v',
  arch: 'x86_64',
  updateState: t.update,
  checkedAt: t.checked ? NOW_TEXT : null,
  available: [VERSIONS.new, VERSIONS.old],
  staged:
    t.staged === null
      ? null
      : {
          version: VERSIONS.new,
          attempt: t.staged.attempt,
          bootId: bootText(t.staged.boot),
          timestamp: `t${t.staged.timestamp}`,
        },
  saved: t.saved ? { versionLock: 'latest', versionLockSet: VERSIONS.new } : null,
  rebootIntent:
    t.intent === null
      ? null
      : {
          version: VERSIONS.new,
          bootId: bootText(t.intent.boot),
          generation: 2,
          at: intentAt(t.intent),
        },
  error: t.error === null ? null : { code: t.error, message: t.error, at: NOW_TEXT },
});

/** The version a host would choose: it chooses once it has refreshed. */
const chosen = (update: Told['update']): string | null => (update === 'Idle' ? null : VERSIONS.new);

function statusOf(s: Shadow): NonNullable<BottlerocketShadow['status']> {
  const backoff =
    s.backoff === 0
      ? {}
      : { backoff: { failures: 1, attempt: s.backoff, at: NOW_TEXT, until: NOW_TEXT, reason: '' } };
  if (s.reported === null) return backoff;
  const host: HostReport = { ...hostFacts(s), seq: 1, generation: s.seen ? 2 : 1 };
  return {
    current_state: REPORTED[s.reported],
    current_version: VERSIONS[s.version],
    target_version: chosen(s.update),
    host,
    ...backoff,
  };
}

const NOT_AFTER = { none: null, ahead: TEXT.ahead, passed: TEXT.missed } as const;

export const shadowObject = (s: Shadow): BottlerocketShadow => ({
  metadata: {
    name: 'brs-n',
    uid: `s${s.uid}`,
    generation: 2,
    resourceVersion: '1',
    ...(s.deleting ? { deletionTimestamp: NOW_TEXT } : {}),
  },
  spec: {
    state: STATES[s.state] ?? 'Idle',
    attempt: s.attempt,
    version: s.state === 0 ? null : VERSIONS.new,
    policy: s.owner === null ? null : policyRef(s.owner),
    deadline: TEXT[s.deadline],
    notAfter: NOT_AFTER[s.notAfter],
    host: { lock: 'Pin', waves: 'Respect' },
    outcome: s.outcome === null ? null : { attempt: s.outcomeAttempt, reason: s.outcome, message: '' },
  },
  status: statusOf(s),
});

const MARK_AT = {
  fresh: NOW_TEXT,
  settled: rfc3339(NOW - 60_000),
  late: rfc3339(NOW - 100 * 60_000),
} as const;
const MARK_CLASS = new Map(
  Object.entries(MARK_AT).map(([name, text]) => [text, name as keyof typeof MARK_AT]),
);

const markText = (mark: Mark): string =>
  JSON.stringify({
    cordon: {
      ours: true,
      was: mark.was,
      at: MARK_AT[mark.at],
      owner: { shadowUid: `s${mark.uid}`, attempt: mark.attempt },
      ...(mark.released ? { released: true } : {}),
    },
  });

export const nodeObject = (node: KubeNode): Node => ({
  metadata: {
    name: 'n',
    uid: `n${node.uid}`,
    resourceVersion: '1',
    annotations: node.mark === null ? {} : { [MARKS_ANNOTATION]: markText(node.mark) },
  },
  spec: node.unschedulable ? { unschedulable: true } : {},
  status: { nodeInfo: { bootID: bootText(node.boot), osImage: 'Bottlerocket OS' } },
});

/** A Node after a patch of ours. */
export function patched(node: KubeNode, patch: NodePatch): KubeNode {
  const { [MARKS_ANNOTATION]: text } = patch.metadata.annotations as Record<string, string | null>;
  const annotations = text === null || text === undefined ? {} : { [MARKS_ANNOTATION]: text };
  const { cordon } = readMarks({ metadata: { name: 'n', annotations } }).marks;
  const spec: { unschedulable?: boolean | null } | undefined = patch.spec;
  return {
    ...node,
    unschedulable: spec === undefined ? node.unschedulable : spec.unschedulable === true,
    uncordonSeen: cordon !== undefined && node.uncordonSeen,
    mark:
      cordon === undefined
        ? null
        : {
            uid: Number(cordon.owner!.shadowUid.slice(1)),
            attempt: cordon.owner!.attempt,
            was: cordon.was === true,
            released: cordon.released === true,
            at: MARK_CLASS.get(cordon.at)!,
          },
  };
}

/** When an entry's phase ends: a success rests for no time at all, anything else has until its deadline. */
function untilOf(e: Entry): string | null {
  if (e.phase === 'Reserved') return null;
  if (e.overdue) return TEXT.missed;
  return e.phase === 'Resting' ? NOW_TEXT : TEXT.ahead;
}

/** A deadline that was moved is ahead, or wherever `spec` has it, or of an earlier state and long past. */
function extendedOf(e: Entry, shadow: Shadow | null): string | null {
  if (e.extended === 'no') return null;
  if (e.extended === 'past') return LONG_PAST;
  return e.extended === 'entry' || shadow === null ? TEXT.ahead : TEXT[shadow.deadline];
}
const LONG_PAST = rfc3339(NOW - 86_400_000);

export const entryObject = (e: Entry, shadow: Shadow | null): LedgerEntry => ({
  node: `n${e.node}`,
  uid: `n${e.nodeUid}`,
  shadowUid: `s${e.shadowUid}`,
  version: VERSIONS.new,
  attempt: e.attempt,
  phase: e.phase,
  since: NOW_TEXT,
  until: untilOf(e),
  extended: extendedOf(e, shadow),
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

/** A report as the API server judges it; sequence numbers stand for "the next" and "not the next". */
export const reportObject = (r: Report, s: Shadow): AgentReport => ({
  uid: r.sameUid ? `s${s.uid}` : 'other',
  generation: r.sameGeneration ? 2 : 1,
  seq: (s.reported === null ? 1 : 2) + (r.sameSeq ? 0 : 5),
  current_state: REPORTED[r.state],
  current_version: VERSIONS[r.version],
  target_version: chosen(r.update),
  host: hostFacts(r),
});
