/**
 * Run in a copy: plays the regression stories, then seeds one after the other, and says of each what failed, a line of JSON
 * each: `node test/mutants/seeds.ts FROM COUNT [stories]`.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readScenario } from '../../src/cmd/sim/files.ts';
import { play } from '../../src/cmd/sim/play.ts';
import { generateScenario } from '../../src/sim/scenario/generate.ts';
import type { Scenario } from '../../src/sim/scenario/scenario.ts';

/** One story that was played. */
export interface PlayedLine {
  story: string;
  /** Name of the first rule that failed; absent when none did. */
  rule?: string;
  message?: string;
}

async function tell(story: string, scenario: Scenario): Promise<void> {
  const line: PlayedLine = { story };
  try {
    const [first] = (await play(scenario)).failures;
    if (first !== undefined) Object.assign(line, { rule: first.rule, message: first.message.slice(0, 300) });
  } catch (error) {
    Object.assign(line, { rule: 'crash', message: String(error).slice(0, 300) });
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [from = '1', count = '1', stories] = process.argv.slice(2);
if (stories === 'stories') {
  const folder = join(import.meta.dirname, '..', 'sim', 'regressions');
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.json'))) {
    await tell(name, readScenario(join(folder, name)));
  }
}
for (let seed = Number(from); seed < Number(from) + Number(count); seed += 1) {
  await tell(String(seed), generateScenario(String(seed)));
}
