import { describe, expect, it } from 'vitest';
import { EXCLUDE_ANNOTATION, RESUME_ANNOTATION, RETRY_ANNOTATION, RUN_NOW_ANNOTATION } from '../api/names.ts';
import { clearedBy, nodeControls, policyControls } from './annotations.ts';
import { parseInstant } from './instant.ts';

const now = parseInstant('2026-01-10T12:00:00Z');
const of = (annotations: Record<string, string>) => nodeControls(annotations, now);

describe('what annotations of a node ask for', () => {
  it('nothing', () => {
    const nothing = { excluded: false, runNowUntilMs: undefined, retryAtMs: undefined, errors: [] };
    expect(nodeControls(undefined, now)).toEqual(nothing);
    expect(of({ other: 'true' })).toEqual(nothing);
  });

  it.each([
    ['true', true, 0],
    ['false', false, 0],
    ['True', true, 1],
    ['', true, 1],
    ['yes', true, 1],
  ])('exclude: %j', (value, excluded, errors) => {
    const controls = of({ [EXCLUDE_ANNOTATION]: value });
    expect(controls.excluded).toBe(excluded);
    expect(controls.errors).toHaveLength(errors);
  });

  it('names an exclude it cannot read', () =>
    expect(of({ [EXCLUDE_ANNOTATION]: 'yes' }).errors).toEqual([
      {
        path: 'metadata.annotations["brupop.bottlerocket.aws/exclude"]',
        value: 'yes',
        message: '"yes" is neither "true" nor "false"; the node counts as excluded until it is one of them',
      },
    ]));

  it('run-now until an instant', () =>
    expect(of({ [RUN_NOW_ANNOTATION]: '2026-01-10T14:00:00Z' }).runNowUntilMs).toBe(now + 7_200_000));

  it.each(['now', '2h', '2026-01-10T14:00:00', ''])('run-now: %j is ignored and named', (value) => {
    const controls = of({ [RUN_NOW_ANNOTATION]: value });
    expect(controls.runNowUntilMs).toBeUndefined();
    expect(controls.errors).toMatchObject([{ value }]);
  });

  it('retry from before an instant', () => {
    expect(of({ [RETRY_ANNOTATION]: '2026-01-10T12:00:00Z' })).toMatchObject({ retryAtMs: now, errors: [] });
    const future = of({ [RETRY_ANNOTATION]: '2026-01-10T12:00:01Z' });
    expect(future.retryAtMs).toBeUndefined();
    expect(future.errors[0]?.message).toContain('is in the future');
  });
});

describe('what annotations of a policy ask for', () => {
  it.each([
    [{}, undefined, undefined],
    [{ [RESUME_ANNOTATION]: '2026-01-10T11:00:00Z' }, now - 3_600_000, undefined],
    [{ [RESUME_ANNOTATION]: '2026-01-11T11:00:00Z' }, undefined, '"2026-01-11T11:00:00Z" is in the future'],
    [{ [RESUME_ANNOTATION]: 'yes' }, undefined, '"yes" is not an RFC 3339 time'],
  ])('%j', (annotations, resumeAtMs, problem) => {
    const controls = policyControls(annotations, now);
    expect(controls.resumeAtMs).toBe(resumeAtMs);
    if (problem === undefined) expect(controls.errors).toEqual([]);
    else expect(controls.errors[0]?.message).toContain(problem);
  });

  it('clears what was not later than the statement', () => {
    expect(clearedBy(5, undefined)).toBe(false);
    expect(clearedBy(5, 4)).toBe(false);
    expect(clearedBy(5, 5)).toBe(true);
  });
});
