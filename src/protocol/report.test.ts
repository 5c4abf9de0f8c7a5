import { describe, expect, it } from 'vitest';
import type { BottlerocketShadow, ShadowState } from '../api/v2/bottlerocketshadow.ts';
import { LEGAL_STATES, REPORT_REFUSALS, legalReport, reportPatch, wasRecorded } from './report.ts';
import type { AgentReport, ReportRefusal } from './report.ts';
import {
  BOOT,
  INTENT,
  NEW,
  NOW,
  OLD,
  OTHER_BOOT,
  STAGED,
  committed,
  failed,
  idle,
  inMinutes,
  merged,
  monitoring,
  nextReport,
  rebooted,
  rebooting,
  staged,
  staging,
} from './situations.fixture.ts';
import type { ReportChange } from './situations.fixture.ts';

const judge = (shadow: BottlerocketShadow, change: ReportChange = {}): ReportRefusal | 'ok' => {
  const verdict = legalReport(shadow, nextReport(shadow, change), NOW);
  return verdict.ok ? 'ok' : verdict.code;
};

const error = (code: 'StageFailed' | 'BootFallback') => ({ code, message: code, at: inMinutes(0) });
const booted = (change: ReportChange = {}): ReportChange => ({
  current_state: 'RebootedIntoUpdate',
  current_version: NEW,
  ...change,
  host: { bootId: OTHER_BOOT, staged: null, rebootIntent: null, ...change.host },
});
const asksToReboot: ReportChange = { host: { rebootIntent: INTENT } };

describe('what a host does when all goes well', () => {
  it.each<[string, BottlerocketShadow, ReportChange]>([
    ['rests', idle(), {}],
    ['tells an error while it rests', idle(), { host: { error: error('StageFailed') } }],
    ['saves the lock while it stages', staging(), { host: { saved: { versionLock: 'latest' } } }],
    ['records what it staged', staging(), { host: { staged: STAGED } }],
    ['is armed', staging({ host: { staged: STAGED } }), { current_state: 'StagedAndPerformedUpdate' }],
    ['asks to reboot', rebooting(), asksToReboot],
    ['repeats the same intent', committed(), {}],
    ['asks again later', committed(), { host: { rebootIntent: { ...INTENT, at: inMinutes(7) } } }],
    ['runs the target after the boot', committed(), booted()],
    ['boots once more', rebooted(), booted({ host: { bootId: 'boot-3' } })],
    ['is watched', monitoring({ state: 'RebootedIntoUpdate' }), { current_state: 'MonitoringUpdate' }],
    ['rests again', idle({ state: 'MonitoringUpdate', version: NEW }), { current_state: 'Idle' }],
    [
      'got the target by a reboot that nobody asked for',
      staging(),
      { current_state: 'StagedAndPerformedUpdate', current_version: NEW, host: { bootId: OTHER_BOOT } },
    ],
    [
      'goes on from there without a reboot of its own',
      rebooting({ version: NEW, host: { bootId: OTHER_BOOT, staged: null } }),
      booted(),
    ],
  ])('%s', (_name, shadow, change) => expect(judge(shadow, change)).toBe('ok'));

  it.each<[string, BottlerocketShadow, ReportChange]>([
    ['staging fails', staging(), { current_state: 'ErrorReset', host: { error: error('StageFailed') } }],
    [
      'the old version boots',
      committed(),
      { current_state: 'ErrorReset', host: { rebootIntent: null, error: error('BootFallback') } },
    ],
    ['it says so again', failed('StageFailed'), {}],
    ['it is put back', idle({ state: 'ErrorReset' }), { current_state: 'Idle' }],
    [
      'it gives up an intent that it was told to forget',
      idle({ state: 'StagedAndPerformedUpdate', host: { rebootIntent: INTENT } }),
      { current_state: 'Idle', host: { rebootIntent: null } },
    ],
  ])('and when %s', (_name, shadow, change) => expect(judge(shadow, change)).toBe('ok'));
});

const REFUSED: [ReportRefusal, string, BottlerocketShadow, ReportChange][] = [
  ['StaleShadow', 'for a shadow that was deleted', idle(), { uid: 'shadow-0' }],
  ['StaleGeneration', 'made before the spec changed', staging(), { generation: 8 }],
  ['StaleGeneration', 'of a generation that does not exist yet', staging(), { generation: 10 }],
  ['StaleSeq', 'delivered twice', idle(), { seq: 4 }],
  ['StaleSeq', 'that skips one', idle(), { seq: 6 }],
  [
    'StickyErrorReset',
    'that takes an error back',
    failed('StageFailed'),
    { current_state: 'StagedAndPerformedUpdate' },
  ],
  ['StickyErrorReset', 'of another error', failed('StageFailed'), { host: { error: error('BootFallback') } }],
  ['StickyErrorReset', 'that asks to reboot after an error', failed('StageFailed', rebooting), asksToReboot],
  ['IllegalState', 'that is ahead of what is asked for', staging(), booted()],
  ['IllegalState', 'that falls back from Staged', staged(), { current_state: 'Idle' }],
  [
    'IllegalState',
    'that falls back from Rebooted',
    rebooted(),
    { current_state: 'StagedAndPerformedUpdate' },
  ],
  ['IllegalState', 'that falls back from Monitoring', monitoring(), { current_state: 'RebootedIntoUpdate' }],
  ['IllegalState', 'that stages though it rests', idle(), { current_state: 'StagedAndPerformedUpdate' }],
  ['ErrorMissing', 'of ErrorReset without an error', staging(), { current_state: 'ErrorReset' }],
  ['IntentOpen', 'that forgets an open intent', committed(), { host: { rebootIntent: null } }],
  ['IllegalIntent', 'that asks before it may', staged(), asksToReboot],
  ['IllegalIntent', 'that asks while it rests', idle(), asksToReboot],
  [
    'IllegalIntent',
    'that asks for another version',
    rebooting(),
    { host: { rebootIntent: { ...INTENT, version: OLD } } },
  ],
  [
    'IllegalIntent',
    'that asks with an older generation',
    rebooting(),
    { host: { rebootIntent: { ...INTENT, generation: 8 } } },
  ],
  [
    'IllegalIntent',
    'that asks for another boot',
    rebooting(),
    { host: { rebootIntent: { ...INTENT, bootId: OTHER_BOOT } } },
  ],
  [
    'IllegalIntent',
    'that asks in another boot than it staged in',
    rebooting(),
    { host: { bootId: OTHER_BOOT, rebootIntent: { ...INTENT, bootId: OTHER_BOOT } } },
  ],
  ['IntentTooLate', 'after the window', rebooting({ spec: { notAfter: inMinutes(0) } }), asksToReboot],
  ['IntentTooLate', 'after the deadline', rebooting({ spec: { deadline: inMinutes(-1) } }), asksToReboot],
  [
    'IntentTooLate',
    'that asks again after the window',
    committed({ spec: { notAfter: inMinutes(-1) } }),
    { host: { rebootIntent: { ...INTENT, at: inMinutes(7) } } },
  ],
  ['ShadowDeleted', 'for a shadow that is being deleted', rebooting({ deleting: true }), asksToReboot],
  [
    'NotDisarmed',
    'of Idle while armed',
    idle({ state: 'StagedAndPerformedUpdate', host: { staged: STAGED } }),
    { current_state: 'Idle' },
  ],
  [
    'NotDisarmed',
    'of Idle while the lock is ours',
    idle({ state: 'ErrorReset', host: { saved: { versionLock: 'latest' } } }),
    { current_state: 'Idle' },
  ],
  ['NotStaged', 'of Staged with nothing recorded', staging(), { current_state: 'StagedAndPerformedUpdate' }],
  [
    'NotStaged',
    'of Staged from an older attempt',
    staging(),
    { current_state: 'StagedAndPerformedUpdate', host: { staged: { ...STAGED, attempt: 2 } } },
  ],
  [
    'NotStaged',
    'of Staged from before a reboot',
    staging(),
    { current_state: 'StagedAndPerformedUpdate', host: { staged: STAGED, bootId: OTHER_BOOT } },
  ],
  [
    'NotStaged',
    'of Staged with another version',
    staging(),
    { current_state: 'StagedAndPerformedUpdate', host: { staged: { ...STAGED, version: OLD } } },
  ],
  ['NotRebooted', 'of a reboot into the old version', committed(), booted({ current_version: OLD })],
  ['NotRebooted', 'of a reboot in the same boot', rebooting(), booted({ host: { bootId: BOOT } })],
  ['NotRebooted', 'of a healthy host with another version', monitoring(), { current_version: OLD }],
];

describe('a report is refused', () => {
  it.each(REFUSED)('as %s: one %s', (...[code, , shadow, change]) => {
    expect(judge(shadow, change)).toBe(code);
  });

  it('for every reason there is, with words of its own', () => {
    expect(new Set(REFUSED.map(([code]) => code))).toEqual(new Set(Object.keys(REPORT_REFUSALS)));
    for (const [code, , shadow, change] of REFUSED) {
      const verdict = legalReport(shadow, nextReport(shadow, change), NOW);
      expect(verdict).toMatchObject({ ok: false, message: REPORT_REFUSALS[code] });
    }
  });
});

describe('an agent that lies', () => {
  const states = Object.keys(LEGAL_STATES) as ShadowState[];
  const asked = states.filter((state) => state !== 'ErrorReset');

  it.each(asked)('never gets from %s to a state that was not asked for', (state) => {
    for (const recorded of states) {
      for (const told of states) {
        const before = idle({ spec: { state }, state: recorded });
        const verdict = judge(before, {
          current_state: told,
          current_version: NEW,
          host: { bootId: OTHER_BOOT, error: error('StageFailed') },
        });
        const isLegal = LEGAL_STATES[state].includes(told) || (state === 'Idle' && told === recorded);
        if (!isLegal) expect(verdict, `${recorded} → ${told}`).not.toBe('ok');
      }
    }
  });

  it('gets no intent anywhere but where a reboot is asked for', () => {
    for (const state of asked) {
      for (const recorded of states) {
        const before = idle({ spec: { state }, state: recorded, host: { staged: STAGED } });
        const verdict = judge(before, { current_state: recorded, ...asksToReboot });
        const mayAsk = state === 'RebootedIntoUpdate' && recorded === 'StagedAndPerformedUpdate';
        expect(verdict === 'ok', `${state}, ${recorded}`).toBe(mayAsk);
      }
    }
  });
});

describe('recording a report', () => {
  const before = committed({ host: { error: error('StageFailed'), step: 'Reboot' } });
  const report: AgentReport = nextReport(before, booted({ host: { error: null, step: null } }));

  it('changes the agent’s part alone, against the very object that was judged', () => {
    const patch = reportPatch(before, report) as Record<string, Record<string, unknown>>;
    expect(patch.metadata).toEqual({ resourceVersion: '77', uid: 'shadow-1' });
    expect(Object.keys(patch)).toEqual(['metadata', 'status']);
    expect(Object.keys(patch.status ?? {})).toEqual([
      'current_state',
      'current_version',
      'target_version',
      'host',
    ]);
  });

  it('replaces `host` whole: what the report lacks is removed', () => {
    const { status } = merged(before as never, reportPatch(before, report)) as unknown as BottlerocketShadow;
    expect(status?.host).toEqual({
      uid: 'shadow-1',
      seq: 5,
      generation: 9,
      bootId: OTHER_BOOT,
      variant: 'aws-k8s-1.36',
      arch: 'x86_64',
      updateState: 'Idle',
      available: [NEW, OLD],
    });
  });

  it('replaces what is saved whole', () => {
    const saved = { versionLock: 'latest', versionLockSet: NEW, ignoreWaves: false };
    const next = nextReport(staging(), { host: { saved: { ignoreWaves: false } } });
    const patch = reportPatch(staging({ host: { saved } }), next);
    const after = merged(staging({ host: { saved } }) as never, patch) as unknown as BottlerocketShadow;
    expect(after.status?.host?.saved).toEqual({ ignoreWaves: false });
  });

  it('is known by its number and what it told, when the answer was lost', () => {
    const after = merged(before as never, reportPatch(before, report)) as unknown as BottlerocketShadow;
    expect(wasRecorded(after, report)).toBe(true);
    expect(wasRecorded(before, report)).toBe(false);
    expect(wasRecorded(after, { ...report, uid: 'shadow-2' })).toBe(false);
    expect(wasRecorded(after, { ...report, host: { ...report.host, rebootIntent: INTENT } })).toBe(false);
  });
});
