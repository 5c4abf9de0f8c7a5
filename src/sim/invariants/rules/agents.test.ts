/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import type { BottlerocketShadow, HostReport } from '../../../api/v2/bottlerocketshadow.ts';
import {
  agentsChangeTheirPart,
  controllersLeaveReports,
  intentsAreLegal,
  intentsCloseRightly,
  reportsAreInOrder,
  reportsAreOfTheirHost,
} from './agents.ts';
import {
  host,
  inMinutes,
  INTENT,
  judge,
  Judged,
  machine,
  node,
  policy,
  shadow,
  STAGED,
  TARGET,
  under,
} from './judging.fixture.ts';

const API = { by: 'apiserver-0' };
const before = shadow();
const says = (fields: Partial<HostReport>, spec = {}) => shadow(spec, { host: host(fields) });

describe('an API server', () => {
  const changes = (after: BottlerocketShadow | undefined) =>
    judge(agentsChangeTheirPart)('shadow', { before, after }, API);

  it('changes the agent’s part of a shadow', () => {
    expect(
      changes(
        shadow(
          {},
          {
            current_state: 'ErrorReset',
            current_version: TARGET,
            target_version: null,
            host: host({ seq: 4 }),
          },
        ),
      ),
    ).toBe('');
    expect(changes(shadow({ attempt: 2 }))).toContain('more of brs-n1');
    expect(changes(shadow({}, { crash_count: 2 }))).toContain('more of brs-n1');
    expect(changes(shadow({}, {}, { finalizers: ['x'] }))).toContain('more of brs-n1');
    expect(changes(undefined)).toContain('made or removed');
  });

  it('changes nothing else', () => {
    expect(
      judge(agentsChangeTheirPart)('node', { before: node(), after: node({ cordoned: true }) }, API),
    ).toContain('changed a node');
    expect(judge(agentsChangeTheirPart)('policy', { before: policy(), after: policy() }, API)).toContain(
      'changed a policy',
    );
    expect(judge(agentsChangeTheirPart)('node', { before: node(), after: node() })).toBeUndefined();
  });
});

describe('a controller', () => {
  it('leaves reports alone', () => {
    expect(judge(controllersLeaveReports)('shadow', { before, after: shadow({ attempt: 2 }) })).toBe('');
    expect(judge(controllersLeaveReports)('shadow', { before, after: says({ seq: 4 }) })).toContain(
      'the report of brs-n1',
    );
    expect(
      judge(controllersLeaveReports)('shadow', { before, after: shadow({}, { current_version: TARGET }) }),
    ).toContain('the report');
  });
});

describe('a report', () => {
  it('tells of a boot that machine has had', () => {
    const judged = new Judged(reportsAreOfTheirHost);
    const report = (bootId: string) =>
      judged.see(
        'shadow',
        { before, after: says({ bootId }) },
        { ...API, hosts: { n1: machine('1', {}, 'boot-2') } },
      );
    expect(report('boot-2')).toBe('');
    expect(report('boot-3')).toContain('a boot that n1 never had');
    judged.see('up', {
      node: 'n1',
      event: { type: 'up', bootId: 'boot-3', version: '1', previous: { bootId: 'boot-2', version: '1' } },
    });
    expect(report('boot-3')).toBe('');
  });

  it('follows the last, for the generation that there is', () => {
    const follows = (fields: Partial<HostReport>) =>
      judge(reportsAreInOrder)('shadow', { before, after: says(fields) }, API);
    expect(follows({ seq: 4 })).toBe('');
    expect(follows({ seq: 3 })).toContain('report 3 follows 3');
    expect(follows({ seq: 5 })).toContain('report 5 follows 3');
    expect(follows({ seq: 4, generation: 6 })).toContain('for generation 6');
  });
});

describe('an intent', () => {
  const armed = (spec = {}, metadata = {}) => ({
    ...under('RebootedIntoUpdate', spec, { host: host({ staged: STAGED }) }),
    metadata: { ...shadow().metadata, ...metadata },
  });
  const accepted = (change: {
    spec?: object;
    intent?: object;
    host?: object;
    metadata?: object;
    staged?: object | null;
  }) => {
    const staged = change.staged === undefined ? STAGED : (change.staged as never);
    const base = armed(change.spec, change.metadata);
    const old = { ...base, status: { ...base.status, host: host({ staged }) } };
    const report = host({ staged, rebootIntent: { ...INTENT, ...change.intent }, ...change.host });
    return judge(intentsAreLegal)(
      'shadow',
      { before: old, after: { ...base, status: { ...base.status, host: report } } },
      API,
    );
  };

  it.each<[string, Parameters<typeof accepted>[0], string]>([
    ['as it has to be', {}, ''],
    ['in another state', { spec: { state: 'StagedAndPerformedUpdate' } }, 'in state Staged'],
    ['for another version', { intent: { version: '1.43.0' } }, 'for 1.43.0'],
    ['for an older generation', { intent: { generation: 6 } }, 'for generation 6'],
    ['for another boot', { intent: { bootId: 'boot-2' } }, 'for another boot'],
    ['with nothing staged', { staged: null }, 'with nothing staged'],
    ['staged by an older attempt', { staged: { ...STAGED, attempt: 0 } }, 'with nothing staged'],
    ['staged in another boot', { staged: { ...STAGED, bootId: 'boot-0' } }, 'in another boot than'],
    ['for a shadow that goes', { metadata: { deletionTimestamp: inMinutes(0) } }, 'being deleted'],
    ['after the window', { spec: { notAfter: inMinutes(-1) } }, 'too late'],
    ['after the deadline', { spec: { deadline: inMinutes(-1) } }, 'too late'],
    ['before both', { spec: { notAfter: inMinutes(1), deadline: inMinutes(1) } }, ''],
  ])('is accepted %s', (_name, change, expected) => {
    const verdict = accepted(change);
    if (expected === '') expect(verdict).toBe('');
    else expect(verdict).toContain(expected);
  });

  it('is closed by a boot, an error, or when it was given up', () => {
    const open = under('RebootedIntoUpdate', {}, { host: host({ rebootIntent: INTENT }) });
    const closes = (after: BottlerocketShadow) =>
      judge(intentsCloseRightly)('shadow', { before: open, after }, API);
    expect(closes(under('RebootedIntoUpdate', {}, { host: host({ bootId: 'boot-2' }) }))).toBe('');
    expect(closes(under('RebootedIntoUpdate', {}, { current_state: 'ErrorReset' }))).toBe('');
    expect(closes(shadow())).toBe('');
    expect(closes(under('RebootedIntoUpdate'))).toContain('was dropped in state Staged');
    expect(closes(shadow({}, { current_state: 'StagedAndPerformedUpdate' }))).toContain('was dropped');
  });
});
