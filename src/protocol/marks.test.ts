import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node } from '../api/core.ts';
import { MARKS_ANNOTATION } from '../api/names.ts';
import {
  INTERFACE_LABEL_MARK,
  cordonMarkOf,
  cordonOf,
  currentValue,
  isAttemptMark,
  readMarks,
  releaseCordon,
  setMark,
  undoMarks,
  undoStrayMarks,
} from './marks.ts';
import type { MarkKey, MarkOwner } from './marks.ts';
import { OWNER, cordoned, idle, inMinutes, merged, node, staging, uncordoned } from './situations.fixture.ts';

const AT = inMinutes(0);
const LATER: MarkOwner = { ...OWNER, attempt: OWNER.attempt + 1 };
const cordon = (of: Node, owner: MarkOwner = OWNER): Node =>
  merged(of, setMark(of, 'cordon', { value: true, at: AT, owner }) ?? {});
const undo = (of: Node, upTo?: MarkOwner): Node => merged(of, undoMarks(of, isAttemptMark, upTo) ?? {});
const uncordonBySomebody = (of: Node): Node => merged(of, { spec: { unschedulable: null } });
const cordonBySomebody = (of: Node): Node => merged(of, { spec: { unschedulable: true } });
const isCordoned = (of: Node): boolean => of.spec?.unschedulable === true;

describe('setting a mark', () => {
  it('changes the Node and records what was there in one patch with its resourceVersion', () => {
    const patch = setMark(node(), 'cordon', { value: true, at: AT, owner: OWNER });
    expect(patch).toEqual({
      metadata: {
        resourceVersion: '5',
        annotations: {
          [MARKS_ANNOTATION]: JSON.stringify({ cordon: { ours: true, was: false, at: AT, owner: OWNER } }),
        },
      },
      spec: { unschedulable: true },
    });
  });

  it('says nothing when this attempt has marked the Node already', () => {
    expect(setMark(cordoned(), 'cordon', { value: true, at: AT, owner: OWNER })).toBeUndefined();
  });

  it('writes its own record also where the cordon of an older attempt stands, and keeps what was before that', () => {
    const marked = cordon(cordoned(), LATER);
    expect(cordonMarkOf(marked, LATER)).toMatchObject({ was: false, ours: true });
    expect(cordonMarkOf(marked, OWNER)).toBeUndefined();
  });

  it("records somebody else's cordon as theirs", () => {
    const marked = cordon(node({ unschedulable: true }));
    expect(cordonOf(marked)).toMatchObject({ by: 'others', mark: { was: true } });
    expect(isCordoned(undo(marked))).toBe(true);
  });

  it('takes what it finds as theirs once our mark was taken back', () => {
    const released = merged(uncordoned(), releaseCordon(uncordoned()) ?? {});
    expect(cordonMarkOf(cordon(cordonBySomebody(released), LATER), LATER)?.was).toBe(true);
  });

  it('leaves a Node alone whose record a person made unreadable', () => {
    const broken = node({ annotations: { [MARKS_ANNOTATION]: '{"cordon":{"ours":true}}' } });
    expect(setMark(broken, 'cordon', { value: true, at: AT, owner: OWNER })).toBeUndefined();
    expect(undoMarks(broken, () => true)).toBeUndefined();
    expect(releaseCordon(broken)).toBeUndefined();
    expect(readMarks(broken).error).toContain('"cordon" is no mark');
  });
});

describe('a record that somebody has changed', () => {
  const mark = { ours: true, was: false, at: AT };
  it.each<[string, Record<string, unknown>]>([
    ['of no kind', { drain: mark }],
    ['of a kind without a name', { label: { ...mark, ours: 'x', was: null } }],
    ['of a name that no label has', { 'label/a b': { ...mark, ours: 'x', was: null } }],
    ['of a label that was a number', { 'label/a': { ...mark, ours: 'x', was: 5 } }],
    ['of a label that was what no label is', { 'label/a': { ...mark, ours: 'x', was: 'b c' } }],
    ['of a cordon that was a text', { cordon: { ...mark, was: 'no' } }],
    ['of an owner without an attempt', { cordon: { ...mark, owner: { shadowUid: 's' } } }],
    ['of the record itself', { [`annotation/${MARKS_ANNOTATION}`]: { ...mark, ours: 'x', was: null } }],
    ['released halfway', { cordon: { ...mark, released: 'yes' } }],
  ])('and has a mark %s is left alone', (_, record) => {
    const touched = node({
      unschedulable: true,
      annotations: { [MARKS_ANNOTATION]: JSON.stringify(record) },
    });
    expect(readMarks(touched).error).toContain('is no mark');
    expect(undoMarks(touched, () => true)).toBeUndefined();
    expect(cordonOf(touched)).toMatchObject({ by: 'others' });
  });

  it('cannot give marks to other objects', () => {
    const text = '{"__proto__": {"ours": true, "was": false, "at": ""}}';
    expect(readMarks(node({ annotations: { [MARKS_ANNOTATION]: text } }))).toMatchObject({ marks: {} });
  });

  it('does not take what every object has for a label', () => {
    expect(currentValue(node({}), 'label/constructor')).toBeNull();
  });
});

describe('undoing marks', () => {
  it('gives back what was there and removes the record in the same patch', () => {
    const after = undo(cordoned());
    expect(after.spec).toEqual({});
    expect(after.metadata.annotations).toEqual({ team: 'x' });
  });

  it('touches no key that no longer has our value', () => {
    expect(isCordoned(undo(uncordonBySomebody(cordoned())))).toBe(false);
    const label: MarkKey = 'label/lb';
    const marked = merged(node(), setMark(node(), label, { value: 'out', at: AT, owner: OWNER }) ?? {});
    const changed = merged(marked, { metadata: { labels: { lb: 'theirs' } } });
    expect(currentValue(undo(changed), label)).toBe('theirs');
    expect(readMarks(undo(changed)).marks).toEqual({});
  });

  it('leaves alone what somebody took back and set again', () => {
    const released = merged(uncordoned(), releaseCordon(uncordoned()) ?? {});
    const theirs = cordonBySomebody(released);
    expect(cordonOf(theirs)).toMatchObject({ by: 'others' });
    expect(isCordoned(undo(theirs))).toBe(true);
  });

  it('records only once that somebody took the cordon back', () => {
    const released = merged(uncordoned(), releaseCordon(uncordoned()) ?? {});
    expect(releaseCordon(released)).toBeUndefined();
    expect(releaseCordon(node())).toBeUndefined();
  });

  it.each<[string, MarkOwner, boolean]>([
    ['of this attempt', OWNER, false],
    ['of an older attempt', { ...OWNER, attempt: OWNER.attempt - 1 }, false],
    ['of a later attempt', LATER, true],
    ['of another shadow', { shadowUid: 'shadow-2', attempt: 1 }, true],
  ])('for one attempt, of marks %s', (_name, owner, stays) => {
    expect(isCordoned(undo(cordon(node(), owner), OWNER))).toBe(stays);
  });

  it('keeps marks that belong to no attempt', () => {
    const labelled = merged(node(), setMark(node(), INTERFACE_LABEL_MARK, { value: '2.0.0', at: AT }) ?? {});
    expect(undoMarks(labelled, isAttemptMark)).toBeUndefined();
  });
});

const stray = (facts: Parameters<typeof undoStrayMarks>[1], of = cordoned()): boolean =>
  undoStrayMarks(of, facts) !== undefined;

describe('stray marks', () => {
  it.each<[string, Parameters<typeof undoStrayMarks>[1], boolean]>([
    ['the shadow is Idle and in no ledger', { shadow: idle(), hasEntry: false }, true],
    ['the shadow is gone', { shadow: undefined, hasEntry: false }, true],
    ['a ledger has an entry', { shadow: idle(), hasEntry: true }, false],
    ['the attempt is under way', { shadow: staging(), hasEntry: false }, false],
    [
      'the shadow was read before the attempt began',
      { shadow: idle({ spec: { attempt: OWNER.attempt - 1 } }), hasEntry: false },
      false,
    ],
  ])('when %s', (_name, facts, isUndone) => expect(stray(facts)).toBe(isUndone));

  it('are those of a shadow before this one, too', () => {
    const older = cordon(node(), { shadowUid: 'shadow-0', attempt: 9 });
    expect(stray({ shadow: idle(), hasEntry: false }, older)).toBe(true);
  });
});

describe('whose cordon it is', () => {
  it.each<[string, Node, string]>([
    ['none', node(), 'none'],
    ['ours', cordoned(), 'us'],
    ["somebody's", node({ unschedulable: true }), 'others'],
    ["somebody's under ours", cordon(node({ unschedulable: true })), 'others'],
    ['beyond reading', node({ unschedulable: true, annotations: { [MARKS_ANNOTATION]: '[]' } }), 'others'],
  ])('%s', (_name, of, by) => expect(cordonOf(of).by).toBe(by));
});

// ---- properties ------------------------------------------------------------------------------------------

const KEYS: readonly MarkKey[] = ['cordon', 'label/lb', 'label/zone', 'annotation/scale', 'annotation/team'];
const ours = (key: MarkKey): true | 'ours' => (key === 'cordon' ? true : 'ours');
const anyNode = fc
  .record({ unschedulable: fc.boolean(), lb: fc.boolean(), scale: fc.boolean() })
  .map(({ unschedulable, lb, scale }) =>
    node({
      unschedulable,
      labels: lb ? { lb: 'before' } : {},
      annotations: scale ? { scale: 'before' } : {},
    }),
  );
const anyKeys = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1 });
const setAll = (of: Node, keys: readonly MarkKey[], owner = OWNER): Node =>
  keys.reduce((n, key) => merged(n, setMark(n, key, { value: ours(key), at: AT, owner }) ?? {}), of);
/** Somebody changes keys: each becomes theirs. */
const changed = (of: Node, keys: readonly MarkKey[]): Node =>
  keys.reduce((n, key) => {
    if (key === 'cordon') return merged(n, { spec: { unschedulable: isCordoned(n) ? null : true } });
    const [map, name] = key.split('/') as ['label' | 'annotation', string];
    return merged(n, { metadata: { [`${map}s`]: { [name]: 'theirs' } } });
  }, of);

describe('marks, whatever a Node looks like', () => {
  it('are undone to exactly what was there, through any number of attempts', () => {
    fc.assert(
      fc.property(anyNode, anyKeys, fc.integer({ min: 1, max: 4 }), (before, keys, attempts) => {
        let now = before;
        for (let attempt = 1; attempt <= attempts; attempt++) now = setAll(now, keys, { ...OWNER, attempt });
        expect(undo(now, { ...OWNER, attempt: attempts })).toEqual(before);
      }),
    );
  });

  it('never take away what others changed meanwhile', () => {
    fc.assert(
      fc.property(anyNode, anyKeys, anyKeys, (before, keys, theirs) => {
        const now = changed(setAll(before, keys), theirs);
        const after = undo(now, OWNER);
        for (const key of theirs) expect(currentValue(after, key)).toEqual(currentValue(now, key));
        for (const key of keys)
          if (!theirs.includes(key)) expect(currentValue(after, key)).toEqual(currentValue(before, key));
        expect(readMarks(after).marks).toEqual({});
      }),
    );
  });
});
