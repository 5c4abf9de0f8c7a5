/** The command line of `npm run mutants`. */
import { parseArgs } from 'node:util';
import { MUTANTS } from './all.ts';
import { WAYS } from './hunt.ts';
import type { Way } from './hunt.ts';
import type { Mutant } from './mutant.ts';

export const HELP = `npm run mutants [-- OPTIONS]

Changes a line that matters, asks the unit tests beside it, the model and the simulation whether they notice, and does so for
every change there is. Works in copies below build/mutants. Exit code 0 when all were noticed, 1 when one was not, 2 for bad
arguments.

  --only NAME    only mutants whose name or file contains it; may be repeated
  --by WAYS      what may notice them: ${WAYS.join(', ')}, with commas between [all]
  --seeds N      how many stories are played at most for each [2000]
  --jobs N       how many at a time [1]
  --json FILE    writes what was found
  --list         says which there are, and why
`;

export interface MutantOptions {
  mutants: readonly Mutant[];
  ways: readonly Way[];
  seeds: number;
  jobs: number;
  json: string | undefined;
  list: boolean;
}

/** @throws Error saying what is wrong; undefined when only help was asked for */
export function readOptions(argv: readonly string[]): MutantOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      by: { type: 'string', default: WAYS.join(',') },
      seeds: { type: 'string', default: '2000' },
      jobs: { type: 'string', default: '1' },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { only } = values;
  const mutants = MUTANTS.filter(
    ({ name, file }) => only.length === 0 || only.some((each) => name.includes(each) || file.includes(each)),
  );
  if (mutants.length === 0) throw new Error(`No mutant is called ${only.join(' or ')}`);
  return {
    mutants,
    ways: waysOf(values.by),
    seeds: number('--seeds', values.seeds),
    jobs: number('--jobs', values.jobs),
    json: values.json,
    list: values.list,
  };
}

function waysOf(text: string): Way[] {
  const named = text.split(',');
  const unknown = named.filter((name) => !WAYS.some((way) => way === name));
  if (unknown.length > 0)
    throw new Error(`--by: there is no ${unknown.join(', ')}; there are ${WAYS.join(', ')}`);
  return WAYS.filter((way) => named.includes(way));
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option}: a whole number above 0 is needed`);
  return value;
}
