import { describe, expect, it } from 'vitest';
import { CLOSE_AFTER_MS, POST_WITHIN_MS, REPOST_AFTER_MS } from './agent-reboot.ts';
import { MAX_TRIES } from './agent-view.ts';
import type { AgentAction, AgentMemory, HostCommand, SeenUpdate } from './agent-view.ts';
import { decideAgent } from './agent.ts';
import { legalReport } from './report.ts';
import {
  INTENT,
  MONOTONIC,
  NEW,
  NOW,
  OLD,
  OTHER_BOOT,
  READY,
  STAGED,
  agentView,
  committed,
  failed,
  idle,
  inMinutes,
  monitoring,
  nextReport,
  rebooted,
  rebooting,
  seenUpdate,
  staged,
  staging,
} from './situations.fixture.ts';
import type { AgentChange } from './situations.fixture.ts';

/** An action in a few words. */
function said(action: AgentAction): string {
  switch (action.do) {
    case 'report': {
      const { current_state, host } = action.draft;
      return `report ${current_state === 'ErrorReset' ? `${host.error?.code}` : current_state}`;
    }
    case 'command':
      return action.type;
    case 'settings':
      return `set ${Object.entries(action.change).flat().join(' ')}`;
    case 'reboot':
    case 'wait':
      return action.do;
  }
}
const action = (change: AgentChange): string => said(decideAgent(agentView(change)).action);

type Last = NonNullable<SeenUpdate['last']>;
const last = (type: HostCommand, change: Partial<Last> = {}): Last => ({
  type,
  succeeded: true,
  timestamp: 't9',
  stderr: '',
  ...change,
});
const pending = (type: HostCommand): Partial<AgentMemory> => ({ pending: { type, before: 't1' } });
const locked = { settings: { versionLock: NEW, ignoreWaves: false } };
const saved = { versionLock: 'latest', versionLockSet: NEW };
const held = staging({ host: { saved } });
const refreshed = seenUpdate({ state: 'Available', chosen: NEW, last: last('refresh') });
const prepared = seenUpdate({
  state: 'Staged',
  chosen: NEW,
  staging: { version: NEW, nextToBoot: false },
  last: last('prepare', { stderr: `Starting update to ${NEW}\n` }),
});

type Row = [string, AgentChange, string];

const TABLES: Record<string, Row[]> = {
  'staging, with the lock': [
    ['it saves the lock before it touches it', {}, 'report Idle'],
    ['it sets the lock once it is saved', { shadow: held }, `set versionLock ${NEW}`],
    ['it refreshes once the lock is set', { shadow: held, host: locked }, 'refresh'],
    ['it needs no lock where that is set already', { shadow: staging(), host: locked }, 'refresh'],
    [
      'it keeps the first saved lock when the target changed',
      { shadow: staging({ host: { saved: { versionLock: 'latest', versionLockSet: OLD } } }) },
      'report Idle',
    ],
    [
      'it prepares what was chosen',
      { shadow: held, host: { ...locked, update: refreshed }, memory: { refreshed: true } },
      'prepare',
    ],
    [
      'it tries again when the host chose another version',
      {
        shadow: held,
        host: { ...locked, update: { ...refreshed, chosen: OLD } },
        memory: { refreshed: true },
      },
      'wait',
    ],
    ['it waits while another client uses the update API', { shadow: held, host: { update: 'busy' } }, 'wait'],
    [
      'it clears what another client armed',
      { shadow: held, host: { ...locked, update: READY } },
      'deactivate',
    ],
    ['it gives up after some tries', { shadow: held, memory: { tries: MAX_TRIES } }, 'report StageFailed'],
    [
      'it records what was really written',
      { shadow: held, host: { ...locked, update: prepared }, memory: pending('prepare') },
      'report Idle',
    ],
    [
      'it believes the host’s words, not the JSON: another version was written',
      {
        shadow: held,
        host: {
          ...locked,
          update: { ...prepared, last: last('prepare', { stderr: `Starting update to ${OLD}` }) },
        },
        memory: pending('prepare'),
      },
      'wait',
    ],
    [
      'it tries again when the result of its command was lost',
      {
        shadow: held,
        host: { ...locked, update: { ...prepared, last: last('refresh') } },
        memory: pending('prepare'),
      },
      'wait',
    ],
    [
      'it tries again when preparing failed',
      {
        shadow: held,
        host: { ...locked, update: { ...refreshed, last: last('prepare', { succeeded: false }) } },
        memory: pending('prepare'),
      },
      'wait',
    ],
  ],
  'staging, after the image is recorded': [
    [
      'it restores the lock before it activates',
      { shadow: staging({ host: { staged: STAGED, saved } }), host: { ...locked, update: prepared } },
      'set versionLock latest',
    ],
    [
      'it leaves a lock alone that somebody has set since',
      {
        shadow: staging({ host: { staged: { ...STAGED, timestamp: 't9' }, saved } }),
        host: { settings: { versionLock: '1.40.0', ignoreWaves: false }, update: prepared },
      },
      'activate',
    ],
    [
      'it activates then',
      { shadow: staging({ host: { staged: { ...STAGED, timestamp: 't9' } } }), host: { update: prepared } },
      'activate',
    ],
    [
      'it tells that it is armed',
      { shadow: staging({ host: { staged: STAGED } }), host: { update: READY } },
      'report StagedAndPerformedUpdate',
    ],
    ['it has nothing to do once that is recorded', { shadow: staged(), host: { update: READY } }, 'wait'],
    [
      'it ends when another client prepared something since',
      { shadow: staging({ host: { staged: STAGED } }), host: { update: prepared } },
      'report StageFailed',
    ],
    [
      'it ends when another version is armed',
      {
        shadow: staging({ host: { staged: STAGED } }),
        host: { update: { ...READY, staging: { version: OLD, nextToBoot: true } } },
      },
      'report NotArmed',
    ],
    [
      'it knows the old version that booted after it was armed',
      { shadow: staged(), host: { bootId: OTHER_BOOT } },
      'report BootFallback',
    ],
    [
      'it begins again after a reboot before it was recorded',
      { shadow: held, host: { ...locked, bootId: OTHER_BOOT } },
      'refresh',
    ],
    [
      'it knows the target that booted by itself',
      { shadow: staged({ state: 'Idle' }), host: { bootId: OTHER_BOOT, running: NEW } },
      'report StagedAndPerformedUpdate',
    ],
    [
      'it knows a version that nobody asked for',
      { shadow: staging(), host: { running: '1.43.0' } },
      'report UnexpectedVersion',
    ],
    ['it has ended', { shadow: failed('StageFailed') }, 'wait'],
  ],
  'staging, with Observe and waves': [
    [
      'it never touches the lock with Observe',
      { shadow: staging({ spec: { host: { lock: 'Observe', waves: 'Respect' } } }) },
      'refresh',
    ],
    [
      'it saves ignore-waves before it sets it',
      { shadow: staging({ spec: { host: { lock: 'Pin', waves: 'Ignore' } } }) },
      'report Idle',
    ],
    [
      'it sets ignore-waves once it is saved',
      {
        shadow: staging({
          spec: { host: { lock: 'Pin', waves: 'Ignore' } },
          host: { saved: { ignoreWaves: false } },
        }),
      },
      'set ignoreWaves true',
    ],
    [
      'it leaves waves alone that were ignored before',
      {
        shadow: staging({ spec: { host: { lock: 'Observe', waves: 'Ignore' } } }),
        host: { settings: { versionLock: 'latest', ignoreWaves: true } },
      },
      'refresh',
    ],
  ],
  'told to reboot': [
    [
      'it asks for the intent while armed',
      { shadow: rebooting(), host: { update: READY } },
      'report StagedAndPerformedUpdate',
    ],
    [
      'it ends when the host is not armed',
      { shadow: rebooting(), host: { update: prepared } },
      'report NotArmed',
    ],
    [
      'it ends when the other version is armed',
      { shadow: rebooting(), host: { update: { ...READY, staging: { version: OLD, nextToBoot: true } } } },
      'report NotArmed',
    ],
    ['it waits while the update API is busy', { shadow: rebooting(), host: { update: 'busy' } }, 'wait'],
    [
      'it does not ask after the window',
      { shadow: rebooting({ spec: { notAfter: inMinutes(0) } }), host: { update: READY } },
      'wait',
    ],
    [
      'it does not ask after the deadline',
      { shadow: rebooting({ spec: { deadline: inMinutes(-1) } }), host: { update: READY } },
      'wait',
    ],
    [
      'it does not ask for a shadow that is being deleted',
      { shadow: rebooting({ deleting: true }), host: { update: READY } },
      'wait',
    ],
    [
      'it tells the target that runs',
      { shadow: committed(), host: { bootId: OTHER_BOOT, running: NEW } },
      'report RebootedIntoUpdate',
    ],
    [
      'it tells the old version that booted',
      { shadow: committed(), host: { bootId: OTHER_BOOT } },
      'report BootFallback',
    ],
    [
      'it tells another version that booted',
      { shadow: committed(), host: { bootId: OTHER_BOOT, running: '1.43.0' } },
      'report UnexpectedVersion',
    ],
    ['it has told the boot', { shadow: rebooted(), host: { bootId: OTHER_BOOT, running: NEW } }, 'wait'],
    [
      'it tells one more boot',
      { shadow: rebooted(), host: { bootId: 'boot-3', running: NEW } },
      'report RebootedIntoUpdate',
    ],
    ['it has ended', { shadow: failed('RebootRefused', rebooting) }, 'wait'],
  ],
  'being verified': [
    [
      'it says that it is watched',
      { shadow: monitoring({ state: 'RebootedIntoUpdate' }), host: { bootId: OTHER_BOOT, running: NEW } },
      'report MonitoringUpdate',
    ],
    ['it has said so', { shadow: monitoring(), host: { bootId: OTHER_BOOT, running: NEW } }, 'wait'],
    [
      'a check is due',
      { shadow: monitoring(), host: { bootId: OTHER_BOOT, running: NEW }, checkDue: true },
      'refresh',
    ],
    [
      'a check is due that another client is in the way of',
      { shadow: monitoring(), host: { bootId: OTHER_BOOT, running: NEW, update: 'busy' }, checkDue: true },
      'wait',
    ],
    [
      'a check is due before which the host has to be told to ignore waves: that is done in Idle',
      {
        shadow: monitoring({ spec: { host: { lock: 'Pin', waves: 'Ignore' } } }),
        host: { bootId: OTHER_BOOT, running: NEW },
        checkDue: true,
      },
      'wait',
    ],
    [
      'it tells a new boot',
      { shadow: monitoring(), host: { bootId: 'boot-3', running: NEW } },
      'report MonitoringUpdate',
    ],
    [
      'it tells that another version runs',
      { shadow: monitoring(), host: { bootId: OTHER_BOOT } },
      'report UnexpectedVersion',
    ],
    [
      'it has ended',
      { shadow: failed('UnexpectedVersion', monitoring), host: { bootId: OTHER_BOOT } },
      'wait',
    ],
  ],
  Idle: [
    ['nothing is to do', {}, 'wait'],
    ['a check is due', { checkDue: true }, 'refresh'],
    ['the update API is busy', { checkDue: true, host: { update: 'busy' } }, 'wait'],
    [
      'it is armed: it disarms',
      {
        shadow: idle({ state: 'StagedAndPerformedUpdate', host: { staged: STAGED } }),
        host: { update: READY },
      },
      'deactivate',
    ],
    [
      'it could not disarm: it says so',
      {
        shadow: idle({ state: 'StagedAndPerformedUpdate', host: { staged: STAGED } }),
        host: { update: READY },
        memory: pending('deactivate'),
      },
      'report StagedAndPerformedUpdate',
    ],
    [
      'something is armed that it did not stage: it leaves that alone',
      { shadow: idle({ host: { updateState: 'Ready' } }), host: { update: READY } },
      'report Idle',
    ],
    [
      'the lock is ours: it restores it',
      { shadow: idle({ state: 'ErrorReset', host: { saved } }), host: locked },
      'set versionLock latest',
    ],
    [
      'ignore-waves is ours and no policy asks for it: it restores that',
      {
        shadow: idle({ host: { saved: { ignoreWaves: false } } }),
        host: { settings: { versionLock: 'latest', ignoreWaves: true } },
      },
      'set ignoreWaves false',
    ],
    [
      'ignore-waves is ours and the policy asks for it still: it leaves that',
      {
        shadow: idle({
          spec: { host: { lock: 'Pin', waves: 'Ignore' } },
          host: { saved: { ignoreWaves: false } },
        }),
        host: { settings: { versionLock: 'latest', ignoreWaves: true } },
      },
      'wait',
    ],
    [
      'a reboot of an abandoned intent may still come: it says nothing',
      { shadow: idle({ state: 'StagedAndPerformedUpdate', host: { rebootIntent: INTENT } }) },
      'wait',
    ],
    [
      'no reboot can come of it any more: it is Idle',
      {
        shadow: idle({ state: 'StagedAndPerformedUpdate', host: { rebootIntent: INTENT } }),
        now: NOW + CLOSE_AFTER_MS + POST_WITHIN_MS,
      },
      'report Idle',
    ],
    [
      'the spec changed: it says that it has seen it',
      { shadow: idle({ host: { generation: 8 } }) },
      'report Idle',
    ],
    [
      'the check failed: it says so',
      {
        host: { update: seenUpdate({ last: last('refresh', { succeeded: false, stderr: 'no route' }) }) },
        memory: pending('refresh'),
      },
      'report Idle',
    ],
  ],
};

/** By default the host stages, or rests. */
const ROWS = Object.fromEntries(
  Object.entries(TABLES).map(([state, rows]) => {
    const shadow = state.startsWith('staging') ? staging() : idle();
    return [state, rows.map(([name, change, expected]): Row => [name, { shadow, ...change }, expected])];
  }),
);

describe.each(Object.entries(ROWS))('an agent, %s', (_state, rows) => {
  it.each(rows)('%s', (_name, change, expected) => expect(action(change)).toBe(expected));
});

describe('everything an agent would report', () => {
  const rows = Object.values(ROWS).flat();
  it.each(rows.filter(([, , expected]) => expected.startsWith('report')))('is legal: %s', (...[, change]) => {
    const { shadow = idle() } = change;
    const { action: found } = decideAgent(agentView(change));
    if (found.do !== 'report') throw new Error('nothing is reported');
    const { host, ...rest } = found.draft;
    const report = { ...nextReport(shadow), ...rest, host };
    expect(legalReport(shadow, report, change.now ?? NOW)).toEqual({ ok: true });
  });
});

const pursue = (change: AgentChange): string =>
  action({ shadow: committed(), host: { update: READY }, ...change });
const after = (ms: number): Pick<AgentChange, 'now' | 'monotonicMs'> => ({
  now: NOW + ms,
  monotonicMs: MONOTONIC + ms,
});

describe('the POST', () => {
  const at = INTENT.at;
  const accepted = { intentAccepted: { at, monotonicMs: MONOTONIC } };
  const posted = { ...accepted, postedMs: MONOTONIC };
  const late = committed({ spec: { notAfter: inMinutes(0) } });

  it.each<[string, AgentChange, string]>([
    ['follows the 2xx of this process', { memory: accepted }, 'reboot'],
    ['follows it within a minute', { memory: accepted, ...after(POST_WITHIN_MS - 1) }, 'reboot'],
    [
      'needs the intent anew after a minute',
      { memory: accepted, ...after(POST_WITHIN_MS) },
      'report StagedAndPerformedUpdate',
    ],
    ['needs the intent anew after a restart', {}, 'report StagedAndPerformedUpdate'],
    [
      'is not for the 2xx of another intent',
      { memory: { intentAccepted: { at: inMinutes(-9), monotonicMs: MONOTONIC } } },
      'report StagedAndPerformedUpdate',
    ],
    ['waits while the update API is busy', { memory: accepted, host: { update: 'busy' } }, 'wait'],
    [
      'is not made of a host that another client disarmed',
      { memory: accepted, host: { update: prepared } },
      'wait',
    ],
    ['is waited for', { memory: posted, ...after(REPOST_AFTER_MS - 1) }, 'wait'],
    [
      'is repeated after six minutes, with the intent anew',
      { memory: posted, ...after(REPOST_AFTER_MS) },
      'report StagedAndPerformedUpdate',
    ],
    [
      'that the host refused closes the intent at once',
      { memory: { ...accepted, refused: 'inhibited' } },
      'report RebootRefused',
    ],
    [
      'that was refused closes nothing while an earlier one may act',
      { memory: { ...accepted, refused: 'inhibited', possiblePostMs: MONOTONIC } },
      'wait',
    ],
    [
      'that was refused closes the intent ten minutes after the earlier one',
      { memory: { ...accepted, refused: 'inhibited', possiblePostMs: MONOTONIC }, ...after(CLOSE_AFTER_MS) },
      'report RebootRefused',
    ],
    [
      'may still act when the intent is refused anew',
      { shadow: late, memory: { ...posted, intentRefused: true }, ...after(CLOSE_AFTER_MS - 1) },
      'wait',
    ],
    [
      'can act no more ten minutes after it',
      { shadow: late, memory: { ...posted, intentRefused: true }, ...after(CLOSE_AFTER_MS) },
      'report RebootRefused',
    ],
    [
      'of an earlier life may act until ten minutes after its intent could be used',
      { shadow: late, ...after(POST_WITHIN_MS + CLOSE_AFTER_MS - 1) },
      'wait',
    ],
    [
      'of an earlier life can act no more after that',
      { shadow: late, ...after(POST_WITHIN_MS + CLOSE_AFTER_MS) },
      'report RebootRefused',
    ],
  ])('%s', (_name, change, expected) => expect(pursue(change)).toBe(expected));

  it('is remembered with its time', () => {
    const { memory } = decideAgent(
      agentView({ shadow: committed(), host: { update: READY }, memory: accepted }),
    );
    expect(memory.postedMs).toBe(MONOTONIC);
  });
});

describe('memory', () => {
  it('of a check that succeeded while the node is verified is when it was; one that failed is told in Idle', () => {
    const after = (succeeded: boolean) =>
      decideAgent(
        agentView({
          shadow: monitoring(),
          host: {
            bootId: OTHER_BOOT,
            running: NEW,
            update: seenUpdate({ state: 'Idle', last: last('refresh', { succeeded }) }),
          },
          memory: pending('refresh'),
        }),
      ).memory;
    expect(after(true)).toEqual({ attempt: 3, tries: 0, checkedAt: new Date(NOW).toISOString() });
    expect(after(false)).toEqual({ attempt: 3, tries: 0, ...pending('refresh') });
  });

  it('of another attempt is forgotten, but for a command that runs on the host', () => {
    const memory: Partial<AgentMemory> = {
      attempt: 2,
      tries: MAX_TRIES,
      failure: 'old',
      prepared: 't9',
      ...pending('deactivate'),
    };
    const { memory: kept } = decideAgent(agentView({ shadow: staging(), host: { update: 'busy' }, memory }));
    expect(kept).toEqual({ attempt: 3, tries: 0, ...pending('deactivate') });
  });
});

/** The list that the next report carries. */
function offered(change: AgentChange): readonly string[] | null | undefined | string {
  const decision = decideAgent(agentView(change)).action;
  return decision.do === 'report' ? decision.draft.host.available : said(decision);
}

describe('what a host is offered', () => {
  const forgotten = { bootId: OTHER_BOOT, update: seenUpdate({ state: 'None', available: [] }) };

  it('stands after a boot, which the host has forgotten it by, until it has asked again', () => {
    expect(offered({ shadow: idle(), host: forgotten })).toEqual([NEW, OLD]);
    const asked = { ...forgotten, update: seenUpdate({ state: 'Idle', available: [OLD] }) };
    expect(offered({ shadow: idle(), host: asked })).toEqual([OLD]);
  });

  it('is nothing when it has never asked', () => {
    expect(offered({ shadow: idle({ host: { available: null } }), host: forgotten })).toEqual([]);
  });
});
