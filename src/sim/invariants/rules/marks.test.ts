/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import { Wants } from '../../actors/wants.ts';
import {
  cordonMark,
  entry,
  host,
  INTENT,
  judge,
  Judged,
  node,
  policy,
  shadow,
  under,
} from './judging.fixture.ts';
import {
  changesAreMarked,
  noUncordonBeforeReboot,
  noUncordonUnderIntent,
  othersValuesStand,
  quietNodesAreFree,
  wantsAreKept,
} from './marks.ts';

const LABEL = 'label/team';
const ours = { ours: 'brupop', was: 'web', at: 'x' };

describe('what the operator changes on a node', () => {
  const change = (before: ReturnType<typeof node>, after: ReturnType<typeof node>, by = 'controller-0') => {
    const judged = new Judged(changesAreMarked, { nodes: [before] });
    return judged.see('node', { before, after }, { by });
  };

  it('is recorded with what was there before', () => {
    expect(change(node(), node({ cordoned: true, marks: cordonMark() }))).toBe('');
    expect(change(node(), node({ cordoned: true }))).toContain('cordon became true, others want false');
    expect(change(node(), node({ cordoned: true, marks: cordonMark({ was: true }) }))).toContain(
      'the mark of cordon says',
    );
    const web = node({ labels: { team: 'web' } });
    expect(change(web, node({ labels: { team: 'brupop' }, marks: { [LABEL]: ours } }))).toBe('');
    expect(change(web, node({ labels: { team: 'brupop' } }))).toContain('label/team became brupop');
    expect(
      change(web, node({ labels: { team: 'brupop' }, marks: { [LABEL]: { ...ours, was: null } } })),
    ).toContain('says null');
    expect(change(web, node())).toContain('label/team became null, others want web');
    expect(change(node({ annotations: { note: 'a' } }), node({ annotations: { note: 'b' } }))).toContain(
      'annotation/note',
    );
  });

  it('is given back as others last made it', () => {
    const judged = new Judged(changesAreMarked);
    const marked = node({ cordoned: true, marks: cordonMark() });
    expect(judged.see('node', { before: node(), after: marked })).toBe('');
    expect(judged.see('node', { before: marked, after: node() })).toBe('');
    judged.see('node', { before: node(), after: node({ cordoned: true }) }, { by: 'admin' });
    expect(judged.see('node', { before: node({ cordoned: true }), after: node() })).toContain(
      'cordon became false',
    );
  });

  it('is not what others change', () => {
    expect(change(node(), node({ cordoned: true }), 'kured')).toBeUndefined();
  });
});

describe('our uncordon', () => {
  const marked = node({ cordoned: true, marks: cordonMark() });
  const uncordoned = { before: marked, after: node() };

  it('comes when the host is back, or is not to be rebooted', () => {
    const at = (each: ReturnType<typeof shadow>) =>
      judge(noUncordonBeforeReboot)('node', uncordoned, { shadows: [each] });
    expect(at(shadow())).toBe('');
    expect(at(under('MonitoringUpdate'))).toBe('');
    expect(at(under('StagedAndPerformedUpdate'))).toContain('uncordoned in state Staged');
    expect(at(under('RebootedIntoUpdate'))).toContain('uncordoned in state Rebooted');
  });

  it('does not come while a reboot may', () => {
    const at = (rebootIntent: typeof INTENT | null, by = 'controller-1') =>
      judge(noUncordonUnderIntent)('node', uncordoned, {
        by,
        shadows: [shadow({}, { host: host({ rebootIntent }) })],
      });
    expect(at(null)).toBe('');
    expect(at(INTENT)).toContain('with an open intent');
    expect(at(INTENT, 'admin')).toBeUndefined();
  });
});

describe('at rest', () => {
  const marked = node({ cordoned: true, marks: cordonMark() });
  const told = shadow({}, { update: { reason: 'RebootLost', message: 'silent' } });
  const holding = policy({}, { updating: [entry()] });

  it('no node is left marked or cordoned without a word', () => {
    expect(judge(quietNodesAreFree)('quiet', {})).toBe('');
    expect(judge(quietNodesAreFree)('quiet', {}, { nodes: [marked] })).toContain('left with the mark cordon');
    expect(
      judge(quietNodesAreFree)('quiet', {}, { nodes: [marked], shadows: [told], policies: [holding] }),
    ).toBe('');
    expect(judge(quietNodesAreFree)('quiet', {}, { nodes: [marked], shadows: [told] })).toContain(
      'left with',
    );
    expect(judge(quietNodesAreFree)('quiet', {}, { nodes: [node({ cordoned: true })] })).toBe('');
    const judged = new Judged(quietNodesAreFree);
    expect(judged.see('quiet', {}, { nodes: [node({ cordoned: true })] })).toContain('nobody wants that');
  });

  it('every node is as others last made it', () => {
    const judged = new Judged(othersValuesStand, { nodes: [node({ labels: { team: 'web' } })] });
    const rest = (of: Parameters<typeof node>[0]) => judged.see('quiet', {}, { nodes: [node(of)] });
    expect(rest({ labels: { team: 'web' } })).toBe('');
    expect(rest({})).toContain('label/team is null, others last made it web');
    expect(rest({ labels: { team: 'brupop' }, marks: { [LABEL]: ours } })).toBe('');
    judged.see('node', { before: node({ labels: { team: 'web' } }), after: node() }, { by: 'admin' });
    expect(rest({})).toBe('');
  });

  it('what was wanted is so, where it could be seen', () => {
    const wants = new Wants();
    const want = {
      actor: 'admin',
      kind: 'Node',
      name: 'n1',
      uid: 'node-n1',
      key: 'cordon',
      atMs: 1,
    } as const;
    const rest = (of: Parameters<typeof node>[0]) =>
      judge(wantsAreKept)('quiet', {}, { nodes: [node(of)], wants });
    expect(rest({})).toBeUndefined();
    wants.record({ ...want, value: true, found: false });
    expect(rest({ cordoned: true })).toBe('');
    expect(rest({})).toContain('admin wants cordon true, it is false');
    wants.record({ ...want, value: true, found: true });
    expect(rest({})).toBeUndefined();
  });
});
