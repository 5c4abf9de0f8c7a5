/** What a run of mutants came to, for people. */
import type { Kill } from './hunt.ts';
import type { Mutant } from './mutant.ts';

/** One mutant that was hunted. */
export interface Hunted {
  mutant: Mutant;
  /** What noticed it; undefined = nothing. */
  kill: Kill | undefined;
  seconds: number;
}

const MAX_WHAT = 90;

/** `name  unit  12 s  the test that failed`. */
export function huntedLine({ mutant, kill, seconds }: Hunted): string {
  const by = kill === undefined ? 'SURVIVED' : kill.by;
  const stories = kill === undefined || kill.stories === 0 ? '' : `${kill.stories} stories`;
  const what = kill?.what ?? mutant.why;
  const shown = what.length > MAX_WHAT ? `${what.slice(0, MAX_WHAT - 1)}…` : what;
  return [
    mutant.name.padEnd(42),
    by.padEnd(9),
    `${Math.round(seconds)} s`.padStart(6),
    stories.padStart(12),
    ` ${shown}`,
  ].join(' ');
}

/** The last lines. */
export function summary(hunted: readonly Hunted[]): string[] {
  const survivors = hunted.filter(({ kill }) => kill === undefined);
  const by = (way: string): number => hunted.filter(({ kill }) => kill?.by === way).length;
  return [
    `${hunted.length} mutants: ${by('unit')} noticed by unit tests, ${by('model')} by the model, ${by('sim')} by the simulation, ${survivors.length} by nothing`,
    ...survivors.map(({ mutant }) => `survived: ${mutant.name} (${mutant.file}): ${mutant.why}`),
  ];
}
