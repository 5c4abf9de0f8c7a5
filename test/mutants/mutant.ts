/** A change to one line that matters, which the unit tests, the model or the simulation have to notice. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** See the head of this file. */
export interface Mutant {
  /** Unique, in kebab case. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What would happen to a cluster. */
  readonly why: string;
}

/** A mutant that cannot be made of the source as it is. */
export class MutantDoesNotApply extends Error {
  override readonly name = 'MutantDoesNotApply';
  readonly code = 'mutantDoesNotApply';
}

/** The text of the file with the change in it. @throws MutantDoesNotApply */
export function mutate(text: string, { name, file, find, replace }: Mutant): string {
  const pieces = text.split(find);
  if (pieces.length !== 2) {
    throw new MutantDoesNotApply(`${name}: ${file} has ${pieces.length - 1} times ${JSON.stringify(find)}`);
  }
  if (find === replace) throw new MutantDoesNotApply(`${name} changes nothing`);
  return pieces.join(replace);
}

/** The changed file of a source tree. @throws MutantDoesNotApply */
export const mutatedFile = (root: string, mutant: Mutant): string =>
  mutate(readFileSync(join(root, mutant.file), 'utf8'), mutant);
