import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './all.ts';
import { foldersOf } from './hunt.ts';
import { mutate, mutatedFile } from './mutant.ts';
import type { Mutant } from './mutant.ts';
import { readOptions } from './options.ts';
import { huntedLine, summary } from './table.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const mutant = (fields: Partial<Mutant> = {}): Mutant => ({
  name: 'any',
  file: 'src/policy/gates.ts',
  find: 'b',
  replace: 'c',
  why: 'because',
  ...fields,
});

describe('the mutants', () => {
  it('are many, and have names of their own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(60);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });

  it.each(MUTANTS.map((each) => [each.name, each] as const))('%s still applies', (_name, each) => {
    const text = mutatedFile(ROOT, each);
    expect(text).not.toBe(readFileSync(join(ROOT, each.file), 'utf8'));
    expect(each.why).toMatch(/^[A-Z].*\.$/);
  });
});

describe('a mutation', () => {
  it('is made in one place', () => {
    expect(mutate('abc', mutant())).toBe('acc');
    expect(() => mutate('abcb', mutant())).toThrow('2 times "b"');
    expect(() => mutate('xyz', mutant())).toThrow('0 times "b"');
    expect(() => mutate('abc', mutant({ replace: 'b' }))).toThrow('changes nothing');
  });
});

describe('the command line', () => {
  it('chooses mutants, and what may notice them', () => {
    expect(readOptions(['--only', 'evict', '--by', 'sim,unit', '--seeds', '5', '--jobs', '2'])).toMatchObject(
      {
        ways: ['unit', 'sim'],
        seeds: 5,
        jobs: 2,
      },
    );
    expect(readOptions(['--help'])).toBeUndefined();
    expect(readOptions([])?.mutants).toEqual(MUTANTS);
    expect(() => readOptions(['--only', 'nothing-of-the-sort'])).toThrow('No mutant');
    expect(() => readOptions(['--by', 'luck'])).toThrow('there is no luck');
    expect(() => readOptions(['--seeds', '0'])).toThrow('above 0');
  });

  it('tells what became of each', () => {
    const hunted = [
      {
        mutant: mutant({ name: 'a' }),
        kill: { by: 'sim', what: 'ledgerKeepsLimit, story 3', stories: 8 },
        seconds: 2,
      },
      { mutant: mutant({ name: 'b' }), kill: undefined, seconds: 3 },
    ] as const;
    expect(huntedLine(hunted[0])).toMatch(/^a +sim +2 s +8 stories +ledgerKeepsLimit, story 3$/);
    expect(summary(hunted)).toEqual([
      '2 mutants: 0 noticed by unit tests, 0 by the model, 1 by the simulation, 1 by nothing',
      'survived: b (src/policy/gates.ts): because',
    ]);
  });
});

describe('a hunt', () => {
  it('asks the tests of the layer', () => {
    expect(foldersOf(mutant())).toEqual(['src/policy']);
    expect(foldersOf(mutant({ file: 'src/protocol/agent-idle.ts' }))).toEqual(['src/protocol', 'src/agent']);
  });
});
