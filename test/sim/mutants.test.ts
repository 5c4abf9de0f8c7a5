/** The hunt itself: it finds what is to be found, and nothing else. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUTANTS } from '../mutants/all.ts';
import { SourceCopy } from '../mutants/copy.ts';
import { hunt } from '../mutants/hunt.ts';
import type { Mutant } from '../mutants/mutant.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const COPY = join(ROOT, 'build', 'mutants', 'smoke');
const innocent = { passes: () => Promise.resolve(true), failing: () => Promise.resolve(undefined) };
const named = (name: string): Mutant => MUTANTS.find((each) => each.name === name) as Mutant;
/** Nobody can notice it. */
const COMMENT: Mutant = {
  name: 'comment',
  file: 'src/policy/order.ts',
  find: '/** Which candidate',
  replace: '/** The candidate that',
  why: 'Nothing happens.',
};

let copy: SourceCopy;
beforeAll(() => void (copy = new SourceCopy(ROOT, COPY)));
afterAll(() => rmSync(COPY, { recursive: true, force: true }));

describe('a hunt', () => {
  it('lets live what nothing notices', async () => {
    copy.become(COMMENT);
    expect(await hunt(copy, COMMENT, { ways: ['sim'], seeds: 1, innocent })).toBeUndefined();
  });

  it('changes one file at a time', () => {
    copy.become(COMMENT);
    const text = (): string => readFileSync(join(COPY, COMMENT.file), 'utf8');
    expect(text()).toContain(COMMENT.replace);
    copy.become(named('slot-off-by-one'));
    expect(text()).not.toContain(COMMENT.replace);
  });

  it.each([
    ['unit', 'slot-off-by-one'],
    ['sim', 'cordon-is-kept-after-the-reboot'],
  ] as const)('finds by %s: %s', async (by, name) => {
    const mutant = named(name);
    copy.become(mutant);
    expect(await hunt(copy, mutant, { ways: [by], seeds: 5, innocent })).toMatchObject({ by });
  });

  it('accuses no mutant of a story that fails without it', async () => {
    const mutant = named('cordon-is-kept-after-the-reboot');
    copy.become(mutant);
    const guilty = { ...innocent, passes: () => Promise.resolve(false) };
    expect(await hunt(copy, mutant, { ways: ['sim'], seeds: 1, innocent: guilty })).toBeUndefined();
  });
});
