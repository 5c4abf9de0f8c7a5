/**
 * Histories of one shadow: the controller asks, an agent that says anything at all reports. Whatever is accepted keeps
 * to the protocol, told here a second time and in its simplest form (protocol 2 and 4).
 */
import * as fc from 'fast-check';
import type {
  BottlerocketShadow,
  RebootIntent,
  ShadowState,
} from '../../../src/api/v2/bottlerocketshadow.ts';
import { STATES } from '../../../src/api/v2/bottlerocketshadow.ts';
import type { AgentReport } from '../../../src/protocol/report.ts';
import { legalReport, reportPatch, wasRecorded } from '../../../src/protocol/report.ts';
import { mergePatch } from '../../../src/sim/cluster/json.ts';
import { must, target } from '../target.ts';

const START_MS = Date.UTC(2026, 5, 1);
const at = (minutes: number): string => new Date(START_MS + minutes * 60_000).toISOString();

/** What the controller may ask for after each state; anything may also be taken back. */
type Step =
  | {
      by: 'controller';
      state: ShadowState;
      version: string;
      deadline: number | null;
      notAfter: number | null;
      deleting: boolean;
    }
  | {
      by: 'agent';
      report: Partial<AgentReport>;
      host: Partial<AgentReport['host']>;
      seqOff: number;
      stale: boolean;
    };

const version = fc.constantFrom('1.40.0', '1.44.0');
const boot = fc.constantFrom('boot-1', 'boot-2', 'boot-3');
const minutes = fc.option(fc.integer({ min: -5, max: 200 }));

const intent = fc.record({
  version,
  bootId: boot,
  generation: fc.integer({ min: 1, max: 8 }),
  at: fc.constantFrom(at(0), at(1)),
});
const host = fc.record(
  {
    bootId: boot,
    staged: fc.option(
      fc.record({ version, attempt: fc.nat(3), bootId: boot, timestamp: fc.constantFrom('t1', 't2') }),
      { freq: 3 },
    ),
    saved: fc.option(
      fc.record(
        { versionLock: fc.option(version), ignoreWaves: fc.option(fc.boolean()) },
        { requiredKeys: [] },
      ),
      { freq: 2 },
    ),
    rebootIntent: fc.option(intent, { freq: 2 }),
    error: fc.option(
      fc.record({
        code: fc.constantFrom('StageFailed' as const, 'BootFallback' as const),
        message: fc.constant('x'),
        at: fc.constant(at(0)),
      }),
      { freq: 2 },
    ),
    available: fc.option(fc.array(version, { maxLength: 2 })),
  },
  { requiredKeys: ['bootId'] },
);
const state = fc.constantFrom(...STATES);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      by: fc.constant('controller' as const),
      state: fc.constantFrom(...STATES.filter((each) => each !== 'ErrorReset')),
      version,
      deadline: minutes,
      notAfter: minutes,
      deleting: fc.nat(20).map((chance) => chance === 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      by: fc.constant('agent' as const),
      report: fc.record({
        current_state: state,
        current_version: fc.option(version, { freq: 8 }),
        target_version: fc.option(version),
      }),
      host,
      seqOff: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1),
      stale: fc.nat(12).map((chance) => chance === 0),
    }),
  },
);

const BEGINNING: BottlerocketShadow = {
  metadata: { name: 'brs-n', uid: 'u', generation: 1, resourceVersion: '1' },
  spec: { state: 'Idle', attempt: 0 },
};

/** An intent whose numbers fit as often as not: otherwise hardly one would ever be accepted. */
function fitting(
  shadow: BottlerocketShadow,
  wanted: RebootIntent | null | undefined,
): RebootIntent | null | undefined {
  if (wanted === null || wanted === undefined || wanted.generation % 2 === 0) return wanted;
  return { ...wanted, generation: shadow.metadata.generation ?? 0, version: shadow.spec.version ?? '' };
}

function asked(shadow: BottlerocketShadow, step: Extract<Step, { by: 'controller' }>): BottlerocketShadow {
  const attempt = (shadow.spec.attempt ?? 0) + (step.state === 'StagedAndPerformedUpdate' ? 1 : 0);
  return {
    ...shadow,
    metadata: {
      ...shadow.metadata,
      generation: (shadow.metadata.generation ?? 0) + 1,
      resourceVersion: String(Number(shadow.metadata.resourceVersion) + 1),
      ...(step.deleting && { deletionTimestamp: at(0) }),
    },
    spec: {
      state: step.state,
      attempt,
      version: step.state === 'Idle' ? null : step.version,
      deadline: step.deadline === null ? null : at(step.deadline),
      notAfter: step.notAfter === null ? null : at(step.notAfter),
    },
  };
}

function reported(shadow: BottlerocketShadow, step: Extract<Step, { by: 'agent' }>): AgentReport {
  const rebootIntent = fitting(shadow, step.host.rebootIntent);
  return {
    uid: step.stale ? 'another' : 'u',
    generation: shadow.metadata.generation ?? 0,
    seq: (shadow.status?.host?.seq ?? 0) + 1 + step.seqOff,
    current_state: 'Idle',
    current_version: null,
    target_version: null,
    ...step.report,
    host: { bootId: 'boot-1', ...step.host, ...(rebootIntent !== undefined && { rebootIntent }) },
  };
}

const ALLOWED: Readonly<Record<ShadowState, readonly ShadowState[]>> = {
  Idle: ['Idle'],
  StagedAndPerformedUpdate: ['Idle', 'StagedAndPerformedUpdate', 'ErrorReset'],
  RebootedIntoUpdate: ['StagedAndPerformedUpdate', 'RebootedIntoUpdate', 'ErrorReset'],
  MonitoringUpdate: ['RebootedIntoUpdate', 'MonitoringUpdate', 'ErrorReset'],
  ErrorReset: [],
};

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

interface Accepted {
  before: BottlerocketShadow;
  report: AgentReport;
  nowMs: number;
}

/** A rule of the protocol: what it says, and whether it holds; it asks nothing of what it is not about. */
type Rule = readonly [
  says: string,
  isAbout: (accepted: Accepted) => boolean,
  holds: (accepted: Accepted) => boolean,
];

const openOf = ({ before }: Accepted): RebootIntent | undefined =>
  before.status?.host?.rebootIntent ?? undefined;
const newOf = (accepted: Accepted): RebootIntent | undefined => {
  const wanted = accepted.report.host.rebootIntent ?? undefined;
  return JSON.stringify(wanted) === JSON.stringify(openOf(accepted)) ? undefined : wanted;
};
const isRepeat = ({ before, report }: Accepted): boolean =>
  before.spec.state === 'Idle' && report.current_state === before.status?.current_state;
const isAhead = (limit: string | null | undefined, nowMs: number): boolean =>
  !isSet(limit) || nowMs < Date.parse(limit ?? '');
const always = (): boolean => true;

/** Everything that an accepted report must keep to. */
const RULES: readonly Rule[] = [
  [
    'it is for this very shadow',
    always,
    ({ before: { metadata }, report }) =>
      report.uid === metadata.uid && report.generation === metadata.generation,
  ],
  ['it is the next one', always, ({ before, report }) => report.seq === (before.status?.host?.seq ?? 0) + 1],
  [
    'its state is among those allowed',
    (accepted) => !isRepeat(accepted),
    ({ before, report }) => ALLOWED[before.spec.state].includes(report.current_state),
  ],
  [
    'an error has a name',
    ({ report }) => report.current_state === 'ErrorReset',
    ({ report }) => isSet(report.host.error),
  ],
  [
    'after an error only the error is repeated',
    ({ before }) => before.status?.current_state === 'ErrorReset' && before.spec.state !== 'Idle',
    ({ report }) => report.current_state === 'ErrorReset',
  ],
  [
    'Idle is without leftovers',
    (accepted) =>
      accepted.report.current_state === 'Idle' &&
      accepted.before.spec.state === 'Idle' &&
      !isRepeat(accepted),
    ({ report }) => !isSet(report.host.staged) && !isSet(report.host.saved?.versionLock),
  ],
  [
    'only the target counts as rebooted into',
    ({ before, report }) =>
      before.spec.state !== 'Idle' &&
      ['RebootedIntoUpdate', 'MonitoringUpdate'].includes(report.current_state),
    ({ before, report }) => report.current_version === before.spec.version,
  ],
  [
    'an intent is only taken when asked for',
    (accepted) => newOf(accepted) !== undefined,
    ({ before }) =>
      before.spec.state === 'RebootedIntoUpdate' && before.metadata.deletionTimestamp === undefined,
  ],
  [
    'an intent is for this very spec',
    (accepted) => newOf(accepted) !== undefined,
    (accepted) =>
      newOf(accepted)?.generation === accepted.before.metadata.generation &&
      newOf(accepted)?.version === accepted.before.spec.version,
  ],
  [
    'an intent is in time',
    (accepted) => newOf(accepted) !== undefined,
    ({ before: { spec }, nowMs }) => isAhead(spec.notAfter, nowMs) && isAhead(spec.deadline, nowMs),
  ],
  [
    'an intent is of the boot that staged',
    (accepted) => newOf(accepted) !== undefined,
    (accepted) => accepted.before.status?.host?.staged?.bootId === newOf(accepted)?.bootId,
  ],
  [
    'an open intent is closed by a boot, an error or the controller',
    (accepted) => openOf(accepted) !== undefined && !isSet(accepted.report.host.rebootIntent),
    (accepted) =>
      accepted.report.current_state === 'ErrorReset' ||
      accepted.report.host.bootId !== openOf(accepted)?.bootId ||
      accepted.before.spec.state === 'Idle',
  ],
];

function checkAccepted(accepted: Accepted): void {
  for (const [says, isAbout, holds] of RULES) must(!isAbout(accepted) || holds(accepted), says, accepted);
}

/** The agent's part is replaced, all else stays. */
function checkWritten(before: BottlerocketShadow, after: BottlerocketShadow, report: AgentReport): void {
  must(JSON.stringify(after.spec) === JSON.stringify(before.spec), 'spec is not touched');
  must(
    JSON.stringify(after.status?.backoff) === JSON.stringify(before.status?.backoff),
    'the controller’s part is not touched',
  );
  must(wasRecorded(after, report), 'what was recorded is found again', { after, report });
  const { uid, seq, generation, ...recorded } = after.status?.host ?? ({} as never);
  const wanted = Object.fromEntries(Object.entries(report.host).filter(([, value]) => isSet(value)));
  must(
    uid === report.uid && seq === report.seq && generation === report.generation,
    'its numbers are recorded',
  );
  for (const key of Object.keys(recorded))
    must(Object.hasOwn(wanted, key), 'nothing of the report before is left', { key, recorded });
}

export const reportHistories = target({
  name: 'histories of reports',
  share: 10_000,
  inputs: fc.array(steps, { minLength: 1, maxLength: 25, size: 'max' }),
  check: (history) => {
    let shadow: BottlerocketShadow = { ...BEGINNING, status: { backoff: null } };
    for (const [index, step] of history.entries()) {
      const nowMs = START_MS + index * 60_000;
      if (step.by === 'controller') {
        shadow = asked(shadow, step);
        continue;
      }
      const report = reported(shadow, step);
      if (!legalReport(shadow, report, nowMs).ok) continue;
      checkAccepted({ before: shadow, report, nowMs });
      const after = mergePatch(shadow, reportPatch(shadow, report)) as BottlerocketShadow;
      checkWritten(shadow, after, report);
      shadow = after;
    }
  },
});
