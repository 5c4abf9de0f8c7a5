/** `npm run sim`: many stories, or one. */
import { writeFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { generateScenario } from '../../sim/scenario/generate.ts';
import { readScenario, ScenarioFileError } from './files.ts';
import { idleRulesLine, playMany, totalsLine } from './many.ts';
import { readOptions } from './options.ts';
import type { SimOptions } from './options.ts';
import { reportOf } from './report.ts';
import { tellStory } from './single.ts';

/** @returns the exit code: 0 nothing failed, 1 something did, 2 bad arguments or files */
export async function runSim(argv: readonly string[], write: (line: string) => void): Promise<number> {
  try {
    const options = readOptions(argv, (text) => write(text.trimEnd()));
    return (await run(options, write)) ? 0 : 1;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof ScenarioFileError)) throw error;
    write(error.message);
    return 2;
  }
}

/** @returns whether nothing failed */
async function run(options: SimOptions, write: (line: string) => void): Promise<boolean> {
  const { seed, replay, trace } = options;
  if (seed !== undefined || replay !== undefined) {
    const scenario = replay === undefined ? generateScenario(seed ?? '') : readScenario(replay);
    const { failures } = await tellStory(scenario, { trace, write });
    return failures.length === 0;
  }
  const totals = await playMany(options, write);
  if (options.report !== undefined) writeFileSync(options.report, reportOf(totals));
  write(totalsLine(totals));
  const idle = idleRulesLine(totals);
  if (idle !== undefined) write(idle);
  write(`${totals.played - totals.failed.length} passed, ${totals.failed.length} failed, 0 skipped`);
  return totals.failed.length === 0;
}
